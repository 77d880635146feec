// Network namespaces for tests of partitions: hosts of one network, whose links a test cuts and restores. For Linux, as root.
import { execFileSync } from "node:child_process"
import process from "node:process"
import { findOrInstall } from "./debian.ts"

/** A host of a network, for the processes that are started in its namespace. */
export interface Host {
  readonly address: string
  /** the start of a command that runs in the namespace */
  readonly command: ReadonlyArray<string>
  /** loses all packets of the host, without notice */
  readonly cut: () => void
  readonly restore: () => void
}

/** A network of hosts and this process. */
export interface Network {
  /** the address of this process */
  readonly address: string
  readonly hosts: ReadonlyArray<Host>
  readonly remove: () => void
}

const isInstalled = (): boolean => {
  try {
    execFileSync("ip", ["-V"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const ip = (command: string): void => {
  execFileSync("ip", command.split(" "), { stdio: ["ignore", "ignore", "pipe"] })
}

/** Why this machine has no network namespaces for this process; undefined if it has. */
export const refusal = (): string | undefined => {
  if (process.platform !== "linux") return `${process.platform} has no network namespaces`
  if (process.getuid?.() !== 0) return "network namespaces need root"
  try {
    execFileSync("unshare", ["--net", "true"], { stdio: ["ignore", "ignore", "pipe"] })
    return undefined
  } catch (error) {
    return `the machine refuses network namespaces: ${(error as Error).message}`
  }
}

/** Makes a network of this process and that many hosts. */
export const make = (number: number): Network => {
  findOrInstall("iproute2", "iproute2", () => isInstalled() ? "ip" : undefined)
  const id = process.pid
  const name = `ua${id}`
  // a network of its own for each process that runs tests at the same time
  const subnet = `10.${64 + (id >> 8 & 63)}.${id & 255}`
  const switchName = `${name}-switch`
  const nameOf = (n: number): string => `${name}-${n}`
  const namespaces = [switchName, ...Array.from({ length: number }, (_, n) => nameOf(n))]
  const remove = (): void => {
    for (const namespace of namespaces) {
      try {
        ip(`netns del ${namespace}`)
      } catch { /* it has not been made */ }
    }
  }
  try {
    for (const namespace of namespaces) ip(`netns add ${namespace}`)
    // rules for packets that pass through a bridge are those of the namespace of the bridge: none
    ip(`-n ${switchName} link add bridge type bridge`)
    ip(`-n ${switchName} link set bridge up`)
    ip(`link add ${name} type veth peer name host netns ${switchName}`)
    ip(`-n ${switchName} link set host master bridge up`)
    ip(`addr add ${subnet}.1/24 dev ${name}`)
    ip(`link set ${name} up`)
    const hosts = Array.from({ length: number }, (_, n): Host => {
      const namespace = nameOf(n)
      const address = `${subnet}.${n + 2}`
      ip(`-n ${namespace} link add eth0 type veth peer name port${n} netns ${switchName}`)
      ip(`-n ${switchName} link set port${n} master bridge up`)
      ip(`-n ${namespace} addr add ${address}/24 dev eth0`)
      ip(`-n ${namespace} link set eth0 up`)
      ip(`-n ${namespace} link set lo up`)
      return {
        address,
        command: ["ip", "netns", "exec", namespace],
        cut: () => ip(`-n ${switchName} link set port${n} nomaster`),
        restore: () => ip(`-n ${switchName} link set port${n} master bridge`)
      }
    })
    return { address: `${subnet}.1`, hosts, remove }
  } catch (error) {
    remove()
    throw error
  }
}
