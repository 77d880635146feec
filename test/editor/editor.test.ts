import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as fs from "node:fs"
import { LanguageServer, type Location, type WorkspaceEdit } from "./languageServer.ts"

const file = "test/editor/counter.ts"
const lines = fs.readFileSync(file, "utf8").split("\n")

/** The numbers of the lines, from 1, that a comment in the file marks. */
const marked = (mark: string): Array<number> => lines.flatMap((line, i) => line.endsWith(`// ${mark}`) ? [i + 1] : [])

const lineOf = ({ range }: Pick<Location, "range">): number => range.start.line + 1

/** A language server that has opened the file. */
class Editor extends Context.Service<Editor, { readonly server: LanguageServer; readonly uri: string }>()("Editor") {
  static readonly layer = Layer.effect(
    Editor,
    Effect.map(LanguageServer.make, (server) => ({ server, uri: server.open(file) }))
  )
}

const ask = (method: string, name: string, params: object = {}) =>
  Effect.gen(function*() {
    const { server, uri } = yield* Editor
    const line = marked(`call of ${name}`)[0]! - 1
    const position = { line, character: lines[line]!.indexOf(`.${name}(`) + 1 }
    return yield* Effect.promise(() => server.request(method, { textDocument: { uri }, position, ...params }))
  })

layer(Editor.layer, { excludeTestServices: true, timeout: "2 minutes" })((it) => {
  for (const [name, kind] of [["increment", "an actor"], ["next", "an object behind a handle"]] as const) {
    it.effect(`T1: an editor finds the definition of a method of ${kind} from its call`, () =>
      Effect.gen(function*() {
        const locations = (yield* ask("textDocument/definition", name)) as ReadonlyArray<Location>
        assert.deepStrictEqual(locations.map(lineOf), marked(`method ${name}`))
      }))

    it.effect(
      `T1: an editor finds the handlers and calls of a method of ${kind} from a call`,
      () =>
        Effect.gen(function*() {
          const params = { context: { includeDeclaration: true } }
          const locations = (yield* ask("textDocument/references", name, params)) as ReadonlyArray<Location>
          const expected = ["method", "handler of", "call of"].flatMap((mark) => marked(`${mark} ${name}`))
          assert.deepStrictEqual(locations.map(lineOf).toSorted((a, b) => a - b), expected.toSorted((a, b) => a - b))
        })
    )

    it.effect(`T1: an editor renames a method of ${kind} with its handlers and calls`, () =>
      Effect.gen(function*() {
        const { changes = {} } = (yield* ask("textDocument/rename", name, { newName: "renamed" })) as WorkspaceEdit
        const edits = Object.values(changes).flat()
        const expected = ["method", "handler of", "call of"].flatMap((mark) => marked(`${mark} ${name}`))
        assert.deepStrictEqual(edits.map(lineOf).toSorted((a, b) => a - b), expected.toSorted((a, b) => a - b))
      }))
  }
})
