/** Opens the observer of the test over HTTP. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ActorSystem } from "../../../../src/ActorSystem.ts"
import * as NodeObserver from "../../../../src/node/NodeObserver.ts"
import { ActorInfo, Snapshot } from "../../../../src/Observer.ts"
import { type Asked, request } from "../../support/requests.ts"
import behaviours from "../actors/busy.ts"

/** What the JSON of an actor and of a snapshot stands for. */
export const actorOf = Schema.decodeUnknownSync(Schema.toCodecJson(ActorInfo))
export const snapshotOf = Schema.decodeUnknownSync(Schema.toCodecJson(Snapshot))

/** An observer of this process. */
export const opened = (options: NodeObserver.HttpOptions = {}) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(Layer.merge(ActorSystem.layer(behaviours), NodeObserver.layerHttp(options)))
    const { token, url } = Context.get(context, NodeObserver.HttpAddress)
    const authorization = `Bearer ${Redacted.value(token)}`
    const ask = (path: string, { headers, ...rest }: Asked = {}) =>
      request(url + path, { ...rest, headers: { authorization, ...headers } })
    const post = (path: string) => ask(path, { method: "POST" })
    return { context, url, authorization, ask, post }
  })
