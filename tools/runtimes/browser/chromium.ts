// Bundles tests of the contract for a browser, and runs them in Chromium.
import * as fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { build, defaultClientConditions, type Plugin } from "vite"
import type { Result } from "../suite/vitest.ts"
import { type Browser, launch } from "./playwright.ts"

const folder = import.meta.dirname
const root = path.resolve(folder, "../../..")

/** A file, and the texts of the names of its tests that are off. */
export interface TestFile {
  readonly file: string
  readonly off: ReadonlyArray<string>
}

/** The test files as a module, with replacements for the parts of Node that they use. The library itself must import no part of Node. */
const tests = (files: ReadonlyArray<TestFile>): Plugin => ({
  name: "tests",
  enforce: "pre",
  resolveId(id, importer) {
    if (id === "virtual:tests") return id
    if (/^\.{1,2}\/(?:.*\/)?placements\.ts$/.test(id)) return path.join(folder, "placements.ts")
    if (!id.startsWith("node:")) return null
    if (importer?.startsWith(path.join(root, "src")) === true) throw new Error(`${importer} imports ${id}`)
    return path.join(folder, "node.ts")
  },
  load: (id) => {
    if (id !== "virtual:tests") return null
    const items = files.map(({ file, off }) =>
      `{ file: ${JSON.stringify(file)}, off: ${JSON.stringify(off)}, load: () => import(${
        JSON.stringify(path.join(root, file))
      }) }`
    )
    return `export default [${items.join()}]`
  }
})

const bundle = (files: ReadonlyArray<TestFile>, outDir: string): Promise<unknown> =>
  build({
    root: folder,
    configFile: false,
    logLevel: "error",
    plugins: [tests(files)],
    resolve: {
      alias: {
        "@effect/vitest": path.join(folder, "../suite/vitest.ts"),
        uactor: path.join(root, "src/index.ts")
      },
      conditions: ["@uactor/source", ...defaultClientConditions]
    },
    build: {
      outDir,
      emptyOutDir: true,
      minify: false,
      target: "esnext",
      chunkSizeWarningLimit: Infinity,
      // the manifest of the package says that its modules have no side effects; those of the tests do
      rolldownOptions: { treeshake: false }
    }
  })

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" }

/** Serves a folder. With `isolated`, pages have shared memory. */
const serve = async (folder: string, isolated: boolean) => {
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url!, "http://localhost")
    const file = path.join(folder, pathname === "/" ? "index.html" : path.normalize(pathname))
    if (!fs.existsSync(file)) return void response.writeHead(404).end()
    response.writeHead(200, {
      "content-type": types[path.extname(file)] ?? "application/octet-stream",
      ...(isolated
        ? { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" }
        : {})
    })
    fs.createReadStream(file).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

interface Options {
  /** whether pages are cross-origin isolated */
  readonly isIsolated: boolean
  /** the time of one file, in milliseconds */
  readonly patience: number
}

/** Runs the tests of one file in a page of its own. */
const runPage = async (
  browser: Browser,
  address: string,
  patience: number,
  onResult: (result: Result) => void
): Promise<void> => {
  const page = await browser.newPage()
  const failed = new Promise<never>((_, reject) => {
    page.on("crash", () => reject(new Error("the page crashed")))
    page.on("pageerror", (error) => reject(new Error(`uncaught in the page: ${error.stack ?? error.message}`)))
  })
  await page.exposeFunction("onResult", onResult)
  const done = async (): Promise<void> => {
    await page.goto(address, { timeout: patience, waitUntil: "commit" })
    await page.waitForFunction(`document.title === "done"`, undefined, { timeout: patience })
  }
  await Promise.race([failed, done()])
}

/** Runs the tests of these files in Chromium, each file in a browser of its own: a page that hangs ends with its browser. */
export const runInChromium = async (
  files: ReadonlyArray<TestFile>,
  { isIsolated, patience }: Options,
  onResult: (file: string, result: Result) => void
): Promise<void> => {
  const out = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-browser-"))
  try {
    await bundle(files, out)
    const { port, server } = await serve(out, isIsolated)
    try {
      for (const { file } of files) {
        const browser = await launch()
        try {
          await runPage(browser, `http://127.0.0.1:${port}/?${file}`, patience, (result) => onResult(file, result))
        } catch (error) {
          onResult(file, { name: "the file", millis: 0, error: String(error) })
        } finally {
          await browser.close()
        }
      }
    } finally {
      server.close()
    }
  } finally {
    fs.rmSync(out, { recursive: true, force: true })
  }
}
