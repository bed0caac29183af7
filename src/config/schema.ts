/**
 * Every key of the configuration: what it means, what it accepts, what it is when left out. Declarative, so that
 * the reference and the JSON Schema can be made from it. Input types are the file's, output types the program's.
 */

import * as v from "valibot"
import {
  basePath,
  condition,
  duration,
  flag,
  host,
  instant,
  integer,
  name,
  oneOf,
  size,
  timeout,
  words,
} from "./leaves.ts"

/** Words for what a secret key accepts. */
export const SECRET_ACCEPTED =
  'a text, { "env": "NAME" }, { "file": "path" } or { "command": ["program", "argument"] }'

const DATASOURCES_ACCEPTED =
  'names with commas between them, or an array of names and of objects like { "name": "wikipedia" }'
/** Words for what `columns` accepts. */
export const COLUMNS_ACCEPTED = 'an array of column names, or { "include": […], "exclude": […] }'
const CONTEXT_ACCEPTED = "a text, a number that JavaScript holds exactly, true or false"

function optional<const S extends v.GenericSchema>(schema: S, description: string) {
  return v.optional(v.pipe(schema, v.description(description)))
}

function withDefault<const S extends v.GenericSchema, const D extends v.InferInput<S>>(
  schema: S,
  fallback: D,
  description: string,
) {
  return v.optional(v.pipe(schema, v.description(description)), fallback)
}

const envName = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/))

/** Where a secret comes from: itself, or a reference. */
export const secretSchema = v.union([
  v.string(),
  v.strictObject({ env: envName }),
  v.strictObject({ file: words("") }),
  v.strictObject({
    command: v.pipe(
      v.array(v.string()),
      v.minLength(1),
      v.check(([program]) => program !== ""),
    ),
  }),
])

/** A secret as the file has it. */
export type SecretSource = v.InferOutput<typeof secretSchema>

/** Keys of `tls`. */
export const tlsEntries = {
  ca: optional(
    words("a path to a PEM file"),
    "PEM file of certificate authorities to trust, instead of the system's",
  ),
  cert: optional(
    words("a path to a PEM file"),
    "PEM file of the client certificate, with its chain; needs key",
  ),
  key: optional(
    words("a path to a PEM file"),
    "PEM file of the client certificate's private key; needs cert",
  ),
  passphrase: optional(secretSchema, "passphrase of key: itself or a reference"),
  serverName: optional(
    words("a host name"),
    "name to check the server's certificate against, where it is not host",
  ),
}

const columnName = name("a column name")
/** `columns` as a list of what to include. */
export const columnNames = v.pipe(
  v.array(columnName, COLUMNS_ACCEPTED),
  v.minLength(1, "at least one column name"),
)

/** Keys of `columns` in its object form. */
export const columnsEntries = {
  include: optional(columnNames, "copy only these (and __time, always)"),
  exclude: optional(v.array(columnName, COLUMNS_ACCEPTED), "copy all but these"),
}

const deletions = oneOf("keep", "mirror")
const realtime = oneOf("include", "exclude")
const multiValue = oneOf("list", "json")
const lookback = () => duration(0, Number.MAX_SAFE_INTEGER, "")

/** Keys of an object in `datasources`. */
export const datasourceEntries = {
  name: v.pipe(
    words("the datasource's name in Druid, without control characters"),
    v.description("the datasource's name in Druid"),
  ),
  table: optional(
    name("a table name"),
    "table in DuckDB; default: name, with _ for all but letters, digits and _",
  ),
  columns: optional(
    v.union([columnNames, v.strictObject(columnsEntries)], COLUMNS_ACCEPTED),
    "which columns to copy: an array of names, or include and exclude",
  ),
  filter: optional(
    condition("a Druid SQL condition, such as \"channel\" = '#en'"),
    "copy only rows that meet it",
  ),
  since: optional(instant(), "copy only rows from here on (UTC)"),
  deletions: optional(deletions, "see the top-level key; overrides it"),
  realtime: optional(realtime, "see the top-level key; overrides it"),
  multiValue: optional(multiValue, "see the top-level key; overrides it"),
  rowHash: optional(flag(), "see the top-level key; overrides it"),
  lookback: optional(lookback(), "see the top-level key; overrides it"),
}

/** An element of `datasources` that is a name alone. */
export const datasourceName = datasourceEntries.name

const contextValue = v.union(
  [
    v.string(),
    v.boolean(),
    v.pipe(
      v.number(),
      v.finite(CONTEXT_ACCEPTED),
      v.check((n) => !Number.isInteger(n) || Number.isSafeInteger(n), CONTEXT_ACCEPTED),
    ),
  ],
  CONTEXT_ACCEPTED,
)

