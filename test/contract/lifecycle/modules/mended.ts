/** A module that notes in a file when it is loaded, and throws until the file has the line "mended". The line "exit" ends the worker. */
import * as fs from "node:fs"
import layerNotes from "./layer-notes.ts"

const journal = process.env["UACTOR_TEST_JOURNAL"]!
fs.appendFileSync(journal, `loaded at ${Date.now()}\n`)
if (!fs.readFileSync(journal, "utf8").includes("mended\n")) throw new RangeError("not mended yet")

// each line "exit" ends one worker
const timer = setInterval(() => {
  const lines = fs.readFileSync(journal, "utf8")
  if (!lines.includes("exit\n")) return
  fs.writeFileSync(journal, lines.replace("exit\n", "exiting\n"))
  process.exit(3)
}, 5)
timer.unref()

export default layerNotes
