/** A worker script whose behaviours need values of the option `config`. */
import * as NodeActorWorker from "../../../../src/node/NodeActorWorker.ts"
import { live } from "./config.ts"

NodeActorWorker.serve(live)
