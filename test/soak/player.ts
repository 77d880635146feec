/** What the soak of groups runs: a player notes in a journal, before it does anything, which call it has begun; then it meets its fate. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as Actor from "../../src/Actor.ts"

/** What becomes of a call, and of its actor. */
const Fate = Schema.Literals(["none", "slow", "crash", "stop", "exit"])
export type Fate = typeof Fate.Type

export class Player extends Actor.Service<Player>()("Player", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: { play: Actor.method({ payload: { attempt: Schema.Int, fate: Fate } }) }
}) {}

export default Player.toLayer(({ journal }) =>
  Effect.gen(function*() {
    yield* Effect.addFinalizer(() => Effect.sleep(1))
    return Player.handlers({
      play: ({ attempt, fate }) =>
        Effect.gen(function*() {
          fs.appendFileSync(journal, `${attempt}\n`)
          if (fate === "slow") yield* Effect.sleep(5)
          if (fate === "crash") return yield* Actor.crash(Cause.fail("its fate"))
          if (fate === "stop") yield* Actor.stopSelf
          if (fate === "exit") process.exit(7)
        })
    })
  }), { concurrency: 2 })
