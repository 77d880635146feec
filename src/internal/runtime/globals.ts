/**
 * The global functions used by this library, captured at load time. Code in a worker may replace the globals later; test runners
 * replace them with fake clocks.
 */
export const { clearTimeout, queueMicrotask, setTimeout, structuredClone } = globalThis

/** The functions of immediates, `immediates.ts`. */
export interface Immediates {
  /** Runs a function in the next turn of the event loop. Returns the argument for `clearImmediate`. */
  readonly setImmediate: (run: () => void) => object
  /** Cancels a function that has not run. */
  readonly clearImmediate: (immediate: object | undefined) => void
}

/** The immediates of the runtime. Browsers have no `setImmediate`. */
export const native: Partial<Immediates> = {
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate as Immediates["clearImmediate"]
}

/** Two connected ports of this thread. */
export interface Channel {
  readonly port1: {
    readonly addEventListener: (type: "message", listener: () => void) => void
    readonly start: () => void
  }
  readonly port2: { readonly postMessage: (message: null) => void }
}

/** The class of channels. */
export const MessageChannel = globalThis.MessageChannel as unknown as new() => Channel

/** The class of shared memory. A page of a browser has it only if the page is cross-origin isolated. */
export const { SharedArrayBuffer } = globalThis as Partial<typeof globalThis>

const clock = globalThis.performance

/** The monotonic clock, unaffected by fake clocks. */
export const performance: { readonly now: () => number } = { now: clock.now.bind(clock) }
