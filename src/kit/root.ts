/** The commands, and how one of them is run: usage, strict flags, exit code. */
import { type ArgsDef, parseArgs } from "citty"
import { DruidsyncError, ExitCode } from "../base/errors.ts"
import { nearest } from "../base/nearest.ts"
import { jsonLine } from "../base/printable.ts"
import type { CliContext } from "./context.ts"
import { commandHelp, helpWidth, overviewText } from "./help.ts"
import type { Sink } from "./sink.ts"
import { refuseUnknownFlags, usage } from "./strict.ts"
import type { Program } from "./verb.ts"

function overview(verbs: Program["verbs"], version: string, width: number): string {
  return overviewText(
    version,
    Object.entries(verbs).map(([name, { about }]) => ({ name, about })),
    width,
  )
}

/**
 * Runs the command line.
 * @returns the exit code
 * @throws DruidsyncError for everything that went wrong on purpose
 */
export async function runProgram(
  { verbs, complete }: Program,
  rawArgs: readonly string[],
  context: CliContext,
): Promise<ExitCode> {
  const [first, ...rest] = rawArgs
  if (
    first === undefined ||
    first === "--help" ||
    first === "-h" ||
    (first === "help" && rest.length === 0)
  ) {
    context.stdout.write(overview(verbs, context.version, helpWidth(context.stdout)))
    return first === undefined ? ExitCode.usage : ExitCode.ok
  }
  if (first === "--version" || first === "-V") {
    context.stdout.write(`druidsync ${context.version}\n`)
    return ExitCode.ok
  }
  if (first === "__complete") return complete(rest)
  const name = first === "help" ? rest[0]! : first
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (verb === undefined) {
    const guess = nearest(name, Object.keys(verbs))
    throw usage(
      name.startsWith("-") ? `unknown flag ${name}` : `unknown command "${name}"`,
      guess === undefined ? "see druidsync --help" : `did you mean "${guess}"?`,
    )
  }
  const stdout = noting(context.stdout)
  // Not a copy of the context: looking at its stdin would open it.
  const inner = Object.create(context, { stdout: { value: stdout } }) as CliContext
  const { command, examples, notes } = await verb.load(inner)
  const definition = (command.args ?? {}) as ArgsDef
  const beforeDashes = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest
  if (first === "help" || beforeDashes.includes("--help") || beforeDashes.includes("-h")) {
    context.stdout.write(
      commandHelp({ name, about: verb.about, args: definition, notes, examples }, helpWidth(context.stdout)),
    )
    return ExitCode.ok
  }
  refuseUnknownFlags(rest, definition)
  let args: ReturnType<typeof parseArgs>
  try {
    args = parseArgs([...rest], definition)
  } catch (error) {
    // citty's own complaint: a required argument is missing, or a value is none of the choices.
    throw usage(
      error instanceof Error ? lowerFirst(error.message) : String(error),
      `see druidsync ${name} --help`,
    )
  }
  try {
    const other =
      verb.insteadOf !== undefined && args[verb.insteadOf.flag] === true
        ? verbs[verb.insteadOf.verb]
        : undefined
    const run = other === undefined ? command : (await other.load(inner)).command
    return (await run.run?.({ rawArgs: [...rest], args, cmd: run })) ?? ExitCode.ok
  } catch (error) {
    // Who asked for a document gets one, also where there is nothing to tell but the error.
    if (args.json === true && !stdout.wasUsed) {
      const { errorDocument } = await import("./text/error.ts")
      context.stdout.write(jsonLine(errorDocument(error)))
    }
    // Who reads the log by machine must not find words in it.
    if (args["log-format"] === "json") {
      const { createJsonLog, errorRecord } = await import("./json-log.ts")
      const { clock, stderr } = context
      createJsonLog({ stderr, nowMs: clock.nowMs, quiet: false, verbose: false }).write(errorRecord(error))
      return error instanceof DruidsyncError ? error.exitCode : ExitCode.failed
    }
    throw error
  }
}

/** The sink, and whether anything was written to it. */
function noting(sink: Sink): Sink & { readonly wasUsed: boolean } {
  let wasUsed = false
  return {
    write: (text) => {
      wasUsed = true
      return sink.write(text)
    },
    get wasUsed() {
      return wasUsed
    },
    once: (event, listener) => (sink.once === undefined ? listener() : sink.once(event, listener)),
    get isTTY() {
      return sink.isTTY === true
    },
    ...(sink.columns === undefined ? {} : { columns: sink.columns }),
    ...(sink.rows === undefined ? {} : { rows: sink.rows }),
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
