/** The commands, and how one of them is run: usage, strict flags, exit code. */
import { type ArgsDef, type CommandDef, parseArgs, renderUsage } from "citty"
import { nearest } from "../config/nearest.ts"
import { ExitCode } from "../errors.ts"
import type { CliContext } from "./context.ts"
import { refuseUnknownFlags, usage } from "./strict.ts"

type Examples = readonly (readonly [string, string])[]
interface Loaded {
  // biome-ignore lint/suspicious/noExplicitAny: commands have different arguments
  command: CommandDef<any>
  examples: Examples
}

/** One loader per verb: a verb's modules are loaded when it is run, so that `--version` loads none. */
const VERBS: Readonly<Record<string, { about: string; load: (context: CliContext) => Promise<Loaded> }>> = {
  pull: {
    about: "bring each configured datasource into the DuckDB file, exactly",
    load: async (context) => {
      const { pullCommand, examples } = await import("./pull.ts")
      return { command: pullCommand(context), examples }
    },
  },
  status: {
    about: "what the DuckDB file holds and how fresh it is; asks nothing of Druid",
    load: async (context) => {
      const { statusCommand, examples } = await import("./status.ts")
      return { command: statusCommand(context), examples }
    },
  },
}

const INTRO = "Keeps a local DuckDB file an exact, proven copy of Apache Druid datasources."

function overview(version: string): string {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length))
  const lines = Object.entries(VERBS).map(([name, verb]) => `  ${name.padEnd(width)}  ${verb.about}`)
  return [
    `druidsync ${version}`,
    INTRO,
    "",
    "Usage: druidsync COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...lines,
    "",
    "Start with:",
    "  druidsync pull --config c.json --out analytics.duckdb",
    "",
    "druidsync COMMAND --help tells more about a command.",
    "",
  ].join("\n")
}

/**
 * Runs the command line.
 * @returns the exit code
 * @throws DruidsyncError for everything that went wrong on purpose
 */
export async function runCli(rawArgs: readonly string[], context: CliContext): Promise<ExitCode> {
  const [first, ...rest] = rawArgs
  if (
    first === undefined ||
    first === "--help" ||
    first === "-h" ||
    (first === "help" && rest.length === 0)
  ) {
    context.stdout.write(overview(context.version))
    return first === undefined ? ExitCode.usage : ExitCode.ok
  }
  if (first === "--version" || first === "-V") {
    context.stdout.write(`druidsync ${context.version}\n`)
    return ExitCode.ok
  }
  const name = first === "help" ? rest[0]! : first
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (verb === undefined) {
    const guess = nearest(name, Object.keys(VERBS))
    throw usage(
      name.startsWith("-") ? `unknown flag ${name}` : `unknown command "${name}"`,
      guess === undefined ? "see druidsync --help" : `did you mean "${guess}"?`,
    )
  }
  const { command, examples } = await verb.load(context)
  const beforeDashes = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest
  if (first === "help" || beforeDashes.includes("--help") || beforeDashes.includes("-h")) {
    const text = await renderUsage(command, { meta: { name: "druidsync" } })
    const lines = examples.flatMap(([what, line]) => [`  # ${what}`, `  ${line}`, ""])
    context.stdout.write(`${text}\n\nEXAMPLES\n\n${lines.join("\n")}\n`)
    return ExitCode.ok
  }
  const definition = (command.args ?? {}) as ArgsDef
  refuseUnknownFlags(rest, definition)
  let args: ReturnType<typeof parseArgs>
  try {
    args = parseArgs([...rest], definition)
  } catch (error) {
    // citty's own complaint: a required argument is missing, or a value is none of the choices.
    throw usage(error instanceof Error ? lowerFirst(error.message) : String(error))
  }
  return (await command.run?.({ rawArgs: [...rest], args, cmd: command })) ?? ExitCode.ok
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