const USERNAME_ACCEPTED = "a text without colons and control characters"
const username = v.pipe(v.string(USERNAME_ACCEPTED), v.regex(/^[^:\p{Cc}\p{Cs}]*$/u, USERNAME_ACCEPTED))

/** Every top-level key. */
export const configEntries = {
  $schema: v.optional(v.pipe(v.unknown(), v.description("for editors; ignored"))),
  host: v.pipe(
    host(),
    v.description("host name or address of a Druid router or broker, without protocol and port"),
  ),
  port: optional(integer(1, 65_535, 8888), "default: 8888 with http, 9088 with https (a router's)"),
  protocol: optional(oneOf("https", "http"), "default: http for a loopback host, else https"),
  basePath: withDefault(basePath(), "", "path before /druid/v2/sql, where Druid is behind a proxy"),
  datasources: v.pipe(
    v.union(
      [
        v.pipe(v.string(), v.nonEmpty()),
        v.pipe(v.array(v.union([datasourceName, v.strictObject(datasourceEntries)])), v.minLength(1)),
      ],
      DATASOURCES_ACCEPTED,
    ),
    v.description("what to copy: names with commas between them, or an array of names and objects"),
  ),
  username: optional(username, "for Basic authentication"),
  password: optional(secretSchema, "for Basic authentication: itself or a reference"),
  token: optional(secretSchema, "for Bearer authentication: itself or a reference; not with username"),
  tls: optional(v.strictObject(tlsEntries, "an object"), "certificates, beyond the system's"),
  context: withDefault(
    v.record(v.string(), contextValue, "an object of texts, numbers and booleans"),
    {},
    "extra query context for Druid",
  ),
  priority: withDefault(
    integer(-2_147_483_648, 2_147_483_647, -10),
    -10,
    "query priority; Druid's default is 0",
  ),
  queryTimeout: withDefault(timeout(), "5m", "Druid's own limit for a query (context.timeout)"),
  connectTimeout: withDefault(timeout(), "10s", "limit for a connection to stand, TLS included"),
  requestTimeout: withDefault(timeout(), "30s", "limit from a request to the first byte of its response"),
  idleTimeout: withDefault(timeout(), "30s", "limit between two pieces of a response"),
  gzip: withDefault(
    v.union([v.literal("auto"), v.boolean()], '"auto", true or false'),
    "auto",
    "compressed responses; auto: not over loopback",
  ),
  concurrency: optional(
    integer(1, 64, 4),
    "requests for rows at the same time, at most: a pull settles on as many as help; default: 8, begun with 4 (a loopback host: no more than its processors)",
  ),
  sliceRows: withDefault(
    integer(1, 1_000_000_000, 125_000),
    125_000,
    "rows to fetch and commit as a unit, about; fewer where they make more than 64 MB or a fourth of spoolLimit",
  ),
  spoolDir: optional(
    words("a path to a folder"),
    "folder for responses until they are loaded; default: near the output",
  ),
  spoolLimit: withDefault(size(1e6, "1MB"), "1GB", "most bytes in spoolDir at any time"),
  memoryLimit: withDefault(size(64e6, "64MB"), "400MB", "memory that DuckDB may use"),
  deletions: withDefault(
    deletions,
    "keep",
    "rows whose segments Druid dropped: keep them, or mirror the drop",
  ),
  realtime: withDefault(
    realtime,
    "include",
    "rows of segments that are not handed off yet: include or exclude them",
  ),
  multiValue: withDefault(multiValue, "list", "multi-value strings: as list (VARCHAR[]) or as json text"),
  rowHash: withDefault(flag(), false, "add a column _row_hash, the hash of all values of a row"),
  lookback: withDefault(lookback(), "3d", "how far back to compare where Druid refuses sys.segments"),
  publish: optional(
    words("a path to a file"),
    "where to put a copy of the DuckDB file after each pull that changed it",
  ),
  metrics: optional(
    words("a path to a file"),
    "file for Prometheus' textfile collector, written by each pull",
  ),
  ping: optional(secretSchema, "address to ask for when a pull starts and ends: itself or a reference"),
  maxDuration: optional(timeout(), "begin no new slice after this time, and end the pull tidily"),
  history: withDefault(
    integer(1, 1_000_000, 10_000),
    10_000,
    "newest runs to keep in _sync_runs; older ones are removed",
  ),
}

/** The configuration file as a whole. */
export const configSchema = v.strictObject(configEntries)
