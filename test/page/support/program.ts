/** Starts `shop.ts` as a child of the test. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"

export interface ShopOptions {
  readonly port?: number
  readonly token?: string
  readonly actions?: ReadonlyArray<"stop" | "kill" | "restart" | "profile" | "heap">
  /** orders are made all the time, on three threads */
  readonly sells?: boolean
  /** a thread is blocked by one call */
  readonly blocked?: boolean
  /** two actors wait for each other */
  readonly deadlocked?: boolean
  /** an actor has spawned two others, on a thread and in memory */
  readonly nested?: boolean
  /** the number of actors in memory */
  readonly crowd?: number
}

/** A running program. */
export interface Shop {
  readonly pid: number
  /** the address of its page, with the token */
  readonly address: string
  readonly url: string
  readonly token: string
  /** ends the program in order */
  readonly end: Effect.Effect<void>
}

const readyOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let output = ""
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (text) => {
        output += String(text)
        const [, address] = /ready (.*)\n/.exec(output) ?? []
        if (address !== undefined) resolve(address)
      })
    }
    child.once("exit", () => reject(new Error(`the program has ended: ${output}`)))
  })

/** A program, until the scope ends. */
export const shop = (options: ShopOptions): Effect.Effect<Shop, never, Scope.Scope> =>
  Effect.gen(function*() {
    const file = path.join(import.meta.dirname, "../programs/shop.ts")
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--conditions=@uactor/source", file, JSON.stringify(options)], { stdio: "pipe" })
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const exited = once(child, "exit")
          child.kill("SIGKILL")
          await exited
        })
    )
    const address = yield* Effect.promise(() => readyOf(child))
    const { hash, origin } = new URL(address)
    return {
      pid: child.pid!,
      address,
      url: origin,
      token: hash.slice("#token=".length),
      end: Effect.promise(async () => {
        const exited = once(child, "exit")
        child.stdin.end()
        const [code] = await exited
        assert.strictEqual(code, 0)
      })
    }
  })
