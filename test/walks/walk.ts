/**
 * Random walks of handles: something is made in one of four actors or in the program, is handed from holder to holder, in calls that
 * wait for each other and in calls that do not, is let go of here and there, and each time every holder must reach it.
 */
import { Cause, Effect, Exit, Fiber, Scope } from "effect"
import { setImmediate } from "node:timers/promises"
import * as ActorRef from "../../src/ActorRef.ts"
import type { ActorSystem } from "../../src/ActorSystem.ts"
import * as Handle from "../../src/Handle.ts"
import * as Random from "../random.ts"
import { Bell, block, held, type Holder, type Kind, kinds, makeHolder, type Thing, Walker } from "./walker.ts"

/** The program's place among the holders; the actors are 1 to 4. */
const program = 0
const actorCount = 4

/** One who holds the thing of a walk, in a slot. */
interface Holding {
  readonly holder: number
  readonly slot: number
}

type WalkerRef = Effect.Success<ReturnType<typeof Walker.spawn>>

/** Who walks. */
interface Cast {
  readonly walkers: Array<WalkerRef>
  readonly bell: Effect.Success<ReturnType<typeof Bell.spawn>>
  readonly here: Holder
  /** of what the program has received, by slot */
  readonly scopes: Map<number, Scope.Closeable>
}

const nameOf = (holder: number): string => holder === program ? "program" : `actor ${holder}`

const workerOf = (actor: ActorRef.AnyActorRef): string => ActorRef.address(actor).split("@")[1]!

/** The actors of a walk, who know each other. */
const assemble = Effect.gen(function*() {
  const [walkers, bell] = yield* Effect.all([
    Effect.replicateEffect(Walker.spawn(), actorCount, { concurrency: "unbounded" }),
    Bell.spawn({ id: -7 })
  ], { concurrency: 2 })
  const cast: Cast = { walkers: [...walkers], bell, here: makeHolder(), scopes: new Map() }
  yield* introduce(cast)
  return cast
})

/** Tells the actors of each other. */
const introduce = ({ walkers }: Cast) =>
  Effect.scoped(Effect.gen(function*() {
    const desks = yield* Effect.forEach(walkers, (walker) => walker.desk())
    yield* Effect.forEach(walkers, (walker) => walker.meet({ desks }))
  }))

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

let slotCount = 0

/** One walk, of so many steps. */
class Walk {
  readonly script: Array<string> = []
  private readonly random: (limit: number) => number
  private readonly cast: Cast
  private readonly patience: number
  private readonly kind: Kind
  private readonly id: number
  private readonly owner: number
  private holdings: Array<Holding> = []
  private isFinished = false
  private isDying = false
  /** what has been started and not been waited for */
  private underWay: Array<readonly [what: string, fiber: Fiber.Fiber<unknown, unknown>]> = []

  constructor(cast: Cast, seed: number, id: number, patience: number) {
    this.cast = cast
    this.random = Random.makeBelow(seed)
    this.id = id
    this.patience = patience
    const isBell = this.random(8) === 0
    this.kind = isBell ? "bell" : kinds[this.random(kinds.length)]!
    this.owner = isBell ? program : this.random(actorCount + 1)
  }

  private walker(holder: number): WalkerRef {
    return this.cast.walkers[holder - 1]!
  }

  /** Notes what is done, and fails with the script so far if that fails or does not end. */
  private settle<A, R>(what: string, effect: Effect.Effect<A, unknown, R>): Effect.Effect<A, never, R> {
    return effect.pipe(
      Effect.timeoutOrElse({
        duration: this.patience,
        orElse: () => Effect.die(new Error(`${what}: nothing after ${this.patience} ms`))
      }),
      Effect.catchCause((cause) => Effect.die(new Error(`${what}: ${messageOf(cause)}`)))
    )
  }

  private readonly start = <A>(what: string, effect: Effect.Effect<A, unknown>) =>
    Effect.map(
      Effect.forkChild(effect, { startImmediately: true }),
      (fiber) => void this.underWay.push([what, fiber])
    )

