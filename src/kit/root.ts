/** From the words of a command line to a command that runs: help, version, names of commands, and errors as documents. */
import { DruidsyncError, ExitCode, usage } from "../base/errors.ts"
import { nearest } from "../base/nearest.ts"
import { jsonLine } from "../base/printable.ts"
import { type RawValues, readArgs } from "./args.ts"
import type { CliContext } from "./context.ts"
import { commandHelp, helpWidth, overviewText } from "./help.ts"
import { delivered } from "./outlet.ts"
import type { Program, Verb } from "./program.ts"

/**
 * Runs the command line.
 * @returns the exit code
 * @throws DruidsyncError for everything that went wrong on purpose
 */
export async function runProgram(
  program: Program,
  words: readonly string[],
  context: CliContext,
): Promise<number> {
  const [first, ...rest] = words
  const width = helpWidth(context.stdout)
  if (first === undefined || ["--help", "-h"].includes(first) || (first === "help" && rest.length === 0)) {
    const text = overviewText(context.version, program.verbs, width)
    return print(text, context, first === undefined ? ExitCode.usage : ExitCode.ok)
  }
  if (first === "--version" || first === "-V") {
    return print(`druidsync ${context.version}\n`, context)
  }
  if (first === "__complete") return program.complete(rest)
  const name = first === "help" ? rest[0]! : first
  const verb = verbNamed(name, program.verbs)
  const command = await verb.load()
  const flags = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : undefined)
  if (first === "help" || flags.includes("--help") || flags.includes("-h")) {
    return print(commandHelp({ ...command, name, about: verb.about }, width), context)
  }
  let raw: RawValues = { json: flags.includes("--json") }
  try {
    const words = readArgs(rest, command.args, name)
    raw = words.raw
    const { instead } = verb
    const isOther = instead !== undefined && (raw[instead.flag] ?? false) !== false
    const code = await (isOther ? await instead.load() : command).run(context, words, program)
    await delivered(context.stdout)
    return code
  } catch (error) {
    // A command prints its document at the very end, so none has been printed yet.
    if (raw.json === true && context.stdout.failure === undefined) {
      const { errorDocument } = await import("./text/error.ts")
      context.stdout.write(jsonLine(errorDocument(error)))
    }
    if (raw["log-format"] !== "json") throw error
    await logError(error, context)
    return error instanceof DruidsyncError ? error.exitCode : ExitCode.failed
  }
}

async function print(text: string, { stdout }: CliContext, code: number = ExitCode.ok): Promise<number> {
  stdout.write(text)
  await delivered(stdout)
  return code
}

/** @throws DruidsyncError `usage` with a did-you-mean */
function verbNamed(name: string, verbs: Program["verbs"]): Verb {
  if (Object.hasOwn(verbs, name)) return verbs[name]!
  const guess = nearest(name, Object.keys(verbs))
  throw usage(
    name.startsWith("-") ? `unknown flag ${name}` : `unknown command "${name}"`,
    guess === undefined ? "see druidsync --help" : `did you mean "${guess}"?`,
  )
}

/** The log is machine-readable, so the error must be a line of it. */
async function logError(error: unknown, { clock, stderr }: CliContext): Promise<void> {
  const { createJsonLog, errorRecord } = await import("./json-log.ts")
  createJsonLog({ stderr, nowMs: clock.nowMs, quiet: false, verbose: false }).write(errorRecord(error))
}
