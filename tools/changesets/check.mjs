// Checks, without Git, that each changeset is well-formed and names this package.
import { readChangesets } from "@changesets/read"
import fs from "node:fs"
import path from "node:path"

const root = path.resolve(import.meta.dirname, "../..")
const { name } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"))
const changesets = await readChangesets(root)
const problems = changesets.flatMap(({ id, releases, summary }) => [
  ...(summary.trim() === "" ? [`${id} has no text`] : []),
  ...(releases.length === 0 ? [`${id} names no package`] : []),
  ...releases.filter((release) => release.name !== name).map((release) => `${id} names ${release.name}, not ${name}`)
])
for (const problem of problems) console.error(`changesets: ${problem}`)
if (problems.length > 0) process.exit(1)
console.log(`changesets: ${changesets.length}, all well-formed`)
