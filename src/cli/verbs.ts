/** The commands by name, in the order of the overview. */
import type { CommandDef } from "citty"
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
  readonly load: (context: CliContext) => Promise<Loaded>
}

/** One loader per verb: a verb's modules are loaded when it is run, so that `--version` loads none. */
export const VERBS: Readonly<Record<string, Verb>> = {
  init: {
    about: "ask for an address, choose datasources, write a configuration",
    load: async (context) => {
      const { initCommand, examples, notes } = await import("./init.ts")
      return { command: initCommand(context), examples, notes }
    },
  },
  check: {
    about: "can a pull work? configuration, network, permissions, segments, disk, file",
    load: async (context) => {
      const { checkCommand, examples, notes } = await import("./check.ts")
      return { command: checkCommand(context), examples, notes }
    },
  },
  datasources: {
    about: "what the cluster has to copy: rows, size, time, segments",
    load: async (context) => {
      const { datasourcesCommand, examples, notes } = await import("./datasources.ts")
      return { command: datasourcesCommand(context), examples, notes }
    },
  },
  pull: {
    about: "bring each configured datasource into the DuckDB file, exactly",
    load: async (context) => {
      const { pullCommand, examples, notes } = await import("./pull.ts")
      return { command: pullCommand(context), examples, notes }
    },
  },
  export: {
    about: "the DuckDB file's tables as a lake of Parquet files, by month or day; only what changed",
    load: async (context) => {
      const { exportCommand, examples, notes } = await import("./export.ts")
      return { command: exportCommand(context), examples, notes }
    },
  },
  query: {
    about: "SQL on the DuckDB file, read-only; without SQL: its tables and columns",
    load: async (context) => {
      const { queryCommand, examples, notes } = await import("./query.ts")
      return { command: queryCommand(context), examples, notes }
    },
  },
  status: {
    about: "what the DuckDB file holds and how fresh it is; asks nothing of Druid",
    load: async (context) => {
      const { statusCommand, examples, notes } = await import("./status.ts")
      return { command: statusCommand(context), examples, notes }
    },
  },
  report: {
    about: "an HTML page about the DuckDB file: time lines, freshness, schema, runs; asks nothing of Druid",
    load: async (context) => {
      const { reportCommand, examples, notes } = await import("./report.ts")
      return { command: reportCommand(context), examples, notes }
    },
  },
  plan: {
    about: "what a pull would fetch, and why; fetches nothing",
    load: async (context) => {
      const { planCommand, examples, notes } = await import("./plan.ts")
      return { command: planCommand(context), examples, notes }
    },
  },
  verify: {
    about: "whether the DuckDB file equals Druid, chunk by chunk; repairs on demand",
    load: async (context) => {
      const { verifyCommand, examples, notes } = await import("./verify.ts")
      return { command: verifyCommand(context), examples, notes }
    },
  },
  schema: {
    about: "the DuckDB type of every Druid column, with notes",
    load: async (context) => {
      const { schemaCommand, examples, notes } = await import("./schema.ts")
      return { command: schemaCommand(context), examples, notes }
    },
  },
  completion: {
    about: "completion for bash, zsh, fish and PowerShell",
    load: async (context) => {
      const { completionCommand, examples, notes } = await import("./completion.ts")
      return { command: completionCommand(context), examples, notes }
    },
  },
  man: {
    about: "the manual page, as man reads it",
    load: async (context) => {
      const { manCommand, examples, notes } = await import("./man.ts")
      return { command: manCommand(context), examples, notes }
    },
  },
}
