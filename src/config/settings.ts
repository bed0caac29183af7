/**
 * What the rest of the program knows of the configuration: plain data, complete (every default filled in). Each key is
 * described once, in schema.ts; this file has only what the program makes of several keys. Nothing is read again from the
 * file or the environment.
 */

import type * as v from "valibot"
import type { Every } from "../base/buckets.ts"
import type { Shard } from "../base/shard.ts"
import { markOf } from "./leaves.ts"
import type { Proxies } from "./proxy.ts"
import type {
  addressEntries,
  datasourceEntries,
  jobEntries,
  pullEntries,
  queryEntries,
  sharedEntries,
} from "./schema.ts"
import type { Secret } from "./secret.ts"

/** The unit that a key is counted in, or "". */
type UnitOf<S> = S extends { readonly unit: infer U extends string }
  ? U
  : S extends { readonly wrapped: infer W }
    ? UnitOf<W>
    : ""

/** Keys of the file under the program's names: what is counted in a unit ends in it (`maxDurationMs`). */
export type Named<E extends v.ObjectEntries> = {
  readonly [K in keyof E & string as `${K}${UnitOf<E[K]>}`]: v.InferOutput<E[K]>
}

/** `entries` under the program's names. Values that are not there become undefined. */
export function named<E extends v.ObjectEntries>(
  entries: E,
  values: { readonly [K in keyof E]?: v.InferOutput<E[K]> | undefined },
): Named<E> {
  const pairs = Object.entries(entries).map(([key, schema]) => [
    `${key}${markOf(schema, "unit") ?? ""}`,
    values[key],
  ])
  return Object.fromEntries(pairs) as Named<E>
}

/** How to authenticate. */
export type Auth =
  | { readonly kind: "basic"; readonly username: string; readonly password: Secret }
  | { readonly kind: "bearer"; readonly token: Secret }
  | {
      readonly kind: "oauth2"
      readonly tokenUrl: string
      readonly clientId: string
      readonly clientSecret: Secret
      readonly scope: string | undefined
    }

/** What lets in. */
export interface Access {
  /** undefined: Druid asks for nothing */
  readonly auth: Auth | undefined
  /** more headers of each request, by their names in lower case */
  readonly headers: Readonly<Record<string, Secret>>
  /**
   * Fetches again what references give by now; undefined if nothing comes from a file or a program. Resolves with
   * undefined if it cannot be had.
   */
  readonly reread: (() => Promise<Access | undefined>) | undefined
}

/** TLS beyond the defaults. The values are PEM text, not paths. */
export interface TlsSettings {
  readonly ca: string | undefined
  /** present if and only if `key` is */
  readonly cert: string | undefined
  readonly key: Secret | undefined
  readonly passphrase: Secret | undefined
  /** also the name to ask for (SNI) */
  readonly serverName: string | undefined
}

/** How to reach and to ask Druid. The host is ASCII in lower case, IPv6 without brackets. */
export type DruidSettings = Omit<Named<typeof addressEntries>, "protocol" | "port"> &
  Named<typeof queryEntries> & {
    readonly protocol: "http" | "https"
    readonly port: number
    /** `protocol://host:port` and the base path, without a slash at the end; holds no credential */
    readonly url: string
    readonly access: Access
    readonly proxies: Proxies
    readonly tls: TlsSettings
  }

/** Which columns of a datasource to copy. `__time` always belongs to them. */
export interface ColumnChoice {
  /** only these, `__time` among them; undefined: all there are */
  readonly include: readonly string[] | undefined
  /** all but these; never `__time` */
  readonly exclude: readonly string[]
  /** computed columns: expressions in Druid's SQL by the columns' names. Left out: none */
  readonly add?: Readonly<Record<string, string>> | undefined
  /** of which only hashes are kept. Left out: none */
  readonly hash?: readonly string[] | undefined
  /** set where there is something to hash */
  readonly salt?: Secret | undefined
}

/** Which of Druid's columns a choice copies. */
export function chooser({ include, exclude }: ColumnChoice): (name: string) => boolean {
  const [included, left] = [include && new Set(include), new Set(exclude)]
  return (name) => (included?.has(name) ?? true) && !left.has(name)
}

/** Groups of rows that a table holds in place of rows. */
export interface Aggregate {
  readonly every: Every
  /** what tells groups of one bucket apart: Druid's columns, and those that an expression computes */
  readonly by: readonly { readonly name: string; readonly expression?: string }[]
  /** what is kept of each group */
  readonly measures: readonly { readonly name: string; readonly expression: string }[]
}

/** One table and the datasource that it is made of. */
export type DatasourceSettings = Pick<Named<typeof datasourceEntries>, "name" | "filter" | "sinceMs"> &
  Named<typeof sharedEntries> & {
    /** unique in the file as DuckDB compares names; needs quoting */
    readonly table: string
    /** the configuration makes other tables of the same datasource, too */
    readonly hasSiblings?: boolean | undefined
    /** it is not named itself: a pattern of the configuration matches it */
    readonly isMatched?: boolean | undefined
    readonly columns: ColumnChoice
    /** undefined: rows are copied */
    readonly aggregate?: Aggregate | undefined
    /** only the rows of this share's days; set by `--shard`, never by the file. undefined: all rows */
    readonly shard?: Shard | undefined
  }

/** Names of lookups, or all that Druid lists. */
export type Lookups = readonly string[] | "*"

/** A pattern of names, see `patterns.ts`. */
export interface Pattern {
  /** as it is written, without the `!` of one that leaves out */
  readonly text: string
  /** what those that match are copied with, but for name and table; undefined: they are left out */
  readonly settings: DatasourceSettings | undefined
}

/** How a pull uses this machine. Paths are absolute; without `spoolDir` the caller chooses one near the DuckDB file. */
export type PullSettings = Omit<Named<typeof pullEntries>, "concurrency"> & {
  /** requests for rows at the same time, at most */
  readonly concurrency: number
  /** with how many a pull begins, before it has settled on as many as help */
  readonly startConcurrency: number
}

/** How an unattended pull behaves, and whom it tells. Paths are absolute. */
export type JobSettings = Omit<Named<typeof jobEntries>, "ping"> & {
  /** an http or https address, without a fragment; its path is what lets in */
  readonly ping: Secret | undefined
}

/** The whole configuration, resolved. */
export interface Settings {
  /** the file it came from, as the user named it */
  readonly configPath: string
  readonly druid: DruidSettings
  /** what is named itself, in the order of the config */
  readonly datasources: readonly DatasourceSettings[]
  /** in the order of the config; where there is none, something is named */
  readonly patterns: readonly Pattern[]
  /** names of Druid's lookups to copy, or all of them; undefined: none */
  readonly lookups: Lookups | undefined
  readonly pull: PullSettings
  readonly job: JobSettings
  /** warnings about things that work: one line each, with what to do */
  readonly warnings: readonly string[]
}
