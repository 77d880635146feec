// Runs the tests of one file of the contract in a page. The query of its address is the file.
// @ts-expect-error made by chromium.ts
import all from "virtual:tests"
import { type Result, run } from "../suite/vitest.ts"

interface Page {
  readonly document: { title: string }
  readonly location: { readonly search: string }
  readonly onResult: (result: Result) => Promise<void>
}

interface TestFile {
  readonly file: string
  readonly off: ReadonlyArray<string>
  readonly load: () => Promise<unknown>
}

const { document, location, onResult } = globalThis as unknown as Page
const { load, off } = (all as ReadonlyArray<TestFile>).find(({ file }) => location.search === `?${file}`)!
await load()
// in the order of the tests, and before the end
let sent = Promise.resolve()
await run(off, (result) => {
  sent = sent.then(() => onResult(result))
})
await sent
document.title = "done"
