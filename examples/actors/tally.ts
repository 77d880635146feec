// An actor whose state survives: it saves to a database on a schedule and when it closes, and reads it when it starts.
import { Cause, Effect, Ref, Schedule, Schema } from "effect"
import { DatabaseSync } from "node:sqlite"
import { Actor } from "uactor"

export class Tally extends Actor.Service<Tally>()("Tally", {
  args: Schema.Struct({ file: Schema.String, saveEvery: Schema.DurationFromMillis }),
  protocol: {
    add: Actor.method({ payload: { by: Schema.Int }, success: Schema.Int }),
    total: Actor.method({ success: Schema.Int }),
    /** the actor crashes */
    crash: Actor.method(),
    /** the worker exits: no finalizer runs */
    exit: Actor.method()
  }
}) {}

const open = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const db = new DatabaseSync(file)
      // with a write-ahead log, what is written survives the end of the process
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000")
      db.exec("CREATE TABLE IF NOT EXISTS tally (id INTEGER PRIMARY KEY CHECK (id = 1), total INTEGER NOT NULL)")
      return db
    }),
    (db) => Effect.sync(() => db.close())
  )

export default Tally.toLayer(({ file, saveEvery }) =>
  Effect.gen(function*() {
    const db = yield* open(file)
    const read = db.prepare("SELECT total FROM tally")
    const write = db.prepare(
      "INSERT INTO tally VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET total = excluded.total"
    )
    let saved = Number(read.get()?.["total"] ?? 0)
    const total = yield* Ref.make(saved)
    const save = Effect.map(Ref.get(total), (now) => {
      if (now === saved) return
      write.run(now)
      saved = now
    })
    // after a stop, after a crash of the actor, and when the program ends; runs before the database is closed
    yield* Effect.addFinalizer(() => save)
    // for the death of the worker; a disk that is full ends the actor, instead of losing everything in silence
    yield* Actor.forkSupervised(Effect.repeat(save, Schedule.spaced(saveEvery)))
    return Tally.handlers({
      add: ({ by }) => Ref.updateAndGet(total, (n) => n + by),
      total: () => Ref.get(total),
      crash: () => Actor.crash(Cause.fail("out of order")),
      exit: () => Effect.sync(() => process.exit(1))
    })
  })
)
