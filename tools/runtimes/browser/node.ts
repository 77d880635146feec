// The modules of Node that fixtures of the contract import, for actors in the memory of a page: a file is an entry of a map.
const files = new Map<string, string>()

export const appendFileSync = (file: string, text: string): void => void files.set(file, (files.get(file) ?? "") + text)
export const existsSync = (file: string): boolean => files.has(file)
export const readFileSync = (file: string): string => files.get(file)!
export const mkdtempSync = (prefix: string): string => prefix + crypto.randomUUID()
export const rmSync = (folder: string): void => {
  for (const file of files.keys()) if (file.startsWith(folder)) files.delete(file)
}
export const tmpdir = (): string => "/tmp"
export const join = (...parts: ReadonlyArray<string>): string => parts.join("/")

const sleep = (millis = 0, value?: unknown, options?: { readonly signal?: AbortSignal }): Promise<unknown> =>
  new Promise((resolve, reject) => {
    globalThis.setTimeout(resolve, millis, value)
    options?.signal?.addEventListener("abort", () => reject(options.signal!.reason as Error))
  })
export const setTimeout = sleep
export const setImmediate = (value?: unknown): Promise<unknown> => sleep(0, value)

export const threadId = 0
export const isMainThread = true
export const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length))
