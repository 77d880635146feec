import * as fs from "node:fs"
import * as path from "node:path"
import type { Plugin } from "vite"
import { type DefaultTheme, defineConfig, type MarkdownOptions } from "vitepress"
import { dist, pageOf, resolve, root } from "../paths.ts"

const site = path.join(import.meta.dirname, "..")
const api = path.join(site, "api", "typedoc-sidebar.json")

/** The slug of a heading on code hosts, which the links of the pages name. */
const slugify = (text: string): string =>
  text.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-")

type MarkdownIt = Parameters<NonNullable<MarkdownOptions["config"]>>[0]

/** Points the relative links between files of the repository to the pages of the site. A link to another file loses its address. */
const repositoryLinks = (md: MarkdownIt): void => {
  md.core.ruler.push("repository-links", ({ env, tokens }) => {
    for (const { children } of tokens) {
      if (children === null) continue
      const removed = new Set<object>()
      for (const [i, token] of children.entries()) {
        const href = token.type === "link_open" ? String(token.attrGet("href")) : "#"
        if (href.startsWith("#") || href.startsWith("/") || /^[a-z]+:/.test(href)) continue
        const address = resolve(String(env.realPath ?? env.path), href)
        if (address !== undefined) {
          token.attrSet("href", address)
          continue
        }
        removed.add(token)
        removed.add(children.find((other, at) => at > i && other.type === "link_close")!)
      }
      if (removed.size > 0) children.splice(0, children.length, ...children.filter((token) => !removed.has(token)))
    }
  })
}

/** Resolves Vue for the pages, which lie outside this folder. The script that renders the pages lies inside, and imports Vue. */
const vueOfSite: Plugin = {
  name: "vue-of-site",
  enforce: "pre",
  resolveId(id, importer, options) {
    if (!/^vue(?:\/|$)/.test(id)) return null
    if (options.ssr === true) return { id, external: true }
    if (importer === undefined || importer.startsWith(site)) return null
    return this.resolve(id, path.join(site, "package.json"), { ...options, skipSelf: true })
  }
}

const sections: DefaultTheme.SidebarItem[] = [
  {
    text: "Start",
    items: [
      { text: "A first actor in five minutes", link: "/start" },
      { text: "Overview", link: "/" },
      { text: "Examples", link: "/examples" }
    ]
  },
  {
    text: "Guides",
    items: [
      { text: "Pools", link: "/pools" },
      { text: "Typed errors", link: "/#typed-errors" },
      { text: "Scope and interruption", link: "/#scope-and-interruption" },
      { text: "Failures and supervision", link: "/failures" },
      { text: "Handles", link: "/handles" },
      { text: "Payloads", link: "/payloads" }
    ]
  },
  {
    text: "Run it",
    items: [
      { text: "Threads, processes, memory", link: "/#where-actors-live" },
      { text: "Clusters", link: "/cluster" },
      { text: "In your program: tests, traces", link: "/#in-your-program" },
      { text: "Logs, traces, state", link: "/observe" },
      { text: "Configuration of workers", link: "/configuration" },
      { text: "Builds and bundlers", link: "/build" },
      { text: "Bun, Deno, browsers", link: "/runtimes" },
      { text: "Tests of failures", link: "/failures#testing-your-own-failures" }
    ]
  },
  {
    text: "Coming from",
    items: [
      { text: "piscina", link: "/coming-from-piscina" },
      { text: "workerpool", link: "/coming-from-workerpool" },
      { text: "comlink", link: "/coming-from-comlink" },
      { text: "worker_threads", link: "/coming-from-worker-threads" },
      { text: "Effect's RPC workers", link: "/coming-from-effect-rpc" },
      { text: "Python's uActor", link: "/coming-from-uactor" }
    ]
  },
  {
    text: "How it works",
    items: [
      { text: "Architecture", link: "/architecture" },
      { text: "Reliability", link: "/reliability" }
    ]
  },
  { text: "Benchmarks", items: [{ text: "Results", link: "/benchmarks" }] },
  {
    text: "Project",
    items: [
      { text: "Changes", link: "/CHANGELOG" },
      { text: "Contributing", link: "/CONTRIBUTING" },
      { text: "Security", link: "/SECURITY" },
      { text: "For coding agents", link: "/AGENTS" }
    ]
  }
]

const pages = ["README.md", "AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/", "tools/docs/"]

export default defineConfig({
  title: "uactor",
  description: "Typed actors for Effect on worker threads and child processes",
  srcDir: "../..",
  // the folders and files of the root without pages; `docs` and `tools/docs` have all others
  srcExclude: [
    ...fs.globSync("*", { cwd: root }).filter((name) => !pages.some((page) => page.startsWith(name))).map((name) =>
      fs.statSync(path.join(root, name)).isDirectory() ? `${name}/**` : name
    ),
    ".*/**",
    "tools/!(docs)/**"
  ],
  outDir: "dist",
  cacheDir: "node_modules/.vitepress",
  rewrites: pageOf,
  vite: { plugins: [vueOfSite] },
  markdown: { anchor: { slugify }, config: repositoryLinks },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/start" },
      { text: "Guides", link: "/handles" },
      { text: "Benchmarks", link: "/benchmarks" },
      { text: "API", link: "/api/" }
    ],
    sidebar: {
      "/api/": JSON.parse(fs.readFileSync(api, "utf8")) as DefaultTheme.SidebarItem[],
      "/": sections
    }
  },
  // the sources of the pages, for agents
  buildEnd: () => {
    const texts = fs.globSync(["llms.txt", "README.md", "AGENTS.md", "CHANGELOG.md", "docs/*.md"], { cwd: root })
    for (const file of texts) fs.cpSync(path.join(root, file), path.join(dist, file))
  }
})
