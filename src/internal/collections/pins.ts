/**
 * Defers the release of an id while the id is pinned: a handle is on its way back to its owner, or has come back in a call that waits.
 */

/** The pinned ids of one table. */
export class Pins {
  private readonly held = new Map<number, { times: number; isReleased: boolean }>()
  private readonly release: (id: number) => void

  constructor(release: (id: number) => void) {
    this.release = release
  }

  get size(): number {
    return this.held.size
  }

  /** Pins an id until the returned function is called. */
  pin(id: number): () => void {
    const held = this.held.get(id) ?? { times: 0, isReleased: false }
    this.held.set(id, held)
    held.times++
    return () => {
      if (--held.times > 0) return
      this.held.delete(id)
      if (held.isReleased) this.release(id)
    }
  }

  /** Defers the release of an id that is pinned. Returns `false` for any other id. */
  deferRelease(id: number): boolean {
    const held = this.held.get(id)
    if (held !== undefined) held.isReleased = true
    return held !== undefined
  }
}
