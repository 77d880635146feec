// The processes that run test files.
import { Writable } from "node:stream"
import { ForksPoolWorker, type PoolOptions, type WorkerRequest } from "vitest/node"

const outputs = new Map<string, Array<string>>()

/** The output of the workers of a test file. The reporter prints the output if the file fails. */
export const outputOf = (file: string): string => (outputs.get(file) ?? []).join("")

class QuietFork extends ForksPoolWorker {
  override readonly name = "quietForks"
  #files: ReadonlyArray<string> = []

  constructor(options: PoolOptions) {
    // A worker does not use the bundle where a script is preloaded, which may observe imports. The script of the test runner only
    // suppresses warnings of a module loader that is not in use.
    const preload = options.execArgv.indexOf("--require")
    super({ ...options, execArgv: options.execArgv.filter((_, i) => i !== preload && i !== preload + 1) })
    this["stdout"] = this["stderr"] = new Writable({
      write: (chunk: Buffer, _, done) => {
        for (const file of this.#files) outputs.get(file)!.push(chunk.toString())
        done()
      }
    })
  }

  override send(message: WorkerRequest): void {
    if (message.type === "run") {
      this.#files = message.context.files.map(({ filepath }) => filepath)
      for (const file of this.#files) outputs.set(file, [])
    }
    super.send(message)
  }
}

/** Forks whose output is kept, and whose workers start as those of a program do. */
export const quietForks = {
  name: "quietForks",
  createPoolWorker: (options: PoolOptions): QuietFork => new QuietFork(options)
}
