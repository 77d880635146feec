// The addresses of the pages of the site. A page is a Markdown file of the repository.
import * as fs from "node:fs"
import * as path from "node:path"

/** The root of the repository. */
export const root = path.resolve(import.meta.dirname, "..", "..")

/** The folder of the built site. */
export const dist = path.join(import.meta.dirname, "dist")

/** The path of a page in the site, for a Markdown file of the repository. Both paths are relative to their root. */
export const pageOf = (file: string): string =>
  file === "README.md" ? "index.md" : file.replace(/^(?:docs|tools\/docs\/pages|tools\/docs(?=\/api))\//, "")

const exportedModules = new Set(
  ["Actor", "ActorPool", "ActorRef", "Handle", "SharedBuffer", "Supervision", "WorkerConfig"].map((name) =>
    `src/${name}.ts`
  )
)

/** The address in the site for a file of the repository; nothing if the site has no page of the file. */
export const addressOf = (file: string): string | undefined => {
  if (file.endsWith(".md")) return `/${pageOf(file)}`
  if (file === "examples" || file.startsWith("examples/")) return "/examples.md"
  if (exportedModules.has(file)) return `/api/uactor/namespaces/${path.basename(file, ".ts")}/index.md`
  if (file === "src/node/NodeActorSystem.ts") return "/api/uactor/node/namespaces/NodeActorSystem/index.md"
  return undefined
}

/** The address in the site for a relative link of a page. Throws if the file of the link does not exist. */
export const resolve = (page: string, link: string): string | undefined => {
  const [file = "", hash] = link.split("#")
  const target = path.resolve(path.dirname(page), decodeURI(file))
  if (!fs.existsSync(target)) throw new Error(`${path.relative(root, page)}: no file for the link ${link}`)
  const address = addressOf(path.relative(root, target).replaceAll(path.sep, "/"))
  return address === undefined || hash === undefined ? address : `${address}#${hash}`
}
