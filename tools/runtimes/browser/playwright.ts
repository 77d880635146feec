// Starts Chromium, which is installed where it is missing, with playwright-core. The type check of the repository runs without this package,
// so the interfaces here are the part of it that the project uses.
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import process from "node:process"
import { findOrInstall } from "../../debian.ts"

/** A part of a page, found again at each use. Each action waits until it can be done. */
export interface Locator {
  readonly locator: (selector: string) => Locator
  readonly getByRole: Page["getByRole"]
  readonly getByText: Page["getByText"]
  readonly filter: (options: { readonly hasText: string | RegExp }) => Locator
  readonly first: () => Locator
  readonly waitFor: (options?: { readonly state?: "visible" | "hidden" | "attached" | "detached" }) => Promise<void>
  readonly click: () => Promise<void>
  readonly fill: (text: string) => Promise<void>
  readonly selectOption: (value: string) => Promise<unknown>
  readonly focus: () => Promise<void>
  readonly count: () => Promise<number>
  readonly innerText: () => Promise<string>
  readonly allInnerTexts: () => Promise<ReadonlyArray<string>>
  readonly getAttribute: (name: string) => Promise<string | null>
  readonly evaluate: <A>(script: string) => Promise<A>
}

export interface Page {
  readonly on: {
    (event: "crash", listener: () => void): void
    (event: "pageerror", listener: (error: Error) => void): void
    (
      event: "console",
      listener: (message: { readonly type: () => string; readonly text: () => string }) => void
    ): void
  }
  readonly exposeFunction: <A>(name: string, callback: (value: A) => void) => Promise<void>
  readonly goto: (
    address: string,
    options?: { readonly timeout?: number; readonly waitUntil?: "commit" }
  ) => Promise<unknown>
  readonly reload: () => Promise<unknown>
  readonly url: () => string
  readonly locator: (selector: string) => Locator
  readonly getByRole: (
    role: string,
    options?: { readonly name?: string | RegExp; readonly exact?: boolean }
  ) => Locator
  readonly getByText: (text: string | RegExp) => Locator
  readonly getByLabel: (text: string, options?: { readonly exact?: boolean }) => Locator
  readonly keyboard: { readonly press: (key: string) => Promise<void> }
  readonly evaluate: <A>(script: string) => Promise<A>
  readonly waitForFunction: (
    condition: string,
    argument: undefined,
    options: { readonly timeout: number }
  ) => Promise<unknown>
  readonly waitForEvent: (event: "download") => Promise<Download>
  readonly setViewportSize: (size: { readonly width: number; readonly height: number }) => Promise<void>
  readonly emulateMedia: (media: { readonly colorScheme: "light" | "dark" }) => Promise<void>
  readonly screenshot: (options?: { readonly path?: string }) => Promise<Uint8Array>
  readonly setDefaultTimeout: (millis: number) => void
  readonly close: () => Promise<void>
}

export interface Download {
  readonly suggestedFilename: () => string
  readonly path: () => Promise<string>
}

export interface Browser {
  readonly newPage: (
    options?: { readonly viewport?: { readonly width: number; readonly height: number } }
  ) => Promise<Page>
  readonly close: () => Promise<void>
}

interface Playwright {
  readonly chromium: {
    readonly launch: (
      options: { readonly executablePath: string; readonly args: ReadonlyArray<string> }
    ) => Promise<Browser>
  }
}

const names = ["chromium", "chromium-browser", "google-chrome"]

const find = (): string | undefined =>
  (process.env["PATH"] ?? "").split(path.delimiter)
    .flatMap((folder) => names.map((name) => path.join(folder, name)))
    .find((file) => fs.existsSync(file))

/** A new browser. */
export const launch = (): Promise<Browser> => {
  const executablePath = findOrInstall("Chromium", "chromium", find)
  const { chromium } = createRequire(import.meta.url)("playwright-core") as Playwright
  return chromium.launch({ executablePath, args: ["--no-sandbox"] })
}
