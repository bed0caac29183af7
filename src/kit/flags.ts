/** Flags that several commands share, and how their values are read. */
import { existsSync } from "node:fs"
import process from "node:process"
import type { ArgsDef } from "citty"
import { MAX_SHARDS, parseShard } from "../base/shard.ts"
import { configFlags } from "../config/flags.ts"
import type { Overrides } from "../config/load.ts"
import { parseDuration, parseInstant } from "../config/quantities.ts"
import type { DatasourceSettings, Settings } from "../config/settings.ts"
import type { CliContext } from "./context.ts"
import { LOG_FORMATS } from "./log-formats.ts"
import { usage } from "./strict.ts"

/** What `init` writes and the others read where `--config` is not given, in the folder where the user stands. */
export const USUAL_CONFIG = "druidsync.json"

export const configArg = {
  config: {
    type: "string",
    alias: "c",
    default: USUAL_CONFIG,
    valueHint: "FILE",
    description: "configuration file (JSON)",
  },
} as const satisfies ArgsDef

export const outArg = {
  out: { type: "string", alias: "o", required: true, valueHint: "FILE", description: "the DuckDB file" },
} as const satisfies ArgsDef

export const jsonArg = {
  json: { type: "boolean", default: false, description: "print one JSON document to stdout" },
} as const satisfies ArgsDef

export const talkArgs = {
  quiet: {
    type: "boolean",
    alias: "q",
    default: false,
    description: "say nothing unless something is wrong",
  },
  verbose: { type: "boolean", alias: "v", default: false, description: "say what is done in detail" },
} as const satisfies ArgsDef

export const logFormatArg = {
  "log-format": {
    type: "enum",
    options: [...LOG_FORMATS],
    default: "text",
    description: "stderr for people, or one JSON object a line",
  },
} as const satisfies ArgsDef

export const lockWaitArg = {
  "lock-wait": {
    type: "string",
    default: "60s",
    valueHint: "TIME",
    description: "how long to wait while another program has the file open",
  },
} as const satisfies ArgsDef

export const onlyArg = {
  only: {
    type: "string",
    valueHint: "NAMES",
    description: "only these datasources of the config (comma-separated)",
  },
} as const satisfies ArgsDef

/** Which share of a lake. */
export const partArg = {
  part: {
    type: "string",
    valueHint: "NAME",
    description: "the share of the lake that this file holds (default: data)",
  },
} as const satisfies ArgsDef

/** Datasources of the file, not of a config. */
export const onlyHeldArg = {
  only: {
    type: "string",
    valueHint: "NAMES",
    description: "only these datasources of the file (comma-separated)",
  },
} as const satisfies ArgsDef

/** What of the datasources is looked at. */
const scopeArgs = {
  ...onlyArg,
  full: { type: "boolean", default: false, description: "fetch everything again, whatever is there" },
  since: {
    type: "string",
    valueHint: "TIME",
    description: "only rows at or after this time (ISO 8601, UTC)",
  },
  until: { type: "string", valueHint: "TIME", description: "only rows before this time (ISO 8601, UTC)" },
  shard: {
    type: "string",
    valueHint: "I/N",
    description: "only the days that are this machine's of N: 1/4, 2/4, 3/4 or 4/4 for four",
  },
} as const satisfies ArgsDef

export const planArgs = {
  ...configArg,
  ...outArg,
  ...scopeArgs,
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
} as const satisfies ArgsDef

export const pullArgs = {
  ...configArg,
  ...outArg,
  ...scopeArgs,
  "dry-run": {
    type: "boolean",
    alias: "n",
    default: false,
    description: "show what would be fetched, and why; fetch nothing (the same as druidsync plan)",
  },
  ...jsonArg,
  ...talkArgs,
  ...lockWaitArg,
  "settle-wait": {
    type: "string",
    default: "20s",
    valueHint: "TIME",
    description: "how long to wait for segments that Druid is still loading or counting",
  },
  ...configFlags,
  ...logFormatArg,
} as const satisfies ArgsDef

/**
 * The configuration at `path`, which is `--config` or its default.
 * @throws DruidsyncError `usage` where the default is not there; otherwise as `loadConfig`
 */
export async function loadForCommand(
  context: CliContext,
  path: string,
  overrides: Overrides = {},
): Promise<Settings> {
  if (path === USUAL_CONFIG && !existsSync(path)) {
    throw usage(
      `there is no ${USUAL_CONFIG} in ${process.cwd()}, and no other file was named with --config`,
      "write one with druidsync init, or name yours: --config FILE",
    )
  }
  const { loadConfig } = await import("../config/load.ts")
  return loadConfig(path, { env: context.env, overrides })
}

/** @throws DruidsyncError `usage` */
export function readInstantFlag(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  const value = parseInstant(text)
  if (value === undefined)
    throw usage(
      `--${name} ${JSON.stringify(text)} is not a time`,
      "write it like 2024-06-01 or 2024-06-01T12:00:00Z",
    )
  return value
}

/**
 * The datasources, each with the share of `--shard`; without the flag, or with `1/1`, as they are.
 * @throws DruidsyncError `usage`
 */
export function withShard(
  datasources: readonly DatasourceSettings[],
  text: string | undefined,
): readonly DatasourceSettings[] {
  if (text === undefined) return datasources
  const shard = parseShard(text)
  if (shard === undefined) {
    throw usage(
      `--shard ${JSON.stringify(text)} is not a share`,
      `write it like 1/4, 2/4, 3/4 and 4/4 for four machines; there are at most ${MAX_SHARDS}`,
    )
  }
  return shard === "whole" ? datasources : datasources.map((datasource) => ({ ...datasource, shard }))
}

/** @returns milliseconds. @throws DruidsyncError `usage` */
export function readDurationFlag(name: string, text: string): number {
  const value = /^0+$/.test(text) ? 0 : parseDuration(text)
  if (value === undefined)
    throw usage(`--${name} ${JSON.stringify(text)} is not a length of time`, "write it like 30s, 5m or 1h")
  return value
}

/** Names with commas between them. @throws DruidsyncError `usage` */
export function namesIn(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined
  const names = [
    ...new Set(
      text
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== ""),
    ),
  ]
  if (names.length === 0) throw usage("--only names no datasource")
  return names
}
