// Checks docs/architecture.md against src/: each path in a code span or a link must exist, and the picture must name each room of
// src/internal. Also checks that no room holds more than ten files, and that only the modules of clusters import what Effect may change in a
// minor version.
//
// A path is relative to the repository, to src/, to a room that its list item or table row names in bold, or to the folder of another
// path in the same item.
import * as fs from "node:fs"
import * as path from "node:path"

const page = "docs/architecture.md"
const maxFiles = 10
const text = fs.readFileSync(page, "utf8")
const problems: Array<string> = []

const parts = text.split("```")
const [, picture = ""] = parts
const prose = parts.filter((_, i) => i % 2 === 0).join("")

// a list item with its continuation lines, a table row, or a paragraph
const items = prose.split(/\n(?=\d+\. |- |\||\n)/)

for (const item of items) {
  const paths = Array.from(item.matchAll(/`([\w./-]+(?:\.ts|\/))`/g), ([, span = ""]) => span)
  const rooms = Array.from(item.matchAll(/\*\*(\w+)\*\*/g), ([, room = ""]) => room)
  const folders = [
    "",
    "src",
    ...rooms.flatMap((room) => [`src/internal/${room}`, `src/${room}`]),
    ...paths.flatMap((file) => file.includes("/") ? [path.dirname(file), `src/${path.dirname(file)}`] : [])
  ]
  for (const file of paths) {
    if (folders.some((folder) => fs.existsSync(path.join(folder, file)))) continue
    problems.push(`${page}: there is no ${file}${rooms.length > 0 ? ` in ${rooms.join(" or ")}` : ""}`)
  }
  for (const [, link = ""] of item.matchAll(/\]\(([^)#:]+)\)/g)) {
    if (!fs.existsSync(path.join(path.dirname(page), link))) problems.push(`${page}: the link ${link} leads nowhere`)
  }
}

for (const room of fs.readdirSync("src/internal")) {
  if (!new RegExp(`\\b${room}\\b`).test(picture)) problems.push(`${page}: the picture lacks the room ${room}`)
  const count = fs.readdirSync(`src/internal/${room}`).length
  if (count > maxFiles) problems.push(`src/internal/${room} has ${count} files; a room has at most ${maxFiles}`)
}

const clusterModules =
  /^src\/(?:internal\/cluster\/|node\/cluster\/|ActorCluster\.ts|node\/NodeActorCluster\.ts|node\/ActorClusterTest\.ts)/

for (const file of fs.globSync("src/**/*.ts")) {
  const [, module] = /from "(effect\/(?:cluster|sql)[^"]*)"/.exec(fs.readFileSync(file, "utf8")) ?? []
  if (module !== undefined && !clusterModules.test(file)) problems.push(`${file} imports ${module}, which is unstable`)
}

for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exit(problems.length === 0 ? 0 : 1)
