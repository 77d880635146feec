/**
 * Actors as scoped services. A class made by {@link Service} has three roles. It is the definition of an actor: its protocol, arguments
 * and start error. It is the tag of a service; the service is the typed client of the actor. It has the layers of the actor. `spawn`
 * acquires an actor that lives in the current scope. `toLayer` provides the behaviour, which runs in the workers of the `ActorSystem`.
 *
 * @module
 * @since 0.1.0
 */
export { CallTimeout, Idempotent, RunTimeout, Tracing } from "./actor/Annotations.ts"
export { checkInterrupt, disconnect } from "./actor/Interruption.ts"
export { type Method, method } from "./actor/Method.ts"
export { Propagated } from "./actor/Propagated.ts"
export { crash, forkSupervised, named, type Self, self, stopSelf } from "./actor/Self.ts"
export {
  type ActorService,
  type ArgsInput,
  type Behaviour,
  type BehaviourOptions,
  module,
  type Pool,
  Service,
  type SpawnInput,
  type SpawnOptions,
  use
} from "./actor/Service.ts"
