import { assert, vi } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import * as Handle from "../../../src/Handle.ts"
import { forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onTwoWorkersAndOne } from "../support/sharedWorkers.ts"
import behaviours, { Keeper, Source } from "./actors/values.ts"
import { watch } from "./links.ts"

const fixture = { module: new URL("./actors/values.ts", import.meta.url), behaviours }

onTwoWorkersAndOne(fixture, Keeper.spawn({}), (it, _, workers) => {
  const where = workers === 1 ? "in one worker" : "in two workers"

  it.effect(`H5: a container does not hold the handles removed from it (${where})`, () =>
    Effect.gen(function*() {
      const [source, other] = yield* Effect.all([Source.spawn(), Source.spawn()])
      const held = yield* watch
      const { list, map, queue, ref } = yield* source.containers()
      const again = yield* source.containers()
      const leaves = (
        item: Handle.QueueHandle<number>
      ): Readonly<Record<string, Effect.Effect<unknown, unknown, Scope.Scope>>> => {
        const n = Math.floor(Math.random() * 1e9)
        // the returned handle is the same handle, and can be used
        const check = (found: Handle.QueueHandle<number> | number | undefined) =>
          Effect.gen(function*() {
            assert(typeof found === "object")
            yield* found.offer(n)
            assert.strictEqual(yield* item.take, n)
          })
        const checkSome = (found: Option.Option<Handle.QueueHandle<number>>) => check(Option.getOrUndefined(found))
        const put = ref.set(item)
        return {
          "is taken": Effect.andThen(queue.offer(item), Effect.flatMap(again.queue.take, check)),
          "is polled": Effect.andThen(queue.offer(item), Effect.flatMap(queue.poll, checkSome)),
          "are taken": Effect.andThen(
            queue.offerAll([item, item]),
            Effect.flatMap(queue.takeAll, (all) => Effect.forEach(all, check))
          ),
          "is put back and taken": Effect.gen(function*() {
            yield* queue.offer(item)
            for (const _ of upTo(3)) yield* Fiber.interrupt(yield* forked(queue.take))
            yield* check(yield* queue.take)
          }),
          "is not offered after all": Effect.gen(function*() {
            yield* queue.offerAll([item, item])
            const offering = yield* forked(queue.offer(item))
            yield* queue.size
            yield* Fiber.interrupt(offering)
            yield* queue.takeAll
          }),
          "is removed from a Map": Effect.andThen(map.set("a", item), Effect.flatMap(map.remove("a"), checkSome)),
          "is replaced in a Map": Effect.gen(function*() {
            yield* map.set("a", item)
            yield* map.set("a", item)
            yield* check(yield* map.getOrSet("a", item))
            yield* checkSome(yield* map.get("a"))
            yield* check((yield* Stream.runCollect(map.values))[0])
            yield* map.clear
          }),
          "is removed from a List": Effect.andThen(list.append(item), Effect.flatMap(list.pop, checkSome)),
          "is replaced in a List": Effect.gen(function*() {
            yield* list.appendAll([item, item])
            yield* list.set(0, item)
            yield* list.set(2, item)
            for (const found of yield* list.slice()) yield* check(found)
            yield* list.clear
          }),
          "is replaced in a Ref": Effect.gen(function*() {
            yield* put
            yield* put
            yield* check(yield* ref.get)
            yield* check(yield* ref.getAndSet(0))
          }),
          "is updated in a Ref by several": Effect.gen(function*() {
            yield* Effect.replicateEffect(ref.update(() => item), 3, { concurrency: "unbounded" })
            yield* check(yield* ref.get)
            yield* ref.set(0)
          }),
          "is changed in a Ref that is watched": Effect.gen(function*() {
            const seen: Array<unknown> = []
            const watching = yield* forked(Stream.runForEach(Stream.take(ref.changes, 3), (found) =>
              Effect.andThen(
                typeof found === "object" ? check(found) : Effect.void,
                Effect.sync(() => seen.push(typeof found))
              )))
            yield* Journal.until("it is watched", () => seen.length === 1)
            yield* put
            yield* ref.set(0)
            yield* Fiber.join(watching)
            assert.deepStrictEqual(seen, ["number", "object", "number"])
          })
        }
      }
      const program = yield* Handle.makeQueue<number>()
      for (const item of [program, yield* other.items(), yield* source.items()]) {
        for (const [how, use] of Object.entries(leaves(item))) {
          yield* Effect.all([source.log(), other.log()])
          const before = held()
          yield* Effect.scoped(use)
          yield* source.log()
          yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before, how)))
        }
        yield* item.offer(1)
        assert.strictEqual(yield* item.take, 1)
      }
    }))

  it.effect(`H5: a Ref holds removed handles until its watchers have received them (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const held = yield* watch
      const { ref } = yield* source.containers()
      const item = yield* Handle.makeQueue<number>()
      yield* source.log()
      const before = held()
      const times = 200
      yield* Effect.scoped(Effect.gen(function*() {
        const goOn = yield* Deferred.make<void>()
        const watching = yield* forked(
          Stream.runForEach(
            Stream.take(ref.changes, times + 1),
            (found) => Effect.andThen(Deferred.await(goOn), typeof found === "object" ? found.offer(1) : Effect.void)
          )
        )
        yield* ref.get
        yield* Effect.replicateEffect(ref.set(item), times)
        yield* Deferred.succeed(goOn, undefined)
        yield* Fiber.join(watching)
      }))
      assert.lengthOf(yield* item.takeAll, times)
      yield* ref.set(0)
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
    }))

  it.effect(`H5: a handle that the owner takes from a container belongs to the owner (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const { map, queue } = yield* source.containers()
      const item = yield* Handle.makeQueue<number>()
      yield* map.set("a", item)
      yield* queue.offer(item)
      yield* source.useContained()
      assert.deepStrictEqual(yield* item.takeAll, [1, 2, 3])
    }))

  it.effect(`H5: a queue does not hold a taken handle while other takers wait (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const held = yield* watch
      const { queue } = yield* source.containers()
      const item = yield* Handle.makeQueue<number>()
      yield* source.log()
      const before = held()
      const taking = yield* forked(queue.take)
      const waiting = yield* forked(queue.take)
      yield* queue.offer(item)
      yield* Handle.release(yield* Fiber.join(taking))
      yield* source.log()
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
      assert.isUndefined(waiting.pollUnsafe())
    }))

  it.effect(`H5: an ended queue holds neither rejected nor removed handles (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const held = yield* watch
      const item = yield* Handle.makeQueue<number>()
      const uses: ReadonlyArray<
        (shelf: Handle.QueueHandle<Handle.QueueHandle<number>>) => Effect.Effect<unknown, unknown>
      > = [
        (shelf) =>
          Effect.gen(function*() {
            yield* shelf.end
            assert.isFalse(yield* shelf.offer(item))
            assert.lengthOf(yield* shelf.offerAll([item, item]), 2)
          }),
        (shelf) => Effect.andThen(shelf.offerAll([item, item]), shelf.shutdown),
        (shelf) =>
          Effect.gen(function*() {
            yield* shelf.take
            yield* shelf.offer(item)
            const taking = yield* forked(shelf.take)
            const ending = yield* forked(shelf.shutdown)
            yield* Fiber.interrupt(taking)
            yield* Fiber.join(ending)
          })
      ]
      for (const use of uses) {
        // the handle is held while its scope is open
        const scope = yield* Scope.make()
        const shelf = yield* Scope.provide(source.shelf(), scope)
        yield* source.log()
        const before = held()
        yield* Effect.scoped(use(shelf))
        yield* source.log()
        yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
        yield* Scope.close(scope, Exit.void)
      }
    }))
})