  /** Waits for what is under way. */
  private get quiet(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach(this.underWay.splice(0), ([what, fiber]) => this.settle(what, Fiber.join(fiber)), {
        discard: true
      })
    )
  }

  private get make(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { cast, holdings, id, kind, owner } = this
      const slot = slotCount++
      holdings.push({ holder: owner, slot })
      this.script.push(`${kind} ${id} is made in ${nameOf(owner)} (slot ${slot})`)
      if (kind === "bell") return Effect.sync(() => void cast.here.slots.set(slot, cast.bell))
      return this.settle(
        "make",
        owner === program ? cast.here.make(slot, kind, id) : this.walker(owner).make({ slot, kind, id })
      )
    })
  }

  /** The program takes what an actor has in a slot, into one of its own. */
  private fetch(from: Holding, slot: number, leaves: boolean): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const scope = yield* Scope.make()
      const given = Scope.provide(this.walker(from.holder).give({ slot: from.slot, leaves }), scope)
      const thing = yield* this.settle(`give of slot ${from.slot} by ${nameOf(from.holder)}`, given)
      this.cast.here.slots.set(slot, thing)
      this.cast.scopes.set(slot, scope)
    })
  }

  private drop(slot: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { here: { slots }, scopes } = this.cast
      const thing = slots.get(slot)!
      const scope = scopes.get(slot)
      slots.delete(slot)
      scopes.delete(slot)
      if (scope === undefined) return Effect.void
      return this.random(2) === 0
        ? Effect.andThen(Handle.release(thing), Scope.close(scope, Exit.void))
        : Scope.close(scope, Exit.void)
    })
  }

  /** Hands the thing from one holder on to another; it may be on its way yet when this ends. */
  private hand(from: Holding, to: number, leaves: boolean, waits: boolean): Effect.Effect<Holding> {
    return Effect.gen({ self: this }, function*() {
      const slot = slotCount++
      const { here, walkers } = this.cast
      const note = (how: string) =>
        this.script.push(
          `${nameOf(from.holder)} (slot ${from.slot}) hands it to ${nameOf(to)} (slot ${slot})${how}${
            waits ? "" : ", not waited for"
          }${leaves ? ", and lets go" : ""}`
        )
      const take = (thing: Thing) => this.walker(to).take({ slot, thing })
      const done = { holder: to, slot }
      const settled = <A>(what: string, effect: Effect.Effect<A, unknown>) =>
        waits ? this.settle(what, effect) : this.start(what, effect)
      if (from.holder === program) {
        note("")
        if (to === program) throw new Error("the program hands nothing to itself")
        yield* settled(`take into slot ${slot} by ${nameOf(to)}`, take(here.slots.get(from.slot)!))
        if (leaves) yield* this.drop(from.slot)
        return done
      }
      if (to === program) {
        note("")
        yield* this.fetch(from, slot, leaves)
        return done
      }
      // of one who dies meanwhile, nobody knows whether it has reached the desk
      const way = this.isDying ? 1 + this.random(3) : this.random(4)
      if (way === 0) {
        note(" by its desk")
        // it has been taken when this ends
        yield* this.settle(
          `pass of slot ${from.slot} by ${nameOf(from.holder)} to ${nameOf(to)}`,
          walkers[from.holder - 1]!.pass({ slot: from.slot, to: to - 1, toSlot: slot })
        )
        if (leaves) yield* this.start("release", this.walker(from.holder).release({ slot: from.slot }))
        return done
      }
      const transit = slotCount++
      yield* this.fetch(from, transit, leaves)
      const thing = here.slots.get(transit)!
      const what = `take into slot ${slot} by ${nameOf(to)}`
      if (way === 1) {
        note(`, and the program keeps it (slot ${transit})`)
        this.holdings.push({ holder: program, slot: transit })
        yield* settled(what, take(thing))
      } else if (way === 2) {
        note(", and the program lets go when it has been taken")
        yield* settled(what, Effect.ensuring(take(thing), this.drop(transit)))
      } else {
        note(", and the program lets go at once")
        const taking = yield* Effect.forkChild(take(thing), { startImmediately: true })
        yield* this.drop(transit)
        if (waits) yield* this.settle(what, Fiber.join(taking))
        else this.underWay.push([what, taking])
      }
      return done
    })
  }

  private useBy({ holder, slot }: Holding): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { cast, id, isFinished, kind } = this
      const use = { slot, kind, id, isFinished }
      const expected = kind === "bell" ? -7 : id
      const what = `use of slot ${slot} by ${nameOf(holder)}`
      const using = holder === program ? cast.here.use(use) : this.walker(holder).use(use)
      return this.settle(what, using).pipe(
        Effect.flatMap((result) => result === expected ? Effect.void : Effect.die(new Error(`${what}: ${result}`)))
      )
    })
  }

  private get useByAll(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach(this.holdings, (holding) => this.useBy(holding), { concurrency: "unbounded", discard: true })
    )
  }

  private letGo(at: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const [holding] = this.holdings.splice(at, 1)
      const { holder, slot } = holding!
      this.script.push(`${nameOf(holder)} lets go of slot ${slot}`)
      return holder === program
        ? this.drop(slot)
        : this.settle(`release of slot ${slot} by ${nameOf(holder)}`, this.walker(holder).release({ slot }))
    })
  }

  // to another one than has it
  private destination(from: Holding): number {
    const to = this.random(actorCount)
    return to >= from.holder ? to + 1 : to
  }

  // what is made somewhere is held there until the end: the thing itself is nothing to let go of
  private get step(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const { holdings, random } = this
      const at = random(holdings.length)
      const from = holdings[at]!
      const mayLeave = at > 0 && random(3) === 0
      if (random(4) === 0) {
        const busy = random(actorCount + 1)
        const millis = 1 + random(4)
        this.script.push(`${nameOf(busy)} is busy for ${millis} ms`)
        if (busy === program) block(millis)
        else yield* this.start("busy", this.walker(busy).busy({ millis }))
      }
      switch (random(6)) {
        case 0: {
          // several at once
          const last = 1 + random(3)
          for (let n = 0; n < last; n++) holdings.push(yield* this.hand(from, this.destination(from), false, false))
          break
        }
        case 1:
        case 2: {
          // through several hands without waiting
          let current = from
          const hops = 2 + random(4)
          for (let n = 0; n < hops; n++) {
            const leaves = n > 0 && random(2) === 0
            const next = yield* this.hand(current, this.destination(current), leaves, random(4) === 0)
            if (n > 0 && !leaves) holdings.push(current)
            current = next
          }
          holdings.push(current)
          break
        }
        case 3:
          if (at > 0) yield* this.letGo(at)
          break
        case 4:
          if (this.kind === "later" && !this.isFinished && random(2) === 0) {
            yield* this.quiet
            this.isFinished = true
            this.script.push("it is finished")
            const finished = this.owner === program
              ? this.cast.here.finish(this.id)
              : this.walker(this.owner).finish({ id: this.id })
            yield* this.settle("finish", finished)
          }
          break
        default: {
          const next = yield* this.hand(from, this.destination(from), mayLeave, true)
          if (mayLeave) holdings.splice(holdings.indexOf(from), 1)
          holdings.push(next)
        }
      }
      if (random(2) === 0) {
        yield* this.quiet
        this.script.push("all use it")
        yield* this.useByAll
      }
      while (holdings.length > 8) {
        yield* this.quiet
        yield* this.letGo(1 + random(holdings.length - 1))
      }
    })
  }

  // those who die if the worker of an actor does; nobody, if others need it, or if it is the program's
  private besides(actor: number): ReadonlyArray<number> {
    const { bell, walkers } = this.cast
    const worker = workerOf(walkers[actor - 1]!)
    const all = walkers.flatMap((walker, n) => workerOf(walker) === worker ? [n + 1] : [])
    return worker.startsWith("memory") || worker === workerOf(bell) || all.includes(this.owner) ? [] : all
  }

  // hops that are under way when one of the actors dies, or its worker, who does not own the thing
  private get death(): Effect.Effect<void, never, ActorSystem | Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const { cast, holdings, owner, random } = this
      yield* this.quiet
      const others = cast.walkers.map((_, n) => n + 1).filter((actor) => actor !== owner)
      const first = others[random(others.length)]!
      const crashing = random(2) === 0 ? this.besides(first) : []
      const victims = crashing.length === 0 ? [first] : crashing
      const hops = Array.from({ length: random(4) }, () => {
        const from = holdings[random(holdings.length)]!
        const middle = this.destination(from)
        return { from, middle, last: this.destination({ holder: middle, slot: -1 }) }
      })
      this.isDying = true
      const hopping = yield* Effect.forEach(hops, ({ from, last, middle }) =>
        Effect.forkChild(
          Effect.gen({ self: this }, function*() {
            const next = yield* this.hand(from, middle, false, true)
            holdings.push(next)
            holdings.push(yield* this.hand(next, last, false, true))
          }).pipe(
            Effect.catchCause((cause) =>
              [from.holder, middle, last].some((holder) => victims.includes(holder))
                ? Effect.void
                : Effect.failCause(cause)
            )
          ),
          { startImmediately: true }
        ))
      for (let n = random(6); n > 0; n--) yield* Effect.promise(() => setImmediate())
      const names = victims.map(nameOf).join(", ")
      this.script.push(crashing.length === 0 ? `${names} is killed` : `the worker of ${names} crashes`)
      const dying = this.walker(first)
      yield* this.settle("death", crashing.length === 0 ? ActorRef.kill(dying) : Effect.exit(dying.crash()))
      for (const fiber of hopping) yield* this.settle("what was under way", Fiber.join(fiber))
      this.isDying = false
      this.holdings = holdings.filter(({ holder }) => !victims.includes(holder))
      for (const victim of victims) cast.walkers[victim - 1] = yield* this.settle("spawn", Walker.spawn())
      yield* this.settle("introduce", introduce(cast))
      this.script.push("all use it")
      yield* this.useByAll
    })
  }

  /** Takes so many steps. */
  run(steps: number, deaths: boolean): Effect.Effect<void, never, ActorSystem | Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      yield* this.make
      for (let n = 0; n < steps; n++) {
        yield* this.step
        if (deaths && this.random(4) === 0) yield* this.death
      }
      yield* this.quiet
      this.script.push("all use it")
      yield* this.useByAll
      while (this.holdings.length > 1) yield* this.letGo(1)
      if (this.owner !== program) yield* this.letGo(0)
      else this.cast.here.slots.delete(this.holdings[0]!.slot)
    })
  }
}

