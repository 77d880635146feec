/**
 * The addresses that only this computer can reach.
 */
import * as net from "node:net"

const loopback = new net.BlockList()
loopback.addSubnet("127.0.0.0", 8)
loopback.addAddress("::1", "ipv6")

/** Whether only this computer can reach an address. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || (net.isIP(host) > 0 && loopback.check(host, net.isIPv6(host) ? "ipv6" : "ipv4"))
