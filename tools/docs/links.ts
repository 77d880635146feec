// Checks the built site: each link inside the site leads to a page, and its anchor to an element of that page. Checks llms.txt: it lists
// each page of docs/, and each of its links leads to a file. Checks the page of the examples: it shows each example. Checks the pages of
// the API: they are for users, who do not know the clauses of the contract.
import * as fs from "node:fs"
import * as path from "node:path"
import { dist, root } from "./paths.ts"

const errors: Array<string> = []

const pages = fs.globSync("**/*.html", { cwd: dist })
const texts = new Map(pages.map((page) => [page, fs.readFileSync(path.join(dist, page), "utf8")]))
const anchors = new Map(
  Array.from(texts, ([page, text]) => [page, new Set(Array.from(text.matchAll(/\sid="([^"]*)"/g), ([, id]) => id))])
)
let links = 0
for (const [page, text] of texts) {
  for (const [, href = ""] of text.matchAll(/<a\s[^>]*?href="([^"]*)"/g)) {
    if (/^[a-z]+:/.test(href)) continue
    links++
    const { hash, pathname } = new URL(href, `file:///${page}`)
    const target = pathname.slice(1).replace(/(^|\/)$/, "$1index.html")
    const known = anchors.get(decodeURI(target))
    if (known === undefined) errors.push(`${page}: no page for ${href}`)
    else if (hash !== "" && !known.has(decodeURIComponent(hash.slice(1)))) errors.push(`${page}: no anchor for ${href}`)
  }
}

for (const [page, text] of texts) {
  if (!page.startsWith("api/")) continue
  const [clause] = /\([A-Z]\d{1,2}(?:, [A-Z]\d{1,2})*\)/.exec(text.replace(/<[^>]*>/g, "")) ?? []
  if (clause !== undefined) errors.push(`${page}: a docstring names the clause ${clause}`)
}

const listed = new Set(
  Array.from(fs.readFileSync(path.join(root, "llms.txt"), "utf8").matchAll(/\]\(([^)]+)\)/g), ([, file]) => file!)
)
for (const file of listed) if (!fs.existsSync(path.join(root, file))) errors.push(`llms.txt: no file ${file}`)
for (const file of fs.globSync("docs/*.md", { cwd: root })) {
  if (!listed.has(file)) errors.push(`llms.txt does not list ${file}`)
}

const examples = fs.readFileSync(path.join(import.meta.dirname, "pages", "examples.md"), "utf8")
for (const file of fs.globSync("examples/**/*.ts", { cwd: root })) {
  if (!examples.includes(`<<< @/${file}\n`)) errors.push(`examples.md does not show ${file}`)
}

for (const error of errors) process.stderr.write(`${error}\n`)
process.stdout.write(`docs: ${pages.length} pages, ${links} links, ${errors.length} errors\n`)
process.exit(errors.length === 0 ? 0 : 1)
