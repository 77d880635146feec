/**
 * Runs the command in this process. The exit code is 0; 1 if the answer is a problem of the program; 2 if there is no answer.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as fs from "node:fs"
import process from "node:process"
import { root } from "./commands.ts"

const { version } = JSON.parse(fs.readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

const isUsageError = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Option.exists(Cause.findErrorOption(exit.cause), CliError.isCliError)

export const run = (): void => {
  // the reader of a pipe, such as `head`, may end first
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : 2))
  NodeRuntime.runMain(Effect.provide(Command.run(root, { version }), NodeServices.layer), {
    teardown: (exit, onExit) =>
      Runtime.defaultTeardown(exit, (code) => onExit(code === 1 && isUsageError(exit) ? 2 : code))
  })
}
