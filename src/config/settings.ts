/**
 * What the rest of the program knows of the configuration: plain data, complete (every default filled in), with
 * units in the names. Nothing here is read again from the file or the environment.
 */

import type { Shard } from "../base/shard.ts"
import type { Secret } from "./secret.ts"

/** How to authenticate; undefined in `DruidSettings` where the source asks for nothing. */
export type Auth =
  | { readonly kind: "basic"; readonly username: string; readonly password: Secret }
  | { readonly kind: "bearer"; readonly token: Secret }

/** TLS beyond the defaults. The values are PEM text, not paths. */
export interface TlsSettings {
  /** authorities to trust instead of the built-in ones */
  readonly ca: string | undefined
  /** client certificate (chain); present if and only if `key` is */
  readonly cert: string | undefined
  readonly key: Secret | undefined
  readonly passphrase: Secret | undefined
  /** name to ask for (SNI) and to check the server's certificate against */
  readonly serverName: string | undefined
}

/** Value that a Druid query context takes here. */
export type ContextValue = string | number | boolean

/** How to reach and to ask Druid. */
export interface DruidSettings {
  readonly protocol: "http" | "https"
  /** ASCII, lower case; IPv6 addresses without brackets */
  readonly host: string
  readonly port: number
  /** "" or a path that starts with a slash and does not end with one */
  readonly basePath: string
  /** `protocol://host:port` and the base path, without a slash at the end; holds no credential */
  readonly url: string
  readonly auth: Auth | undefined
  readonly tls: TlsSettings
  /** extra query context; never one of the keys that druidsync sets itself */
  readonly context: Readonly<Record<string, ContextValue>>
  readonly priority: number
  /** Druid's own limit for a query, sent as `context.timeout` */
  readonly queryTimeoutMs: number
  /** until the connection stands, TLS included */
  readonly connectTimeoutMs: number
  /** from the request to the first byte of its response */
  readonly requestTimeoutMs: number
  /** between two pieces of a response */
  readonly idleTimeoutMs: number
  /** "auto": ask for gzip except over loopback */
  readonly gzip: "auto" | boolean
}

/** Which columns of a datasource to copy. `__time` always belongs to them. */
export interface ColumnChoice {
  /** only these, `__time` among them; undefined: all there are */
  readonly include: readonly string[] | undefined
  /** all but these; never `__time` */
  readonly exclude: readonly string[]
}

/** One datasource and the table that it becomes. */
export interface DatasourceSettings {
  readonly name: string
  /** unique in the file as DuckDB compares names; needs quoting */
  readonly table: string
  readonly columns: ColumnChoice
  /** a Druid SQL condition, as written */
  readonly filter: string | undefined
  /** rows before it are not copied; UTC milliseconds */
  readonly sinceMs: bigint | undefined
  /** what happens to rows whose segments Druid dropped */
  readonly deletions: "keep" | "mirror"
  /** whether rows that are not handed off yet are copied (as provisional) */
  readonly realtime: "include" | "exclude"
  /** how multi-value strings are stored: `VARCHAR[]` or JSON text */
  readonly multiValue: "list" | "json"
  /** adds a column `_row_hash` */
  readonly rowHash: boolean
  /** how far back to compare where Druid refuses `sys.segments` */
  readonly lookbackMs: number
  /** only the rows of this share's days; set by `--shard`, never by the file. undefined: all rows */
  readonly shard?: Shard | undefined
}

/** How a pull uses this machine. */
export interface PullSettings {
  /** requests for rows at the same time, at most */
  readonly concurrency: number
  /** with how many a pull begins, before it has settled on as many as help */
  readonly startConcurrency: number
  /** rows that a slice aims at */
  readonly sliceRows: number
  /** absolute folder for response bodies; undefined: chosen by the caller, near the DuckDB file */
  readonly spoolDir: string | undefined
  readonly spoolLimitBytes: number
  /** DuckDB's `memory_limit` */
  readonly memoryLimitBytes: number
}

/** How a pull that nobody watches behaves, and whom it tells. */
export interface JobSettings {
  /** absolute path of the copy that readers may keep open */
  readonly publish: string | undefined
  /** absolute path of the file for Prometheus' textfile collector */
  readonly metrics: string | undefined
  /** an http or https address, without a fragment; its path is what lets in */
  readonly ping: Secret | undefined
  /** no new slice is begun after it */
  readonly maxDurationMs: number | undefined
  /** newest runs that `_sync_runs` keeps */
  readonly historyRuns: number
}

/** The whole configuration, resolved. */
export interface Settings {
  /** the file it came from, as the user named it */
  readonly configPath: string
  readonly druid: DruidSettings
  /** at least one, in the order of the config */
  readonly datasources: readonly DatasourceSettings[]
  readonly pull: PullSettings
  readonly job: JobSettings
  /** things that work but deserve a word, each one line with what to do */
  readonly warnings: readonly string[]
}
