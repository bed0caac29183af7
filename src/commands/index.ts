/** The commands by name, in the order of the overview. */
import type { ExitCode } from "../base/errors.ts"
import type { CliContext } from "../kit/context.ts"
import { runProgram } from "../kit/root.ts"
import type { Verb } from "../kit/verb.ts"

/** One loader per verb: a verb's modules are loaded when it is run, so that `--version` loads none. */
export const VERBS: Readonly<Record<string, Verb>> = {
  init: {
    about: "ask for an address, choose datasources, write a configuration",
    load: async (context) => {
      const { initCommand, examples, notes } = await import("./init/command.ts")
      return { command: initCommand(context), examples, notes }
    },
  },
  check: {
    about: "can a pull work? configuration, network, permissions, segments, disk, file",
    load: async (context) => {
      const { checkCommand, examples, notes } = await import("./check/command.ts")
      return { command: checkCommand(context), examples, notes }
    },
  },
  datasources: {
    about: "what the cluster has to copy: rows, size, time, segments",
    load: async (context) => {
      const { datasourcesCommand, examples, notes } = await import("./datasources/command.ts")
      return { command: datasourcesCommand(context), examples, notes }
    },
  },
  pull: {
    about: "bring each configured datasource into the DuckDB file, exactly",
    insteadOf: { flag: "dry-run", verb: "plan" },
    load: async (context) => {
      const { pullCommand, examples, notes } = await import("./pull/command.ts")
      return { command: pullCommand(context), examples, notes }
    },
  },
  export: {
    about: "the DuckDB file's tables as a lake of Parquet files, by month or day; only what changed",
    load: async (context) => {
      const { exportCommand, examples, notes } = await import("./export/command.ts")
      return { command: exportCommand(context), examples, notes }
    },
  },
  query: {
    about: "SQL on the DuckDB file, read-only; without SQL: its tables and columns",
    load: async (context) => {
      const { queryCommand, examples, notes } = await import("./query/command.ts")
      return { command: queryCommand(context), examples, notes }
    },
  },
  status: {
    about: "what the DuckDB file holds and how fresh it is; asks nothing of Druid",
    load: async (context) => {
      const { statusCommand, examples, notes } = await import("./status/command.ts")
      return { command: statusCommand(context), examples, notes }
    },
  },
  report: {
    about: "an HTML page about the DuckDB file: time lines, freshness, schema, runs; asks nothing of Druid",
    load: async (context) => {
      const { reportCommand, examples, notes } = await import("./report/command.ts")
      return { command: reportCommand(context), examples, notes }
    },
  },
  plan: {
    about: "what a pull would fetch, and why; fetches nothing",
    load: async (context) => {
      const { planCommand, examples, notes } = await import("./plan/command.ts")
      return { command: planCommand(context), examples, notes }
    },
  },
  verify: {
    about: "whether the DuckDB file equals Druid, chunk by chunk; repairs on demand",
    load: async (context) => {
      const { verifyCommand, examples, notes } = await import("./verify/command.ts")
      return { command: verifyCommand(context), examples, notes }
    },
  },
  schema: {
    about: "the DuckDB type of every Druid column, with notes",
    load: async (context) => {
      const { schemaCommand, examples, notes } = await import("./schema/command.ts")
      return { command: schemaCommand(context), examples, notes }
    },
  },
  completion: {
    about: "completion for bash, zsh, fish and PowerShell",
    load: async (context) => {
      const { completionCommand, examples, notes } = await import("./completion/command.ts")
      return { command: completionCommand(context), examples, notes }
    },
  },
  man: {
    about: "the manual page, as man reads it",
    load: async (context) => {
      const { manCommand, examples, notes } = await import("./man/command.ts")
      return { command: manCommand(context, VERBS), examples, notes }
    },
  },
}

/**
 * Runs the command line.
 * @returns the exit code
 * @throws DruidsyncError for everything that went wrong on purpose
 */
export function runCli(rawArgs: readonly string[], context: CliContext): Promise<ExitCode> {
  return runProgram(
    {
      verbs: VERBS,
      complete: async (words) => {
        const { runComplete } = await import("./completion/command.ts")
        return runComplete(words, context, VERBS)
      },
    },
    rawArgs,
    context,
  )
}
