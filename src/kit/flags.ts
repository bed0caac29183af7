/** Flags that several commands share. */

import type { Flags } from "./flag.ts"
import { LOG_FORMATS } from "./log-formats.ts"
import { duration, names, path } from "./values.ts"

/** What `init` writes and the others read where `--config` is not given, in the current directory. */
export const USUAL_CONFIG = "druidsync.json"

export const configArg = {
  config: {
    type: "string",
    alias: "c",
    default: USUAL_CONFIG,
    valueHint: "FILE",
    description: "configuration file (JSON)",
  },
} as const satisfies Flags

export const outArg = {
  out: {
    type: "string",
    alias: "o",
    required: true,
    valueHint: "FILE",
    parse: path,
    description: "the DuckDB file",
  },
} as const satisfies Flags

export const jsonArg = {
  json: { type: "boolean", default: false, description: "print one JSON document to stdout" },
} as const satisfies Flags

export const talkArgs = {
  quiet: {
    type: "boolean",
    alias: "q",
    default: false,
    description: "say nothing unless something is wrong",
  },
  verbose: { type: "boolean", alias: "v", default: false, description: "report each step in detail" },
} as const satisfies Flags

export const logFormatArg = {
  "log-format": {
    type: "enum",
    options: [...LOG_FORMATS],
    default: "text",
    description: "stderr for people, or one JSON object a line",
  },
} as const satisfies Flags

export const lockWaitArg = {
  "lock-wait": {
    type: "string",
    default: "60s",
    valueHint: "TIME",
    parse: duration,
    description: "how long to wait while another program has the file open",
  },
} as const satisfies Flags

export const onlyArg = {
  only: {
    type: "string",
    valueHint: "NAMES",
    parse: names,
    description: "only these datasources of the config (comma-separated)",
  },
} as const satisfies Flags

/** Which share of a lake. */
export const partArg = {
  part: {
    type: "string",
    valueHint: "NAME",
    description: "the share of the lake that this file holds (default: data)",
  },
} as const satisfies Flags

/** Datasources of the file, not of a config. */
export const onlyHeldArg = {
  only: {
    type: "string",
    valueHint: "NAMES",
    parse: names,
    description: "only these datasources of the file (comma-separated)",
  },
} as const satisfies Flags
