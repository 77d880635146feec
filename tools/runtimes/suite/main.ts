// Runs one file of tests in this runtime, and prints each result as a line of JSON with a mark; a result without a name is the end.
// Arguments: the file, and the texts of the names of tests that are off.
import * as path from "node:path"
import process from "node:process"
import { pathToFileURL } from "node:url"
import { type Result, run } from "./vitest.ts"

// taken from the arguments of the process, because some fixtures read those
const [file, ...off] = process.argv.splice(2)
const print = (result: Result): void => void process.stdout.write(`\n~result ${JSON.stringify(result)}\n`)
await import(pathToFileURL(path.resolve(file!)).href)
await run(off, print)
print({ name: "", millis: 0, error: undefined })
