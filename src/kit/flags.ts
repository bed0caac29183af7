/** Flags that several commands share. */
import { choice, type Flags, text, toggle } from "./flag.ts"
import { duration, names, path } from "./values.ts"

/** What `init` writes and the others read where `--config` is not given, in the current directory. */
export const USUAL_CONFIG = "druidsync.json"

export const configArg = {
  config: text("FILE", "configuration file (JSON)", { alias: "c", default: USUAL_CONFIG }),
} satisfies Flags

export const outArg = {
  out: text("FILE", "the DuckDB file", { alias: "o", required: true, parse: path }),
} satisfies Flags

export const jsonArg = { json: toggle("print one JSON document to stdout") } satisfies Flags

export const talkArgs = {
  quiet: toggle("say nothing unless something is wrong", { alias: "q" }),
  verbose: toggle("report each step in detail", { alias: "v" }),
} satisfies Flags

/** How the lines on stderr look: for people, or for programs that collect logs. */
const LOG_FORMATS = ["text", "json"] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

export const logFormatArg = {
  "log-format": choice(LOG_FORMATS, "stderr for people, or one JSON object a line", { default: "text" }),
} satisfies Flags

export const lockWaitArg = {
  "lock-wait": text("TIME", "how long to wait while another program has the file open", {
    default: "60s",
    parse: duration,
  }),
} satisfies Flags

export const onlyArg = {
  only: text("NAMES", "only these datasources or tables of the config (comma-separated)", { parse: names }),
} satisfies Flags

/** Which share of a lake. */
export const partArg = {
  part: text("NAME", "the share of the lake that this file holds (default: data)"),
} satisfies Flags

/** Datasources of the file, not of a config. */
export const onlyHeldArg = {
  only: text("NAMES", "only these datasources or tables of the file (comma-separated)", { parse: names }),
} satisfies Flags
