/**
 * What stays for a while though it is let go of, by its number: a handle that is on its way back to its owner, or that has come back
 * in a call that waits.
 */

/** What stays, and what has been let go of meanwhile. */
export class Holds {
  private readonly held = new Map<number, { times: number; isReleased: boolean }>()
  private readonly release: (id: number) => void

  constructor(release: (id: number) => void) {
    this.release = release
  }

  get size(): number {
    return this.held.size
  }

  /** It stays until what this returns has been called. */
  hold(id: number): () => void {
    const held = this.held.get(id) ?? { times: 0, isReleased: false }
    this.held.set(id, held)
    held.times++
    return () => {
      if (--held.times > 0) return
      this.held.delete(id)
      if (held.isReleased) this.release(id)
    }
  }

  /** It is let go of; whether that has to wait. */
  delays(id: number): boolean {
    const held = this.held.get(id)
    if (held !== undefined) held.isReleased = true
    return held !== undefined
  }
}