/** What is walked, and how. */
interface Options {
  readonly seed: number
  readonly steps: number
  /** how many walks are under way at the same time */
  readonly width: number
  /** how long a call may take, in milliseconds */
  readonly patience: number
  /** whether actors are killed; only one walk can be under way then */
  readonly deaths: boolean
}

const stepsOfOne = 8

const walk = ({ deaths, patience, seed }: Options, n: number, cast: Cast) => {
  const walk = new Walk(cast, seed * 1_000_003 + n, n, patience)
  return walk.run(stepsOfOne, deaths).pipe(
    Effect.catchCause((cause) =>
      Effect.die(new Error(`walk ${n} of seed ${seed}: ${messageOf(cause)}\n  ${walk.script.join("\n  ")}`))
    )
  )
}

/** How many handles the threads of the program and of the actors have handed out and hold. */
const heldBy = ({ walkers }: Cast) =>
  Effect.map(
    Effect.forEach(walkers, (walker) => walker.held()),
    // those who take the place of the dead may share workers in another way
    (counts) => [held(), ...counts.toSorted((a, b) => a - b)]
  )

/**
 * Walks, with actors of its own; dies with the script of the walk that has failed, or if something is left of the handles. With a
 * number, walks that one alone.
 */
export const stroll = (options: Options, only?: number) =>
  Effect.gen(function*() {
    const { patience, steps, width } = options
    const cast = yield* assemble
    const before = yield* heldBy(cast)
    const all = Array.from({ length: Math.ceil(steps / stepsOfOne) }, (_, n) => n)
    yield* Effect.forEach(only === undefined ? all : [only], (n) => walk(options, n, cast), {
      concurrency: width,
      discard: true
    })
    const start = performance.now()
    for (;;) {
      // what has been let go of is told on its way
      const after = yield* heldBy(cast)
      if (after.every((count, i) => count <= before[i]!)) return
      if (performance.now() - start > patience) {
        return yield* Effect.die(new Error(`handles held before: ${before.join()}; after: ${after.join()}`))
      }
    }
  }).pipe(Effect.scoped)
