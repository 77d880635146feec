/**
 * The way to an actor that leads through nobody else, as the holder of a reference has it. Calls of a reference go home to the one
 * who handed it on, who makes them in turn; where holder and actor are threads of one process, or of one thread, they go on the
 * channel between the two instead, as long as the actor lives where that leads.
 *
 * Home is where an actor is supervised. So when the way is cut, what is known never to have run goes home in its old order (F3), and
 * so do further calls, until the way is found again. While it is sought calls wait, and the one who is asked has passed on by then
 * what went home before, so order stays (C2). A method whose calls carry handles always goes home: what it carries would be handed
 * on by those two alone, and end with them.
 */
import type { HandleReleased } from "../ActorError.ts"
import * as Codec from "./codec.ts"
import type * as Handles from "./handles.ts"
import { Target } from "./target.ts"
import type * as Wire from "./wire.ts"

/** Makes the calls of a channel. */
export interface Caller {
  /** has the calls to an actor made there from now on, as soon as it takes them */
  readonly enter: (target: Target, id: number, info: Wire.MailboxInfo) => void
  /** they are not made there any more; what is under way is taken back */
  readonly leave: (target: Target, why: () => HandleReleased) => void
}

// how many calls go home before a way that was not there is sought again
const patience = 64

/** The way to one actor. */
export class Shortcut {
  /** where calls go, wherever that leads */
  readonly target: Target
  private readonly home: Target
  private readonly seek: () => void
  /** who has made the calls of the last way, some of which may be under way yet */
  private caller: Caller | undefined
  /** after how many calls the way is sought; 0: not by calls */
  private countdown = 0

  /** `home`: where calls go by default; `seek` has {@link found} called */
  constructor(home: Target, seek: () => void) {
    const { address, connection, id, methods, name } = home
    this.home = home
    this.seek = seek
    this.target = new Target(connection, id, name, address, methods)
    this.target.kind = home.kind
    this.target.onCut = () => {
      this.countdown = 1
      this.goHome()
    }
  }

  /** Where a call of a method goes; nothing if that is home in any case. */
  for(index: number): Target | undefined {
    const { target } = this
    if (Codec.carriesHandles(target.methods[index]!)) return undefined
    if (this.countdown > 0 && --this.countdown === 0) {
      target.restarting = true
      this.seek()
    }
    return target
  }

  /** There is a way (`caller`), or none now. */
  found(way: Handles.Way | undefined, caller: Caller | undefined): void {
    if (typeof way === "object" && caller !== undefined) {
      this.caller = caller
      return caller.enter(this.target, way[1], way[2])
    }
    this.countdown = way === undefined ? 0 : patience
    this.goHome()
  }

  private goHome(): void {
    const { home, target } = this
    target.rebind(home.connection, home.id, home.address)
    target.kind = home.kind
    target.restarting = false
    target.advance()
  }

  /** The reference has been let go of. */
  release(why: () => HandleReleased): void {
    this.target.release(why)
    this.caller?.leave(this.target, why)
  }
}
