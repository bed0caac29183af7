/** A command as the kit sees it: a name and a line for the overview, and the rest once it is run. */
import type { CommandDef } from "citty"
import type { ExitCode } from "../base/errors.ts"
import type { CliContext } from "./context.ts"
import type { Examples } from "./help.ts"

/** What a verb's module has for us. */
export interface Loaded {
  // biome-ignore lint/suspicious/noExplicitAny: commands have different arguments
  command: CommandDef<any>
  examples: Examples
  notes: readonly string[]
}

export interface Verb {
  /** one line, as in the overview */
  readonly about: string
  /** with this flag the other verb is run in its place, with the same arguments */
  readonly insteadOf?: { readonly flag: string; readonly verb: string }
  readonly load: (context: CliContext) => Promise<Loaded>
}

/** All that a command line may ask for. */
export interface Program {
  readonly verbs: Readonly<Record<string, Verb>>
  /** answers a shell's script for completion */
  readonly complete: (words: readonly string[]) => Promise<ExitCode>
}
