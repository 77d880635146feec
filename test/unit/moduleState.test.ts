import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as ActorRef from "../../src/ActorRef.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import behaviours, { Cheap } from "../cost/actors/cost.ts"

const root = path.join(import.meta.dirname, "../../src/internal")

/** The mutable variables of the engine's modules, and why each of them belongs to no system. */
const allowed: Readonly<Record<string, string>> = {
  "actor/actorId.ts prefix": "a thread is one worker of the program",
  "actor/actorId.ts hostPrefix": "the same",
  "actor/actorId.ts spawned": "ids of actors are unique in the program, over all of its systems",
  "actor/actorId.ts last": "a cache",
  "actor/actorId.ts systems": "ids of workers are unique in the program, over all of its systems",
  "actor/interruption.ts sentCount":
    "a handler of one system may wait for an actor of another system in the same thread",
  "actor/interruption.ts pending": "the same",
  "handles/marshal.ts exporter": "set while one value is encoded, and restored",
  "handles/marshal.ts importer": "set while one value is decoded, and restored",
  "effect/v8Pretenuring.ts hasRun": "V8 decides once in a thread",
  "remote/awaiting.ts waiting": "a fiber of any system of the thread may wait at an object of the thread",
  "remote/shares.ts count": "generates ids that are unique in the thread",
  "remote/shares.ts shares": "a share is in progress between two actors of the thread",
  "handoff/introducer.ts channelCount": "generates ids that are unique in the thread",
  "handoff/introducer.ts provideCount": "generates ids that are unique in the thread",
  "metrics/counts.ts kinds": "counters of calls are those of the process, and never fall",
  "metrics/counts.ts listeners": "the metrics of the program list each kind of actor",
  "metrics/durations.ts isOn": "a layer measures the durations of the process",
  "metrics/durations.ts users": "the same",
  "metrics/durations.ts time": "a cache",
  "metrics/durations.ts epoch": "a cache",
  "metrics/durations.ts isReading": "set while one message is read, and restored",
  "metrics/durations.ts all": "durations are those of the process, as counters are",
  "metrics/durations.ts listeners": "the metrics of the program list each method",
  "monitor/events.ts listeners": "an observer sees the whole program",
  "monitor/readings.ts answers": "holds the timers of the questions that observers ask at the moment",
  "monitor/targets.ts patience": "the same",
  "monitor/systems.ts systems": "an observer sees all systems of the program; a system leaves the set when it closes",
  "observe/callerLog.ts plain": "a cache, until the end of the turn",
  "observe/propagated.ts declared": "a reference is declared once for the thread, by its module",
  "observe/propagated.ts isUsed": "the same",
  "session/inspection.ts lastSerial": "generates numbers that are unique in the thread",
  "runtime/notify.ts waiting": "set while states change together, and restored",
  "runtime/realm.ts prototypes": "a cache",
  "runtime/realm.ts tags": "a cache",
  "clone/kinds.ts ordinary": "a cache"
}

const mutable = /^(?:export )?(?:let (\w+)|const (\w+)(?:: [^=]+)? = new \w+(?:<[^\n]*>)?\((?!\[)[^\n]*\)$)/gm

/** A weak map only adds data to its keys, and a set or map made from a list is a constant. */
const isNote = (line: string): boolean => / = new (?:WeakMap|Error|RegExp)\b/.test(line) || line.includes("([")

it("the modules of the engine keep no state that two systems in one process would share", () => {
  const found = fs.readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      [...fs.readFileSync(path.join(root, file), "utf8").matchAll(mutable)]
        .filter(([line]) => !isNote(line))
        .map(([, variable, constant]) => `${file} ${variable ?? constant}`)
    )
  assert.deepStrictEqual(found.toSorted(), Object.keys(allowed).toSorted())
})

it.effect("two systems in one process number their workers and actors independently", () =>
  Effect.gen(function*() {
    const spawnTwo = Effect.gen(function*() {
      const context = yield* Layer.build(ActorSystem.layer(behaviours))
      const actors = yield* Effect.provide(Effect.all([Cheap.spawn(), Cheap.spawn()]), context)
      return actors.map(ActorRef.address)
    })
    const [first, second] = yield* Effect.all([spawnTwo, spawnTwo])
    assert.deepStrictEqual(first, ["Cheap#1@memory-1", "Cheap#1@memory-2"])
    assert.deepStrictEqual(second, first)
  }).pipe(Effect.scoped))
