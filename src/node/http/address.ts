/**
 * The address of an observer over HTTP, and its token.
 */
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import * as net from "node:net"

const loopback = new net.BlockList()
loopback.addSubnet("127.0.0.0", 8)
loopback.addAddress("::1", "ipv6")

/** The address on which a server listens by default. */
export const defaultHost = "127.0.0.1"

/** Whether only this computer can reach an address. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || (net.isIP(host) > 0 && loopback.check(host, net.isIPv6(host) ? "ipv6" : "ipv4"))

/** The largest number of a port. */
export const maxPort = 65_535

/** A new token of 192 random bits. */
export const newToken = (): Redacted.Redacted => Redacted.make(randomBytes(24).toString("base64url"))

/** The address of the page. A browser does not send the fragment. */
export const pageOf = (url: string, token: Redacted.Redacted): Redacted.Redacted =>
  Redacted.make(`${url}/#token=${Redacted.value(token)}`)
