/**
 * A task of piscina that moves its bytes back.
 */
import { move } from "piscina"
import { touch } from "./work.ts"

export const bounce = (bytes: Uint8Array<ArrayBuffer>): unknown => move(touch(bytes))
