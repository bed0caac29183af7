/** The commands by name, in the order of the overview. */
import type { CliContext } from "../kit/context.ts"
import type { Program } from "../kit/program.ts"
import { runProgram } from "../kit/root.ts"

/** A command's modules are loaded when it is run, so that `--version` and the overview load none. */
export const VERBS: Program["verbs"] = {
  init: {
    about: "ask for an address, choose datasources, write a configuration",
    load: async () => (await import("./init/command.ts")).command,
  },
  check: {
    about: "can a pull work? configuration, network, permissions, segments, disk, file",
    load: async () => (await import("./check/command.ts")).command,
  },
  datasources: {
    about: "what the cluster has to copy: rows, size, time, segments",
    load: async () => (await import("./datasources/command.ts")).command,
  },
  pull: {
    about: "bring each configured datasource into the DuckDB file, exactly",
    load: async () => (await import("./pull/command.ts")).command,
    instead: { flag: "dry-run", load: async () => (await import("./plan/command.ts")).command },
  },
  export: {
    about: "the DuckDB file's tables as a lake of Parquet files, by month or day; only what changed",
    load: async () => (await import("./export/command.ts")).command,
  },
  query: {
    about: "SQL on the DuckDB file, read-only; without SQL: its tables and columns",
    load: async () => (await import("./query/command.ts")).command,
  },
  status: {
    about: "what the DuckDB file holds and how fresh it is; asks nothing of Druid",
    load: async () => (await import("./status/command.ts")).command,
  },
  report: {
    about: "an HTML page about the DuckDB file: time lines, freshness, schema, runs; asks nothing of Druid",
    load: async () => (await import("./report/command.ts")).command,
  },
  plan: {
    about: "what a pull would fetch, and why; fetches nothing",
    load: async () => (await import("./plan/command.ts")).command,
  },
  verify: {
    about: "whether the DuckDB file equals Druid, chunk by chunk; repairs on demand",
    load: async () => (await import("./verify/command.ts")).command,
    instead: { flag: "lake", load: async () => (await import("./verify/lake.ts")).command },
  },
  schema: {
    about: "the DuckDB type of every Druid column, with notes",
    load: async () => (await import("./schema/command.ts")).command,
  },
  completion: {
    about: "completion for bash, zsh, fish and PowerShell",
    load: async () => (await import("./completion/command.ts")).command,
  },
  man: {
    about: "the manual page, as man reads it",
    load: async () => (await import("./man/command.ts")).command,
  },
}

/**
 * Runs the command line.
 * @returns the exit code
 * @throws DruidsyncError for everything that went wrong on purpose
 */
export function runCli(words: readonly string[], context: CliContext): Promise<number> {
  const complete = async (typed: readonly string[]) => {
    const { runComplete } = await import("./completion/command.ts")
    return runComplete(typed, context, VERBS)
  }
  return runProgram({ verbs: VERBS, complete }, words, context)
}
