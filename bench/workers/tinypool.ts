/**
 * A task of tinypool that moves its bytes back.
 */
import { Tinypool } from "tinypool"
import { touch } from "./work.ts"

export const bounce = (bytes: Uint8Array<ArrayBuffer>): unknown => Tinypool.move(touch(bytes))
