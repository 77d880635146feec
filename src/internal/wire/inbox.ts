/** Receives batches: their order, and the frames in them. */
import * as Frames from "./frames.ts"

/** A handler for each opcode. */
export type Handlers<Op extends Frames.Opcode = Frames.Opcode> = {
  readonly [One in Op]: (...fields: Frames.FieldsOf<One>) => void
}

/** Calls the handler of the frame at `i` in a batch. */
export const dispatch = (handlers: Handlers, batch: Frames.Batch, i: number): void => {
  const op = batch[i] as Frames.Opcode
  const handlerOf = handlers as Readonly<Record<number, (...fields: ReadonlyArray<unknown>) => void>>
  const handle = handlerOf[op]!
  switch (Frames.sizes[op]) {
    case 1:
      return handle()
    case 2:
      return handle(batch[i + 1])
    case 3:
      return handle(batch[i + 1], batch[i + 2])
    case 4:
      return handle(batch[i + 1], batch[i + 2], batch[i + 3])
    case 5:
      return handle(batch[i + 1], batch[i + 2], batch[i + 3], batch[i + 4])
    default:
      return handle(batch[i + 1], batch[i + 2], batch[i + 3], batch[i + 4], batch[i + 5])
  }
}

/** Checks the order of the batches on a link. */
export class Inbox {
  private expected = 0

  /** the number of received batches */
  get received(): number {
    return this.expected
  }

  /** `next`: read it; `repeated`: ignore it; `early`: an earlier batch was lost. */
  check(batch: Frames.Batch): "next" | "repeated" | "early" {
    const number = batch[0] as number
    if (number === this.expected) {
      this.expected++
      return "next"
    }
    return number < this.expected ? "repeated" : "early"
  }
}
