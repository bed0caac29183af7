/**
 * What a command is, and what every command does alike, done once: texts become values, what the command needs is opened
 * and closed again whatever happens, progress goes to stderr, and the answer to stdout as text or as a document.
 */
import type { Settings } from "../config/settings.ts"
import type { Emit } from "../pull/events.ts"
import { type Arguments, valuesOf } from "./args.ts"
import type { CliContext } from "./context.ts"
import type { Flags, Values } from "./flag.ts"
import type { CommandPage } from "./help.ts"
import type { Watch } from "./job/watch.ts"
import { type Need, OPENERS, type Opened, type SharedValues } from "./open.ts"
import { type Answer, show } from "./output.ts"
import type { Command, Program } from "./program.ts"
import { createReporter, type Reporter } from "./reporter.ts"

/** What a command's `run` gets, beside what it needs. */
export interface Tools<A extends Flags> extends Pick<Reporter, "info" | "log"> {
  readonly args: Values<A>
  /** names of the flags that are on the command line */
  readonly given: ReadonlySet<string>
  readonly context: CliContext
  readonly emit: Emit
  readonly program: Program
}

export interface Definition<A extends Flags, N extends Need> extends Pick<CommandPage, "examples" | "notes"> {
  readonly args: A
  /** what is opened for it: a command waits only for what it needs */
  readonly needs: N
  /** with `both`: takes the run lock, and may write the file. Default: it only reads */
  readonly writes?: (args: Values<A>) => boolean
  /** metrics, a ping and a time limit go with it; its document is a `PullReport` */
  readonly isJob?: true
  /** checks flags and configuration together, before anything is opened. @throws DruidsyncError */
  readonly check?: (tools: Tools<A>, settings: Settings) => Promise<void> | void
  /** @returns what it found, to be shown; or an exit code where it has shown everything itself */
  readonly run: (tools: Tools<A> & Opened[N]) => Promise<Answer | number>
}

export function define<const A extends Flags, N extends Need>(definition: Definition<A, N>): Command {
  const { args, examples, notes, needs, isJob } = definition
  return {
    args,
    examples,
    notes,
    async run(context, words, program) {
      const talk = words.raw as Talk
      const reporter = createReporter({
        stderr: context.stderr,
        env: context.env,
        nowMs: context.clock.nowMs,
        quiet: talk.quiet === true,
        verbose: talk.verbose === true,
        logFormat: talk["log-format"],
        live: needs === "druid" || needs === "both",
      })
      const watch = isJob && new (await import("./job/watch.ts")).Watch(context, words.raw, reporter.emit)
      try {
        const work = () => runOpened(definition, { context, words, program, reporter, watch })
        const answer = await (watch === undefined ? work() : watch.over(work))
        reporter.close()
        return typeof answer === "number" ? answer : show(answer, talk, context)
      } finally {
        reporter.close()
      }
    },
  }
}

/** Flags that say how a command talks. */
interface Talk {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly "log-format"?: "text" | "json"
}

interface Running {
  readonly context: CliContext
  readonly words: Arguments
  readonly program: Program
  readonly reporter: Reporter
  readonly watch: Watch | undefined
}

/** Reads the values, opens what is needed, and runs the command with it. */
function runOpened<A extends Flags, N extends Need>(
  definition: Definition<A, N>,
  { context, words, program, reporter, watch }: Running,
): Promise<Answer | number> {
  const args = valuesOf(words.raw, definition.args)
  const emit: Emit = (event) => {
    watch?.take(event)
    reporter.emit(event)
  }
  const { info, log } = reporter
  const tools: Tools<A> = { args, given: words.given, context, emit, info, log, program }
  const opening = {
    context,
    args: args as SharedValues,
    words: words.raw,
    emit,
    writes: definition.writes?.(args) === true,
    watch,
    check: (settings: Settings) => definition.check?.(tools, settings),
  }
  return OPENERS[definition.needs](opening, (opened) => definition.run({ ...tools, ...opened }))
}
