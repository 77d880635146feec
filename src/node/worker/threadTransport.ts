/**
 * The transport of a thread: a port and two rings to the host, and the same for each channel to another thread.
 */
import type { Batch } from "../../internal/wire/frames.ts"
import type { Link } from "../../internal/wire/link.ts"
import * as Bootstrap from "../startup/bootstrap.ts"
import { threadsStopFirst } from "../startup/features.ts"
import { PortReader } from "../transport/portReader.ts"
import { Sender } from "../transport/ring.ts"
import type { ThreadBoot, ThreadChannel } from "../transport/startMessages.ts"
import type { Transport } from "./transport.ts"

/** Makes the transport of a thread. */
export const thread = (boot: ThreadBoot): Transport => {
  const { notes, port, rings, spin, workers } = boot
  const sender = new Sender(rings.up, port)
  let isBusy = (): boolean => true
  const poller = new PortReader(spin, workers, () => isBusy())
  return {
    boot,
    link: {
      send: (batch, transfer) => sender.send(batch, transfer),
      flushAt: Bootstrap.threadFlushAt,
      ...notes,
      // the host stops the calls of a thread whose code goes on after its end
      ...(threadsStopFirst ? {} : { onStop: () => undefined }),
      openChannel: (end, onBatch) => openChannel(end as ThreadChannel, onBatch, poller)
    },
    listen: (events) => {
      isBusy = events.isBusy
      poller.add(port, rings.down, events.onBatch)
      return poller
    },
    // the host ends the thread
    exit: () => undefined
  }
}

// opens a channel to another thread
const openChannel = (
  { caller, port, rings, runner }: ThreadChannel,
  onBatch: (batch: Batch) => void,
  poller: PortReader
): ReturnType<NonNullable<Link["openChannel"]>> => {
  const sender = new Sender(rings.out, port)
  const subscription = poller.add(port, rings.in, onBatch)
  // the link to the host keeps the thread running
  port.unref()
  return {
    link: {
      send: (batch, transfer) => {
        sender.send(batch, transfer)
        poller.begin()
      },
      flushAt: Bootstrap.threadFlushAt
    },
    caller,
    runner,
    ...subscription
  }
}
