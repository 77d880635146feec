/** A language server of TypeScript, as an editor uses it. */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { pathToFileURL } from "node:url"

interface Position {
  readonly line: number
  readonly character: number
}

export interface Location {
  readonly uri: string
  readonly range: { readonly start: Position; readonly end: Position }
}

/** The edits of a rename, by file. */
export interface WorkspaceEdit {
  readonly changes?: Readonly<Record<string, ReadonlyArray<{ readonly range: Location["range"] }>>>
}

type Reply = { readonly id?: number; readonly method?: string; readonly result?: unknown; readonly error?: unknown }

export class LanguageServer {
  private readonly child: ChildProcess
  private readonly waiting = new Map<
    number,
    { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void }
  >()
  private buffer: Buffer = Buffer.alloc(0)
  private count = 0

  private constructor(child: ChildProcess) {
    this.child = child
    child.stdout!.on("data", (chunk: Buffer) => this.read(chunk))
    child.on("exit", (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the language server ended with code ${code}`))
    })
  }

  /** A server that lives until the scope closes. */
  static readonly make: Effect.Effect<LanguageServer, never, Scope.Scope> = Effect.acquireRelease(
    Effect.promise(async () => {
      const script = "node_modules/typescript/bin/tsc"
      const child = spawn(process.execPath, [script, "--lsp", "--stdio"], { stdio: ["pipe", "pipe", "ignore"] })
      const server = new LanguageServer(child)
      const rootUri = pathToFileURL(process.cwd()).href
      await server.request("initialize", { processId: process.pid, rootUri, capabilities: {} })
      server.notify("initialized", {})
      return server
    }),
    ({ child }) =>
      Effect.promise(async () => {
        if (child.exitCode !== null) return
        const end = once(child, "exit")
        child.stdin!.end()
        child.kill()
        await end
      })
  )

  /** Opens a file, and returns its URI. */
  open(file: string): string {
    const uri = pathToFileURL(file).href
    const text = fs.readFileSync(file, "utf8")
    this.notify("textDocument/didOpen", { textDocument: { uri, languageId: "typescript", version: 1, text } })
    return uri
  }

  request(method: string, params: object): Promise<unknown> {
    const id = ++this.count
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.send({ id, method, params })
    })
  }

  private notify(method: string, params: object): void {
    this.send({ method, params })
  }

  private send(message: object): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message })
    this.child.stdin!.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  private read(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk])
    for (;;) {
      const head = this.buffer.indexOf("\r\n\r\n")
      if (head < 0) return
      const length = Number(/Content-Length: (\d+)/i.exec(this.buffer.toString("latin1", 0, head))![1])
      const end = head + 4 + length
      if (this.buffer.length < end) return
      const message = JSON.parse(this.buffer.toString("utf8", head + 4, end)) as Reply
      this.buffer = this.buffer.subarray(end)
      this.receive(message)
    }
  }

  private receive({ error, id, method, result }: Reply): void {
    if (id === undefined) return
    // a request of the server, such as for a configuration
    if (method !== undefined) return this.send({ id, result: null })
    const reply = this.waiting.get(id)
    this.waiting.delete(id)
    if (error === undefined) reply?.resolve(result)
    else reply?.reject(new Error(JSON.stringify(error)))
  }
}
