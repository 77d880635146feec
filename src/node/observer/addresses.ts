/**
 * Where the sockets of observed programs are: `<pid>.sock` in a folder that only its owner may enter. A named pipe has no folder.
 */
import * as fs from "node:fs"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import process from "node:process"

const isWindows = process.platform === "win32"
const pipes = "\\\\.\\pipe\\"

/** Windows has no ids of users; there, the system guards named pipes. */
const user = process.getuid?.()

/** All users share the folder of temporary files, so the name of a folder in it contains the user. */
const inTemporary = (folder: string): string => path.join(folder, `uactor-${user ?? "pipes"}`)

/** The folder of the sockets: in the runtime directory of the user, or in the directory of temporary files. */
export const defaultFolder = (): string => {
  const { XDG_RUNTIME_DIR: runtime } = process.env
  return runtime === undefined || !path.isAbsolute(runtime) ? inTemporary(os.tmpdir()) : path.join(runtime, "uactor")
}

/**
 * The folders in which programs of this user may have their sockets. A service and a shell of one user may have different environments.
 */
export const possibleFolders = (): ReadonlyArray<string> => {
  const inRuntime = process.env["XDG_RUNTIME_DIR"] === undefined && user !== undefined
    ? [`/run/user/${user}/uactor`]
    : []
  return Array.from(new Set([defaultFolder(), inTemporary(os.tmpdir()), ...inRuntime]))
}

export const isAbsolute = (folder: string): boolean => path.isAbsolute(folder)

/** The address of a program. */
export const addressOf = (folder: string, pid: number): string =>
  isWindows ? `${pipes}uactor-${pid}` : path.join(folder, `${pid}.sock`)

/** What is wrong with a folder: another user could read it, or could have made it. */
const faultOf = (folder: string): string | undefined => {
  const stats = fs.lstatSync(folder)
  if (!stats.isDirectory()) return "is not a directory"
  if (user !== undefined && stats.uid !== user) return `belongs to the user ${stats.uid}, not to the user ${user}`
  return undefined
}

/** Makes the folder, with access for its owner only. Returns what is wrong with it. Throws the errors of the file system. */
export const makeFolder = (folder: string): string | undefined => {
  if (isWindows) return undefined
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fault = faultOf(folder)
  if (fault === undefined) fs.chmodSync(folder, 0o700)
  return fault
}

/** A program with a socket. */
export interface Address {
  readonly pid: number
  readonly address: string
}

/** The folder does not exist: no program has made it. */
const isAbsent = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException
  return code === "ENOENT" || code === "ENOTDIR"
}

/**
 * Lists the sockets in some folders, also the sockets of killed programs. Leaves out absent folders and folders of other users. Throws the
 * errors of the file system.
 */
export const list = (folders: ReadonlyArray<string>): ReadonlyArray<Address> => {
  const found = (isWindows ? [pipes] : folders).flatMap((folder) => {
    try {
      if (!isWindows && faultOf(folder) !== undefined) return []
      return fs.readdirSync(folder).flatMap((name) => {
        const pid = (isWindows ? /^uactor-(\d+)$/ : /^(\d+)\.sock$/).exec(name)?.[1]
        return pid === undefined ? [] : [{ pid: Number(pid), address: addressOf(folder, Number(pid)) }]
      })
    } catch (error) {
      if (isAbsent(error)) return []
      throw error
    }
  })
  return found.toSorted((a, b) => a.pid - b.pid)
}

/** Whether a program listens on an address. An address that does not answer in a second counts as used. */
export const isUsed = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = net.createConnection(address)
    const settle = (isUsed: boolean): void => {
      connection.destroy()
      resolve(isUsed)
    }
    connection.setTimeout(1_000, () => settle(true))
    connection.once("connect", () => settle(true))
    connection.once("error", ({ code }: NodeJS.ErrnoException) => settle(code !== "ECONNREFUSED" && code !== "ENOENT"))
  })

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}

/** Removes the sockets that killed programs have left in a folder. */
export const sweep = async (folder: string): Promise<void> => {
  if (isWindows) return
  for (const { address, pid } of list([folder])) {
    // a pid may be that of another container, so the socket is asked, too
    if (!isAlive(pid) && !await isUsed(address)) remove(address)
  }
}

/** Removes the file of a socket. */
export const remove = (address: string): void => {
  if (!isWindows) fs.rmSync(address, { force: true })
}

/** Leaves the access to the file of a socket to its owner. */
export const protect = (address: string): void => {
  if (!isWindows) fs.chmodSync(address, 0o600)
}
