// Writes `node/prebuilt/` into the folder of a build, `dist` if none is named: the files of Effect and of this library that
// a worker may load, in two scripts instead of some three hundred modules. `src/node/startup/workerBundle.ts` describes
// why, and how a worker uses them. The first argument may also be the folder of the sources, and the second argument a folder in place of
// `node/prebuilt/`.
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { types } from "node:util"
import { build, type Plugin } from "vite"
import effectPkg from "../node_modules/effect/package.json" with { type: "json" }
import type { BundleIndex, Part } from "../src/node/startup/workerBundle.ts"

const root = path.resolve(import.meta.dirname, "..")
const dist = path.resolve(process.argv[2] ?? path.join(root, "dist"))
const effect = path.join(root, "node_modules", "effect", "dist")
const folder = path.resolve(process.argv[3] ?? path.join(dist, "node", "prebuilt"))

const license = `/*! with Effect ${effectPkg.version}:\n\n${
  fs.readFileSync(path.join(effect, "..", "LICENSE"), "utf8").trim()
}\n*/`

const bundle = async (input: Readonly<Record<string, string>>, plugin: Plugin): Promise<string> => {
  const output = await build({
    configFile: false,
    root,
    logLevel: "warn",
    publicDir: false,
    ssr: { noExternal: true },
    plugins: [plugin],
    build: {
      ssr: true,
      target: "es2023",
      write: false,
      rolldownOptions: {
        input,
        external: /^(?:node|prebuilt):/,
        treeshake: { propertyReadSideEffects: false },
        preserveEntrySignatures: "strict",
        output: {
          format: "cjs",
          codeSplitting: false,
          minify: {
            compress: false,
            // each thread holds the text of the script; names in stacks are kept
            mangle: { toplevel: true, keepNames: { function: true, class: true } },
            codegen: { removeWhitespace: true }
          }
        }
      }
    }
  })
  return (output as unknown as { readonly output: ReadonlyArray<{ readonly code: string }> }).output[0]!.code
}

// returns all files that an entry imports, directly or indirectly
const closure = async (entry: string): Promise<ReadonlyArray<string>> => {
  const files: Array<string> = []
  await bundle({ entry }, {
    name: "closure",
    moduleParsed: ({ id }) => {
      if (path.isAbsolute(id)) files.push(id)
    }
  })
  return files
}

const nameOf = (file: string): string => {
  const [scope, base] = file.startsWith(effect) ? ["effect", effect] as const : ["uactor", dist] as const
  return `${scope}/${path.relative(base, file).split(path.sep).join("/")}`
}

const made = Date.now()
const isSource = fs.existsSync(path.join(dist, "index.ts"))
const ending = isSource ? ".ts" : ".js"
const worker = new Set([
  ...await closure(path.join(dist, "node", "worker", `serve${ending}`)),
  ...await closure(path.join(dist, `index${ending}`))
])
const others = new Set((await closure(path.join(effect, "index.js"))).filter((file) => !worker.has(file)))

const modules = new Map<string, Readonly<Record<string, unknown>>>()
for (const file of [...worker, ...others]) modules.set(file, await import(file))
const fileOf = new Map(Array.from(modules, ([file, module]) => [module as unknown, file]))

// a variable that is assigned again after its export cannot be re-exported as a value
const changing = (file: string): ReadonlySet<string> =>
  new Set(Array.from(fs.readFileSync(file, "utf8").matchAll(/^export let (\w+)/gm), ([, name]) => name!))

// makes the source of a module that exports, for each file of a part, a function that makes an object of the exports of the file
const source = (files: ReadonlySet<string>): string => {
  const imports: Array<string> = []
  const makers = Array.from(files, (file, i) => {
    const from = JSON.stringify(file)
    const except = changing(file)
    imports.push(`import ${from}`)
    const properties = Object.entries(modules.get(file)!).filter(([name]) => !except.has(name)).map(([name, value]) => {
      // a bundler makes a namespace of accessors, one for each name, so the part contains a plain object instead
      const whole = types.isModuleNamespaceObject(value) ? fileOf.get(value) : undefined
      if (whole !== undefined) return `${name}: take(${JSON.stringify(nameOf(whole))})`
      imports.push(`import { ${name} as m${i}_${name} } from ${from}`)
      return `${name}: m${i}_${name}`
    })
    return `${JSON.stringify(nameOf(file))}: () => ({ ${properties.join(", ")} })`
  })
  return `${imports.join("\n")}\nimport { take } from "prebuilt:take"\nexport const files = { ${makers.join(",\n")} }`
}

const writePart = async (part: string, files: ReadonlySet<string>): Promise<Part> => {
  const code = await bundle({ [part]: "virtual:part" }, {
    name: "part",
    enforce: "pre",
    resolveId: (specifier) => specifier === "virtual:part" ? `\0${specifier}` : null,
    load: (id) => {
      if (id === "\0virtual:part") return source(files)
      if (files.has(id) || !modules.has(id)) return null
      // the file is in the other part
      const names = Object.keys(modules.get(id)!)
      return `import { take } from "prebuilt:take"\nconst file = take(${JSON.stringify(nameOf(id))})\n${
        names.map((name) => `const $${name} = file.${name}\nexport { $${name} as ${name} }`).join("\n")
      }`
    }
  })
  // `__filename` replaces `import.meta.url`, and a script cannot import dynamically
  if (/__filename|\bimport\(/.test(code)) throw new Error(`prebuild: the part ${part} finds other files by itself`)
  // Node reads the script as Latin-1, which takes half the memory of other encodings
  const script = `${license}(function(exports,require){"use strict";${code}\n})\n`.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
  fs.writeFileSync(path.join(folder, `${part}.js`), script)
  return {
    files: Object.fromEntries(Array.from(files, (file) => [nameOf(file), fs.statSync(file).size])),
    hash: createHash("sha256").update(script).digest("hex").slice(0, 16)
  }
}

fs.mkdirSync(folder, { recursive: true })
const index: BundleIndex = {
  effect: effectPkg.version,
  made: isSource ? made : undefined,
  parts: { worker: await writePart("worker", worker), others: await writePart("others", others) }
}
fs.writeFileSync(path.join(folder, "index.json"), JSON.stringify(index))
