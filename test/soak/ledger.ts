/**
 * What the soak program itself knows of the money: it follows the journals of the banks and checks them against what it was told.
 */
import * as fs from "node:fs"
import { type Entry, journalPath, parse, type Snapshot, snapshotPath } from "./bank.ts"

/** The journal of one bank in one epoch, as far as it has been read. */
class Journal {
  readonly begun = new Map<number, number>()
  readonly applied = new Map<string, number>()
  readonly deltas: Array<number>
  private readonly file: string
  private offset = 0
  private rest = ""

  constructor(file: string, accounts: number) {
    this.file = file
    this.deltas = new Array<number>(accounts).fill(0)
  }

  /** Reads what has been added. */
  follow(): this {
    if (!fs.existsSync(this.file)) return this
    const descriptor = fs.openSync(this.file, "r")
    try {
      const length = fs.fstatSync(descriptor).size - this.offset
      if (length === 0) return this
      const bytes = new Uint8Array(length)
      this.offset += fs.readSync(descriptor, bytes, 0, length, this.offset)
      const lines = (this.rest + new TextDecoder().decode(bytes)).split("\n")
      this.rest = lines.pop()!
      for (const line of lines) this.add(parse(line))
    } finally {
      fs.closeSync(descriptor)
    }
    return this
  }

  private add(entry: Entry): void {
    if (entry._tag === "Begun") {
      this.begun.set(entry.attempt, (this.begun.get(entry.attempt) ?? 0) + 1)
      return
    }
    this.applied.set(entry.key, (this.applied.get(entry.key) ?? 0) + 1)
    this.deltas[entry.account]! += entry.delta
  }
}

/** What the caller of one half of a transfer was told, to be checked again when the epoch is over. */
interface Told {
  readonly bank: number
  readonly attempt: number
  readonly key: string
  readonly isIdempotent: boolean
  /** whether the call began; `undefined`: the caller was not told */
  readonly ran: boolean | undefined
}

/** The accounts of all banks, and the journals since the last snapshot. */
export class Ledger {
  readonly accounts: ReadonlyArray<Array<number>>
  readonly total: number
  epoch = 0
  private readonly directory: string
  private readonly violation: (text: string) => void
  private journals: ReadonlyArray<Journal> = []
  private told: Array<Told> = []
  /** for each half of a transfer, whether its money had moved when its caller was last told */
  private moved = new Map<string, boolean>()

  constructor(
    directory: string,
    banks: number,
    accounts: number,
    balance: number,
    violation: (text: string) => void
  ) {
    this.directory = directory
    this.violation = violation
    this.accounts = Array.from({ length: banks }, () => new Array<number>(accounts).fill(balance))
    this.total = banks * accounts * balance
    this.open()
  }

  private open(): void {
    this.told = []
    this.moved = new Map()
    this.journals = this.accounts.map((balances, bank) => {
      const file = snapshotPath(this.directory, bank)
      fs.writeFileSync(`${file}.new`, JSON.stringify({ epoch: this.epoch, balances } satisfies Snapshot))
      fs.renameSync(`${file}.new`, file)
      return new Journal(journalPath(this.directory, bank, this.epoch), balances.length)
    })
  }

  /** how many answers have been noted in this epoch */
  get size(): number {
    return this.told.length
  }

  /** Whether a half of a transfer has been made. */
  isApplied(bank: number, key: string): boolean {
    return this.journals[bank]!.follow().applied.has(key)
  }

  /** Notes what a caller was told, and checks it against the journal at once. */
  note(bank: number, attempt: number, key: string, isIdempotent: boolean, ran: boolean | undefined): void {
    const told: Told = { bank, attempt, key, isIdempotent, ran }
    this.told.push(told)
    this.moved.set(key, this.isApplied(bank, key))
    this.check(told, "at once")
  }

  private check({ attempt, bank, isIdempotent, key, ran }: Told, when: string): void {
    const journal = this.journals[bank]!
    const begun = journal.begun.get(attempt) ?? 0
    const what = `call ${attempt} of transfer ${key} at bank ${bank} (${when})`
    if (ran === false && begun > 0) this.violation(`${what} was reported as NotRun, and it has begun`)
    if (ran === true && begun === 0) this.violation(`${what} was answered, and it has never begun`)
    if (begun > 1 && !isIdempotent) this.violation(`${what} has begun ${begun} times`)
    const times = journal.applied.get(key) ?? 0
    if (times > 1) this.violation(`${what} has moved its money ${times} times`)
    if (this.moved.get(key) !== times > 0) this.violation(`${what} went on after its caller had been told of its end`)
  }

  /** Checks the whole epoch; nothing may be under way. */
  audit(): void {
    for (const journal of this.journals) journal.follow()
    for (const told of this.told) this.check(told, "when the epoch was over")
    let sum = 0
    for (const [bank, balances] of this.accounts.entries()) {
      for (const [account, delta] of this.journals[bank]!.deltas.entries()) {
        balances[account]! += delta
        if (balances[account]! < 0) this.violation(`account ${account} of bank ${bank} is overdrawn`)
        sum += balances[account]!
      }
    }
    if (sum !== this.total) this.violation(`there is ${sum} in all accounts, and there should be ${this.total}`)
  }

  /** Begins the next epoch from the accounts of this one. */
  compact(): void {
    const old = this.epoch++
    this.open()
    for (const bank of this.accounts.keys()) fs.rmSync(journalPath(this.directory, bank, old), { force: true })
  }
}
