/**
 * The diagnostics channels of the runtime, which a module for this runtime connects. Other runtimes have none.
 */

/** A channel of events. */
interface EventChannel {
  readonly hasSubscribers: boolean
  readonly publish: (event: object) => void
}

/** What subscribers learn of a call. Its payload and its result are not part of it. */
export interface CallReport {
  /** the name of the definition of the actor */
  readonly name: string
  readonly method: string
  readonly kind: "call" | "tell" | "stream"
  /** the id of the actor; `undefined` of a call of a pool */
  readonly actor: string | undefined
  /** the id of the worker; `undefined` of a call of a pool, and of a call by a reference */
  readonly worker: string | undefined
  /** how the call has ended, once it has */
  outcome?: string
  /** why the call has failed, if it has */
  error?: unknown
}

/** A channel that follows calls. */
interface CallChannel {
  readonly hasSubscribers: boolean
  /** Reports the begin of a call around `run`, which makes the call. */
  readonly begin: <A>(call: CallReport, run: () => A) => A
  /** Reports the end of the call. */
  readonly end: (call: CallReport) => void
}

/** The channels of this runtime. */
interface Channels {
  worker?: EventChannel
  actor?: EventChannel
  call?: CallChannel
}

/** The connected channels. */
export const channels: Channels = {}

/** The actor that is called. */
interface Callee {
  readonly name: string
  readonly actorId: string | undefined
  readonly connection: { readonly worker?: string | undefined }
}

/** A call that is reported. */
export class ReportedCall {
  private readonly channel: CallChannel
  private readonly report: CallReport

  constructor(
    channel: CallChannel,
    { actorId, connection: { worker }, name }: Callee,
    method: string,
    kind: CallReport["kind"]
  ) {
    this.channel = channel
    this.report = { name, method, kind, actor: actorId, worker: actorId === undefined ? undefined : worker }
  }

  /** Makes the call, and reports its begin. */
  begin<A>(run: () => A): A {
    return this.channel.begin(this.report, run)
  }

  /** Reports the end of the call. `failure`: why it has failed, if it has. */
  end(outcome: string, failure: { readonly error: unknown } | undefined): void {
    const { channel, report } = this
    report.outcome = outcome
    if (failure !== undefined) report.error = failure.error
    channel.end(report)
  }
}
