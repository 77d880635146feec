/**
 * Whether the address of a runner belongs to a private network.
 */
import { BlockList, isIP } from "node:net"

const ranges: ReadonlyArray<readonly [network: string, prefix: number, family: "ipv4" | "ipv6"]> = [
  ["127.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["::1", 128, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"]
]

/** Whether a host is the address of a private network, or a name, which is not resolved. */
export const isPrivate = (host: string): boolean => {
  const version = isIP(host)
  if (version === 0) return true
  const list = new BlockList()
  for (const range of ranges) list.addSubnet(...range)
  return list.check(host, version === 4 ? "ipv4" : "ipv6")
}
