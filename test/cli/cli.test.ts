/** The command `uactor` as a child process, against a program with a thread and a child process. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { folder, observed, projectWithEffectAlone } from "../contract/observe/programs/start.ts"
import { command, jsonOf, rowsOf, run, start } from "./command.ts"

const open = (actions: string) => ({ UACTOR_OBSERVER: "socket", UACTOR_OBSERVER_ACTIONS: actions })

describe("without a program", () => {
  it.live("ps lists nothing, and says how to open an observer", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const ran = yield* run(runtime, "ps")
      assert.deepStrictEqual([ran.code, ran.stdout], [0, ""])
      assert.include(ran.stderr, "UACTOR_OBSERVER=socket")
      assert.deepStrictEqual(yield* run(runtime, "ps", "--json"), { code: 0, stdout: "", stderr: "" })
    }))

  it.live("a command for a program fails, and says how to open an observer", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      for (const args of [["actors"], ["workers", "4711"], ["stack", "thread-1"], ["kill", "4711", "Busy-1"]]) {
        const ran = yield* run(runtime, ...args)
        assert.deepStrictEqual([ran.code, ran.stdout], [2, ""], args.join(" "))
        assert.match(ran.stderr, /has an open observer\..*UACTOR_OBSERVER=socket/)
      }
    }))

  it.live("wrong arguments are named, with exit code 2", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const cases: ReadonlyArray<readonly [RegExp, ReadonlyArray<string>]> = [
        [/--sort/, ["actors", "--sort", "size"]],
        [/--limit/, ["actors", "--limit", "-1"]],
        [/pid/, ["actors", "four"]],
        [/pid must be a number, not four/, ["stack", "four", "thread-1"]],
        [/--seconds/, ["profile", "thread-1", "--seconds", "0"]],
        [/--interval/, ["top", "--interval", "0"]],
        [/worker/, ["stack"]],
        [/folder of the sockets cannot be read: ENAMETOOLONG/, ["ps", "--directory", "d".repeat(300)]]
      ]
      for (const [pattern, args] of cases) {
        const ran = yield* run(runtime, ...args)
        assert.strictEqual(ran.code, 2, args.join(" "))
        assert.match(ran.stderr, pattern)
      }
    }))

  it.live("says which package is missing", () =>
    Effect.gen(function*() {
      const copy = yield* projectWithEffectAlone
      const ran = yield* Effect.flatMap(
        start([process.execPath, path.join(copy, "src/cli/main.ts"), "ps"], copy),
        ({ ended }) => ended
      )
      assert.strictEqual(ran.code, 2)
      assert.include(ran.stderr, "npm install --save-dev @effect/platform-node")
    }))
})

describe("with a program", () => {
  it.live("ps, actors and workers print tables, and JSON lines", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const { ids, pid } = yield* observed(runtime, open("stop"))
      const [onThread, inProcess] = ids
      const ps = rowsOf((yield* run(runtime, "ps")).stdout)
      assert.strictEqual(ps.length, 1)
      const { ACTORS, PID, PROGRAM, WORKERS } = ps[0]!
      assert.deepStrictEqual([PID, WORKERS, ACTORS], [String(pid), "2", "2"])
      assert.match(PROGRAM!, /observed\.ts$/)
      const [program] = jsonOf((yield* run(runtime, "ps", "--json")).stdout)
      assert.deepStrictEqual([program.pid, program.totals.actors, program.actions], [pid, 2, ["stop"]])

      const actors = rowsOf((yield* run(runtime, "actors", "--sort", "age")).stdout)
      assert.deepStrictEqual(
        actors.map(({ ACTOR, RUNNING, STATE, WORKER }) => [ACTOR, STATE, WORKER, RUNNING]),
        [[onThread, "Running", "thread-1", "1/1"], [inProcess, "Running", "process-1", "1/1"]]
      )
      const listed = jsonOf((yield* run(runtime, "actors", String(pid), "--json", "--worker", "process-1")).stdout)
      assert.deepStrictEqual(listed.map(({ id, mailbox }) => [id, mailbox.concurrency]), [[inProcess, 1]])
      const limited = (yield* run(runtime, "actors", "--limit", "1")).stdout
      assert.match(limited, /and 1 more: --limit\n$/)

      const workers = rowsOf((yield* run(runtime, "workers")).stdout)
      assert.deepStrictEqual(
        workers.map(({ ACTORS, KIND, WORKER }) => [WORKER, KIND, ACTORS]),
        [["thread-1", "thread", "1"], ["process-1", "process", "1"]]
      )
      const [thread] = jsonOf((yield* run(runtime, "workers", "--json")).stdout)
      assert.deepStrictEqual([thread.id, thread.pid], ["thread-1", pid])
      assert.isAbove(thread.heap.used, 0)
    }))

  it.live("stack and profile name the function that blocks a worker", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const { pid } = yield* observed(runtime, open("profile"), "--blocked")
      const stack = yield* run(runtime, "stack", "thread-1")
      assert.match(stack.stdout, /^thread-1\n[^]* at busyLoop \(file:.*busy\.ts:\d+:\d+\)\n/)
      const frames = jsonOf((yield* run(runtime, "stack", String(pid), "thread-1", "--json")).stdout)
      assert.include(frames.map(({ functionName }) => functionName), "busyLoop")

      const file = path.join(runtime, "busy.cpuprofile")
      const profile = yield* run(runtime, "profile", "thread-1", "--seconds", "0.5", "-o", file)
      assert.strictEqual(profile.code, 0, profile.stderr)
      assert.match(profile.stdout, /busyLoop/)
      assert.include(profile.stdout, file)
      const { nodes } = JSON.parse(fs.readFileSync(file, "utf8"))
      assert.include(nodes.map(({ callFrame }: any) => callFrame.functionName), "busyLoop")
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)

      const unknown = yield* run(runtime, "stack", "thread-9")
      assert.deepStrictEqual([unknown.code, unknown.stdout], [2, ""])
      assert.match(unknown.stderr, /no living worker has the id thread-9/)
      const workers = rowsOf((yield* run(runtime, "workers")).stdout)
      assert.match(workers.find(({ WORKER }) => WORKER === "thread-1")!["STATE"]!, /^Blocked \d/)
      // on a busy machine, another worker may seem to be blocked, too
      const ps = rowsOf((yield* run(runtime, "ps")).stdout)
      assert.isAtLeast(Number(ps[0]!["BLOCKED"]), 1)
    }))

  it.live("heap writes a file, and leaves none if the program refuses it", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const allowed = yield* observed(runtime, open("heap"))
      const file = path.join(runtime, "heap.heapsnapshot")
      const heap = yield* run(runtime, "heap", "process-1", "-o", file)
      assert.strictEqual(heap.code, 0, heap.stderr)
      assert.include(heap.stdout, "secrets")
      const { nodes, snapshot } = JSON.parse(fs.readFileSync(file, "utf8"))
      assert.strictEqual(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length)
      yield* allowed.end
      yield* observed(runtime, open(""))
      const refused = path.join(runtime, "refused.heapsnapshot")
      const ran = yield* run(runtime, "heap", "process-1", "-o", refused)
      assert.strictEqual(ran.code, 2)
      assert.include(ran.stderr, "UACTOR_OBSERVER_ACTIONS=heap")
      assert.deepStrictEqual(fs.readdirSync(runtime).toSorted(), ["heap.heapsnapshot", "uactor"])
      const nowhere = yield* run(runtime, "heap", "process-1", "-o", path.join(runtime, "no/heap"))
      assert.strictEqual(nowhere.code, 2)
      assert.include(nowhere.stderr, "cannot be written")
    }))

  it.live("restart, kill and stop end actors, and events prints what happens", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const program = yield* observed(runtime, open("stop,kill,restart"), "--quiet")
      const [onThread = "", inProcess = ""] = program.ids
      const events = yield* start(command("events", "--json"), runtime)
      // the subscription has begun when the first event arrives
      const restarts = Effect.forever(run(runtime, "restart", inProcess))
      yield* Effect.raceFirst(restarts, events.prints(/ActorRestarted/))
      const killed = yield* run(runtime, "kill", onThread)
      assert.deepStrictEqual([killed.code, killed.stdout], [0, `${onThread} was killed\n`])
      const again = yield* run(runtime, "kill", onThread)
      assert.strictEqual(again.code, 2)
      assert.include(again.stderr, `no living actor has the id ${onThread}`)
      const stopped = yield* run(runtime, "stop", inProcess, "--drain=false")
      assert.deepStrictEqual([stopped.code, stopped.stdout], [0, `${inProcess} has stopped\n`])
      const actors = jsonOf((yield* run(runtime, "actors", "--json")).stdout)
      assert.deepStrictEqual(
        actors.map(({ ended, id, state }) => [id, state, ended.reason]).toSorted(),
        [[onThread, "Ended", "Killed"], [inProcess, "Ended", "Stopped"]]
      )
      yield* program.end
      const { code, stderr, stdout } = yield* events.ended
      assert.strictEqual(code, 0, stderr)
      assert.match(stderr, /has ended/)
      const ends = jsonOf(stdout).filter(({ _tag }) => _tag === "ActorEnded")
      assert.deepStrictEqual(ends.map(({ actor, reason }) => [actor, reason]), [
        [onThread, "Killed"],
        [inProcess, "Stopped"]
      ])
    }))

  it.live("asks for the pid if there are two programs", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      const first = yield* observed(runtime, open(""))
      const second = yield* observed(runtime, open(""))
      const pids = [first.pid, second.pid].toSorted((a, b) => a - b)
      const ran = yield* run(runtime, "actors")
      assert.strictEqual(ran.code, 2)
      for (const pid of pids) assert.include(ran.stderr, String(pid))
      const one = yield* run(runtime, "actors", String(second.pid), "--json")
      assert.strictEqual(jsonOf(one.stdout).length, 2)
      yield* first.kill
      // the file of the killed program is skipped
      assert.strictEqual(rowsOf((yield* run(runtime, "actors")).stdout).length, 2)
      assert.deepStrictEqual(jsonOf((yield* run(runtime, "ps", "--json")).stdout).map(({ pid }) => pid), [second.pid])
    }))
})

describe("doctor", () => {
  const doctor = (cwd: string, ...args: ReadonlyArray<string>) =>
    Effect.scoped(Effect.flatMap(start(command("doctor", "--json", ...args), cwd, cwd), ({ ended }) => ended))

  it.live("checks modules of behaviours", () =>
    Effect.gen(function*() {
      const actors = "test/contract/observe/actors"
      const root = path.join(import.meta.dirname, "../..")
      const good = yield* doctor(root, `${actors}/busy.ts`)
      assert.strictEqual(good.code, 0, good.stdout + good.stderr)
      assert.deepStrictEqual(jsonOf(good.stdout).map(({ ok }) => ok), [true, true, true])
      const bad = yield* doctor(root, `${actors}/no.ts`, "test/cli/command.ts", "README.md")
      assert.strictEqual(bad.code, 1)
      const messages = jsonOf(bad.stdout).filter(({ ok }) => !ok).map(({ message }) => message)
      assert.match(messages[0], /there is no file/)
      assert.match(messages[1], /no default export/)
      assert.match(messages[2], /cannot be loaded/)
      assert.include(bad.stderr, "3 of 5 checks failed")
    }))

  it.live("finds a second copy of Effect", () =>
    Effect.gen(function*() {
      const project = yield* folder
      const effect = path.join(project, "node_modules/effect")
      fs.mkdirSync(effect, { recursive: true })
      fs.writeFileSync(path.join(effect, "package.json"), JSON.stringify({ name: "effect", version: "4.0.1" }))
      const ran = yield* doctor(project)
      assert.strictEqual(ran.code, 1)
      const [, copies] = jsonOf(ran.stdout)
      assert.match(copies.message, /there are 2 copies.*4\.0\.1 of this folder/)
      const none = yield* doctor(yield* folder)
      assert.match(jsonOf(none.stdout)[1].message, /there is no package effect/)
    }))
})
