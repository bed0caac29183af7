/** The program as the kit sees it: a line about each command, and how to load the rest once it is run. */
import type { Arguments } from "./args.ts"
import type { CliContext } from "./context.ts"
import type { CommandPage } from "./help.ts"

/** A command that can be run, whatever its flags are. */
export interface Command extends Pick<CommandPage, "args" | "examples" | "notes"> {
  /** @returns the exit code */
  readonly run: (context: CliContext, words: Arguments, program: Program) => Promise<number>
}

export interface Verb {
  /** one line: the only one about this command, shown by the overview, its help, the manual page and the README */
  readonly about: string
  readonly load: () => Promise<Command>
  /** with this flag another command is run in its place, with the same words */
  readonly instead?: { readonly flag: string; readonly load: () => Promise<Command> }
}

export interface Program {
  readonly verbs: Readonly<Record<string, Verb>>
  /** answers a shell's script for completion. @returns the exit code */
  readonly complete: (words: readonly string[]) => Promise<number>
}
