// The spies of Vitest that the tests of the contract use.

type Method = (this: unknown, ...args: Array<unknown>) => unknown

/** Records the calls of a method until `mockRestore`. */
const spyOn = (object: object, name: string) => {
  const target = object as Record<string, Method>
  const original = target[name]!
  const isOwn = Object.hasOwn(object, name)
  const mock = { calls: [] as Array<ReadonlyArray<unknown>>, contexts: [] as Array<unknown> }
  const once: Array<unknown> = []
  target[name] = function(...args) {
    mock.calls.push(args)
    mock.contexts.push(this)
    return once.length > 0 ? once.shift() : original.apply(this, args)
  }
  return {
    mock,
    mockReturnValueOnce: (value: unknown) => void once.push(value),
    mockRestore: () => {
      if (isOwn) target[name] = original
      else delete target[name]
    }
  }
}

/** Repeats a check until it does not throw. */
const waitFor = async (check: () => unknown, timeout = 10_000): Promise<void> => {
  const end = performance.now() + timeout
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export const vi = { spyOn, waitFor }
