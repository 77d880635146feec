// Throw-away PostgreSQL servers for tests: on a free port of the loopback interface, with their data in a temporary folder.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import process from "node:process"
import { setTimeout } from "node:timers/promises"
import { findOrInstall } from "./debian.ts"

/** The folder of Debian's packages of PostgreSQL, one folder for each version. */
const debian = "/usr/lib/postgresql"

const find = (): string | undefined =>
  [
    ...(process.env["PATH"] ?? "").split(path.delimiter),
    ...(fs.existsSync(debian) ? fs.readdirSync(debian) : [])
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => path.join(debian, version, "bin"))
  ].find((folder) => ["initdb", "postgres", "pg_isready"].every((name) => fs.existsSync(path.join(folder, name))))

const idOf = (option: "-u" | "-g"): number => Number(execFileSync("id", [option, "postgres"], { encoding: "utf8" }))

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, "close")
  return port
}

// for a machine that is busy with other work, in milliseconds
const patience = 60_000

/** A running server. */
export interface Postgres {
  /** the address of its database, for clients */
  readonly url: string
  /** ends the server as a crash does, and starts it again on the same data and port after `pause` milliseconds */
  readonly crash: (pause: number) => Promise<void>
  /** ends the server, and removes its data */
  readonly stop: () => Promise<void>
}

/**
 * Starts a server. Installs PostgreSQL where it is missing and this process may install packages; otherwise the error names the command
 * that installs it. The server runs as the user postgres where this process is root, because PostgreSQL refuses root. `host`: an address of this
 * machine on which the server listens, for the clients of its network (/24).
 */
export const start = async (host = "127.0.0.1"): Promise<Postgres> => {
  const bin = findOrInstall("PostgreSQL", "postgresql", find)
  const user = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {}
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-postgres-"))
  if (user.uid !== undefined) fs.chownSync(folder, user.uid, user.gid)
  const data = path.join(folder, "data")
  const options = { ...user, cwd: folder, encoding: "utf8" } as const
  const port = await freePort()
  let output = ""

  const launch = async (): Promise<ChildProcess> => {
    const settings = [
      `listen_addresses=${host}`,
      `port=${port}`,
      "unix_socket_directories=",
      // the data need not survive the machine
      "fsync=off"
    ]
    const command = [path.join(bin, "postgres"), "-D", data, ...settings.flatMap((setting) => ["-c", setting])]
    // where the process of the tests is killed, the server ends, too
    if (process.platform === "linux") {
      const change = user.uid === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"]
      command.unshift("setpriv", "--pdeathsig=INT", ...change)
    }
    const server = spawn(command[0]!, command.slice(1), {
      ...(process.platform === "linux" ? {} : user),
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"]
    })
    server.stderr.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000)
    })
    const deadline = performance.now() + patience
    while (true) {
      try {
        execFileSync(path.join(bin, "pg_isready"), ["-q", "-h", host, "-p", String(port)], options)
        return server
      } catch (cause) {
        if (server.exitCode === null && performance.now() < deadline) await setTimeout(50)
        else throw new Error(`PostgreSQL does not start:\n${output}`, { cause })
      }
    }
  }

  const end = async (server: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    const exit = once(server, "exit")
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill(signal)
    await exit
  }

  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true })

  let server: ChildProcess
  try {
    const initialize = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    execFileSync(path.join(bin, "initdb"), initialize, { ...options, stdio: ["ignore", "ignore", "pipe"] })
    fs.appendFileSync(path.join(data, "pg_hba.conf"), `host all all ${host}/24 trust\n`)
    server = await launch()
  } catch (error) {
    remove()
    throw error
  }

  return {
    url: `postgres://postgres@${host}:${port}/postgres`,
    crash: async (pause) => {
      await end(server, "SIGQUIT")
      await setTimeout(pause)
      server = await launch()
    },
    stop: async () => {
      await end(server, "SIGINT")
      remove()
    }
  }
}
