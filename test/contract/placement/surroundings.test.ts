import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Worker } from "node:worker_threads"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { preload, Surroundings } from "./actors/surroundings.ts"

const module = new URL("./actors/surroundings.ts", import.meta.url)

/** The names of the variables, without those that Node or the system adds. */
const namesOf = (variables: ReadonlyMap<string, string>): ReadonlyArray<string> =>
  Array.from(variables.keys()).filter((name) => !/^(?:NODE_V8_COVERAGE|__CF_USER_TEXT_ENCODING)$/.test(name)).toSorted()

onEveryPlacement({ module, behaviours }, (placement) => {
  it.live("T3: a worker has the environment of the program by default", () =>
    Effect.gen(function*() {
      const variables = yield* (yield* Surroundings.spawn()).variables()
      assert.strictEqual(variables.get("PATH"), process.env["PATH"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("T3: env replaces the environment of a worker, without the variables that are undefined", () =>
    Effect.gen(function*() {
      const variables = yield* (yield* Surroundings.spawn()).variables()
      assert.deepStrictEqual(namesOf(variables), ["EMPTY", "LEVEL"])
      assert.strictEqual(variables.get("LEVEL"), "debug")
    }).pipe(Effect.provide(placement.layer({ env: { LEVEL: "debug", EMPTY: "", GONE: undefined } }))))

  it.live("T3: env with a copy of the environment adds a variable", () =>
    Effect.gen(function*() {
      const variables = yield* (yield* Surroundings.spawn()).variables()
      assert.strictEqual(variables.get("PATH"), process.env["PATH"])
      assert.strictEqual(variables.get("LEVEL"), "debug")
    }).pipe(Effect.provide(placement.layer({ env: { ...process.env, LEVEL: "debug" } }))))

  it.live("T3: a worker finds argv behind the first two values of process.argv", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* (yield* Surroundings.spawn()).argv(), ["--verbose", "two words", ""])
    }).pipe(Effect.provide(placement.layer({ argv: ["--verbose", "two words", ""] }))))

  it.live("T3: Node applies execArgv to a worker", () =>
    Effect.gen(function*() {
      const surroundings = yield* Surroundings.spawn()
      assert.include(yield* surroundings.execArgv(), `--import=${preload}`)
      assert.isTrue(yield* surroundings.isPreloaded())
    }).pipe(Effect.provide(placement.layer({ execArgv: [`--import=${preload}`] }))))

  it.live("T3: name is in the addresses of actors, and names the thread or the process", () =>
    Effect.gen(function*() {
      const first = yield* Surroundings.spawn()
      const second = yield* Surroundings.spawn()
      assert.strictEqual(ActorRef.address(first), "Surroundings#1@pricing-1")
      assert.strictEqual(ActorRef.address(second), "Surroundings#1@pricing-2")
      assert.strictEqual(yield* first.name(), "pricing-1")
      assert.strictEqual(yield* second.name(), "pricing-2")
    }).pipe(Effect.provide(placement.layer({ name: "pricing" }))))

  const options = [{}, { env: { LEVEL: "debug" } }, { execArgv: ["--no-warnings"] }]
  for (const given of options) {
    it.live(`T3: a worker has the Node arguments of the program, with the options ${JSON.stringify(given)}`, () =>
      Effect.promise(async () => {
        const own = ["--conditions=@uactor/source", "--expose-gc", "--stack-trace-limit=20", "--title", "the program"]
        const file = fileURLToPath(module)
        const { stdout } = await promisify(execFile)(process.execPath, [
          ...own,
          file,
          placement.name,
          JSON.stringify(given)
        ])
        const { execArgv, resolved } = JSON.parse(stdout) as { execArgv: Array<string>; resolved: string }
        assert.include(execArgv, "--conditions=@uactor/source")
        assert.strictEqual(resolved, new URL("../../../src/index.ts", import.meta.url).href)
        // by default Node shows the arguments of the process to a thread, too
        if (placement.name === "processes" || given === options[0]) assert.include(execArgv, "--expose-gc")
        else assert.deepStrictEqual(execArgv, ["--conditions=@uactor/source", ...given.execArgv ?? []])
      }))
  }
}, { except: ["memory"], reason: "an actor in memory has the environment of the program" })

it.live("T3: a thread with arguments that Node accepts for a process only fails its spawn, and the error names the argument", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Surroundings.spawn())
    assert.instanceOf(error, SpawnError)
    assert.strictEqual(error.reason, "WorkerFailed")
    assert.include(error.message, `execArgv contains "--max-old-space-size=64"`)
  }).pipe(
    Effect.scoped,
    Effect.provide(NodeActorSystem.layerThreads({ module, execArgv: ["--no-warnings", "--max-old-space-size=64"] }))
  ))

const layers: Readonly<Record<string, (options: object) => unknown>> = {
  "NodeActorSystem.layerThreads": (options) => NodeActorSystem.layerThreads({ module, ...options }),
  "NodeActorSystem.layerProcesses": (options) => NodeActorSystem.layerProcesses({ module, ...options })
}

for (const [name, layer] of Object.entries(layers)) {
  describe(name, () => {
    const refused: ReadonlyArray<[options: object, text: string]> = [
      [{ name: "" }, `name must be a string of at least one character, without control characters, not ""`],
      [{ name: "a\nb" }, `name must be a string of at least one character, without control characters, not "a\\nb"`],
      [{ name: 5 }, `name must be a string of at least one character, without control characters, not 5`],
      [{ argv: "--verbose" }, `argv must be an array of strings without null characters, not '--verbose'`],
      [{ argv: ["a\0"] }, `argv must be an array of strings without null characters, not [ 'a\\x00' ]`],
      [{ execArgv: [5] }, "execArgv must be an array of strings without null characters, not [ 5 ]"],
      [{ env: null }, `env must be an object, such as { ...process.env, LEVEL: "debug" }, not null`],
      [{ env: { LEVEL: 5 } }, "env must consist of names and strings without null characters, but 'LEVEL' is 5"],
      [{ env: { "A=B": "C" } }, "env must consist of names and strings without null characters, but 'A=B' is 'C'"]
    ]
    for (const [options, text] of refused) {
      it(`P8: ${JSON.stringify(options)} is rejected, and the error names the option`, () => {
        assert.throws(() => layer(options), TypeError, `${name}: ${text}`)
      })
    }
  })
}

for (const option of ["env", "argv", "execArgv"]) {
  it(`P8: ${option} is rejected beside a function that makes the thread`, () => {
    assert.throws(
      () => layers["NodeActorSystem.layerThreads"]!({ module: undefined, worker: () => new Worker(""), [option]: [] }),
      TypeError,
      `NodeActorSystem.layerThreads: ${option} cannot be combined with a function \`worker\`: pass it to \`new Worker\``
    )
  })
}
