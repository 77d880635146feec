/**
 * What the command says when it fails, and its exit code.
 */
import * as CliError from "effect/cli/CliError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/** The program has a problem: exit code 1. */
export const problem = 1

/** There is no answer: exit code 2. */
const noAnswer = 2

/** The command has failed. The message says what to do. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly message: string
  readonly exitCode: number
}> {
  override readonly [CliError.userMessage] = this.message
  override readonly [Runtime.errorExitCode] = this.exitCode
}

/** Fails with a text. */
export const failure = (message: string, exitCode: number = noAnswer): CommandFailed =>
  new CommandFailed({ message, exitCode })

/** Fails with a text if a condition holds. */
export const failIf = (condition: boolean, message: string, exitCode?: number): Effect.Effect<void, CommandFailed> =>
  condition ? Effect.fail(failure(message, exitCode)) : Effect.void
