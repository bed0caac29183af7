/**
 * The one description of each key of the configuration: what it means, what it accepts, what holds where it is left out,
 * whether a flag stands for it. The program's settings, the flags, docs/configuration.md and the JSON Schema are made from it.
 */

import * as v from "valibot"
import { EVERY } from "../base/buckets.ts"
import {
  address,
  basePath,
  columnsBy,
  condition,
  counted,
  duration,
  expression,
  flag,
  host,
  instant,
  integer,
  keeping,
  name,
  oneOf,
  path,
  record,
  size,
  timeout,
  words,
} from "./leaves.ts"

/** Words for what a secret key accepts. */
export const SECRET_ACCEPTED =
  'a text, { "env": "NAME" }, { "file": "path" } or { "command": ["program", "argument"] }'

const TOKEN_ACCEPTED = `${SECRET_ACCEPTED}, or { "oauth2": { … } }`
const PROXY_ACCEPTED = `false, ${SECRET_ACCEPTED}`
/** Words for what `headers` accepts. */
export const HEADERS_ACCEPTED = 'an object such as { "X-Api-Key": { "env": "API_KEY" } }'
const DATASOURCES_ACCEPTED =
  'names and patterns with commas between them, or an array of them and of objects like { "name": "wikipedia" }'
/** Words for what `columns` accepts. */
export const COLUMNS_ACCEPTED =
  'an array of column names, or { "include": […], "exclude": […], "add": { … }, "hash": […] }'
const CONTEXT_ACCEPTED = "a text, a number that JavaScript holds exactly, true or false"

function optional<const S extends v.GenericSchema>(schema: S, meaning: string) {
  return v.optional(v.pipe(schema, v.description(meaning)))
}

function withDefault<const S extends v.GenericSchema, const D extends v.InferInput<S>>(
  schema: S,
  fallback: D,
  meaning: string,
) {
  return v.optional(v.pipe(schema, v.description(meaning)), fallback)
}

/** Marks a key with the words for its default, which depends on other keys. */
function usually<const S extends v.GenericSchema>(usual: string, schema: S) {
  return { ...schema, usual }
}

/** Gives the commands a flag for the key, named like it in kebab case; `value` stands for its value in the help. */
function flagged<const S extends v.GenericSchema, const F extends string>(value: F, schema: S) {
  return { ...schema, flag: value }
}

/** Gives the commands a flag without a value for the key: where it is given, the key is true. */
function switched<const S extends v.GenericSchema>(schema: S) {
  return { ...schema, flag: true as const }
}

const envName = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/))

/** Marks a key whose values are never shown, because they are secrets or often are (some services put an API key into a user name). */
function hidden<const S extends v.GenericSchema>(hides: "secret" | "often a secret", schema: S) {
  return { ...schema, hides }
}

/** Where a secret comes from: itself, or a reference. */
export const secret = hidden(
  "secret",
  v.union(
    [
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
    ],
    SECRET_ACCEPTED,
  ),
)

/** A secret as the file has it. */
export type SecretSource = v.InferOutput<typeof secret>

/** Keys of `tls`. */
export const tlsEntries = {
  ca: optional(path("PEM file"), "PEM file of certificate authorities to trust, instead of the system's"),
  cert: optional(path("PEM file"), "PEM file of the client certificate, with its chain; needs key"),
  key: optional(path("PEM file"), "PEM file of the client certificate's private key; needs cert"),
  passphrase: optional(secret, "passphrase of key; may be a reference"),
  serverName: optional(
    words("a host name"),
    "name to check the server's certificate against, where it is not host",
  ),
}

/** Keys of `token.oauth2`. */
export const oauth2Entries = {
  tokenUrl: v.pipe(
    address('an address such as "https://login.example.com/oauth2/token"'),
    v.description("address of the token server"),
  ),
  clientId: v.pipe(words("a text without control characters"), v.description("the client's name there")),
  clientSecret: v.pipe(secret, v.description("the client's secret; may be a reference")),
  scope: optional(words("words with spaces between them"), "what to ask for, where the server wants it said"),
}

const token = hidden(
  "secret",
  v.union([secret, v.strictObject({ oauth2: v.strictObject(oauth2Entries) })], TOKEN_ACCEPTED),
)

const columnName = name("a column name")
/** `columns` as a list of what to include. */
export const columnNames = v.pipe(
  v.array(columnName, "an array of column names"),
  v.minLength(1, "at least one column name"),
)

/** Keys of `columns` in its object form. */
export const columnsEntries = {
  include: optional(columnNames, "copy only these (and __time, always)"),
  exclude: optional(v.array(columnName, "an array of column names"), "copy all but these"),
  add: optional(
    columnsBy(
      expression('an expression in Druid SQL, such as "UPPER(\\"cityName\\")"'),
      'an object of names and expressions, such as { "city": "UPPER(\\"cityName\\")" }',
    ),
    "more columns, each computed by Druid from an expression in its SQL",
  ),
  hash: optional(
    columnNames,
    "of these columns keep only the SHA-256 of hashSalt and the value; plain values never reach the file",
  ),
}

/** Words for what an element of `by` accepts. */
const BY_ACCEPTED = 'a column name, or an object such as { "city": "UPPER(\\"cityName\\")" }'
const groupBy = v.union(
  [columnName, v.pipe(columnsBy(expression(BY_ACCEPTED), BY_ACCEPTED), v.minEntries(1, BY_ACCEPTED))],
  BY_ACCEPTED,
)

/** Keys of `aggregate`. */
export const aggregateEntries = {
  every: v.pipe(oneOf(...EVERY), v.description("how much time a group covers (UTC; weeks begin on Monday)")),
  by: optional(
    v.array(groupBy, "an array of column names and expressions"),
    "columns, and expressions in Druid's SQL with their names, that tell groups apart",
  ),
  measures: optional(
    columnsBy(
      expression('an aggregation in Druid SQL, such as "SUM(\\"added\\")"'),
      'an object of names and aggregations, such as { "added": "SUM(\\"added\\")" }',
    ),
    "what is kept of each group, beside the number of its rows (_rows)",
  ),
}

/** Keys for all datasources, each of which may have its own. */
export const sharedEntries = {
  deletions: withDefault(
    oneOf("keep", "mirror"),
    "keep",
    "rows whose segments Druid dropped: keep them, or mirror the drop",
  ),
  keep: withDefault(
    keeping(),
    "all",
    "keep only the days of this length of time before now: older ones are not copied, and deleted here when they pass out of it",
  ),
  realtime: withDefault(
    oneOf("include", "exclude"),
    "include",
    "rows of segments that are not handed off yet: include or exclude them",
  ),
  multiValue: withDefault(
    oneOf("list", "json"),
    "list",
    "multi-value strings: as list (VARCHAR[]) or as json text",
  ),
  rows: withDefault(
    oneOf("all", "visible"),
    "all",
    "all rows that the segments have, by Druid's metadata; or those that this user may see (row policies), by Druid's counts alone",
  ),
  rowHash: withDefault(flag(), false, "add a column _row_hash, the hash of all values of a row"),
  lookback: withDefault(
    duration(0, Number.MAX_SAFE_INTEGER, ""),
    "3d",
    "how far back to compare where Druid refuses sys.segments",
  ),
}

/** The same keys for one datasource. They have no default, since the key for all datasources is the default. */
function ofOne<E extends Record<string, v.OptionalSchema<v.GenericSchema, unknown>>>(entries: E) {
  const own = Object.entries(entries).map(([key, { wrapped }]) => [
    key,
    optional(wrapped, "see the top-level key; overrides it"),
  ])
  return Object.fromEntries(own) as { [K in keyof E]: v.OptionalSchema<E[K]["wrapped"], undefined> }
}

/** Keys of an object in `datasources`. */
export const datasourceEntries = {
  name: v.pipe(
    words("the datasource's name in Druid, without control characters, or a pattern of names"),
    v.description("the datasource's name in Druid, or a pattern: * is any text, ? any character"),
  ),
  table: usually(
    "name, with _ for all but letters, digits and _",
    optional(name("a table name"), "table in DuckDB"),
  ),
  columns: optional(
    v.union([columnNames, v.strictObject(columnsEntries)], COLUMNS_ACCEPTED),
    "which columns to copy",
  ),
  filter: optional(
    condition("a Druid SQL condition, such as \"channel\" = '#en'"),
    "copy only rows that meet it",
  ),
  aggregate: optional(
    v.strictObject(aggregateEntries, "an object"),
    "keep groups of rows, made by Druid, in place of the rows",
  ),
  since: optional(instant(), "copy only rows from here on (UTC)"),
  ...ofOne(sharedEntries),
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
const username = hidden(
  "often a secret",
  v.pipe(v.string(USERNAME_ACCEPTED), v.regex(/^[^:\p{Cc}\p{Cs}]*$/u, USERNAME_ACCEPTED)),
)

/** Where Druid is. */
export const addressEntries = {
  host: v.pipe(
    host(),
    v.description("host name or address of a Druid router or broker, without protocol and port"),
  ),
  port: usually(
    "8888 with http, 9088 with https",
    optional(integer(1, 65_535, 8888), "a router's or a broker's port"),
  ),
  protocol: usually(
    "http for a loopback host, else https",
    optional(
      oneOf("https", "http"),
      "unencrypted http is used only if you ask for it, or for a loopback host",
    ),
  ),
  basePath: withDefault(basePath(), "", "path before /druid/v2/sql, where Druid is behind a proxy"),
}

const LOOKUPS_ACCEPTED = '"*", or an array of lookup names such as ["country_names"]'

/** Which of Druid's lookups to copy. */
export const lookupEntries = {
  lookups: optional(
    v.union(
      [
        v.literal("*"),
        v.pipe(
          v.array(words("a lookup's name in Druid, without control characters"), LOOKUPS_ACCEPTED),
          v.minLength(1, LOOKUPS_ACCEPTED),
        ),
      ],
      LOOKUPS_ACCEPTED,
    ),
    'lookups to copy, each whole into a table lookup_NAME with columns k and v; "*": all that Druid\'s SQL lists',
  ),
}

const datasources = v.pipe(
  v.union(
    [
      v.pipe(v.string(), v.nonEmpty()),
      v.pipe(v.array(v.union([datasourceName, v.strictObject(datasourceEntries)])), v.minLength(1)),
    ],
    DATASOURCES_ACCEPTED,
  ),
  v.description("which datasources to copy; a pattern such as !tmp_* leaves out"),
)

/** Credentials, certificates, and what else is secret. */
export const accessEntries = {
  username: optional(username, "for Basic authentication"),
  password: optional(secret, "for Basic authentication; may be a reference"),
  token: optional(
    token,
    "for Bearer authentication; may be a reference, or come from a token server; not with username",
  ),
  headers: optional(
    record(v.string(), secret, HEADERS_ACCEPTED),
    "more headers for each request to Druid; their values may be references",
  ),
  tls: optional(v.strictObject(tlsEntries, "an object"), "certificates, beyond the system's"),
  proxy: usually(
    "HTTPS_PROXY or HTTP_PROXY, but for what NO_PROXY names",
    optional(
      hidden("secret", v.union([v.literal(false), secret], PROXY_ACCEPTED)),
      "address of a proxy (http or https), with its login; may be a reference; false: none. Never for a loopback host",
    ),
  ),
  hashSalt: optional(
    secret,
    "what columns.hash puts before each value; may be a reference. With another one all rows come again",
  ),
}

/** How to query Druid. */
export const queryEntries = {
  context: withDefault(
    record(v.string(), contextValue, "an object of texts, numbers and booleans"),
    {},
    "extra query context for Druid",
  ),
  priority: withDefault(
    integer(-2_147_483_648, 2_147_483_647, -10),
    -10,
    "query priority; Druid's default is 0",
  ),
  queryTimeout: withDefault(timeout(), "5m", "Druid's own limit for a query (context.timeout)"),
  connectTimeout: withDefault(timeout(), "10s", "longest time to connect, TLS included"),
  requestTimeout: withDefault(
    timeout(),
    "30s",
    "longest time from a request to the first byte of its response",
  ),
  idleTimeout: withDefault(timeout(), "30s", "longest pause within a response"),
  gzip: withDefault(
    v.union([v.literal("auto"), v.boolean()], '"auto", true or false'),
    "auto",
    "compressed responses; auto: not over loopback",
  ),
  direct: switched(
    withDefault(
      flag(),
      false,
      "fetch segments from the data nodes that Druid names, past the broker: your credentials go to them, too",
    ),
  ),
}

/** How a pull uses this machine. */
export const pullEntries = {
  concurrency: usually(
    "8, begun with 4 (a loopback host: no more than its processors)",
    flagged(
      "N",
      optional(
        integer(1, 64, 4),
        "most requests for rows at the same time; a pull settles on as many as help",
      ),
    ),
  ),
  sliceRows: withDefault(
    integer(1, 1_000_000_000, 125_000),
    125_000,
    "about how many rows to fetch and commit at once; fewer if they make more than 64 MB or a fourth of spoolLimit",
  ),
  spoolDir: usually(
    "near the output",
    flagged("DIR", optional(path("folder"), "folder where responses wait until they are loaded")),
  ),
  spoolLimit: withDefault(size(1e6, "1MB"), "1GB", "most bytes in spoolDir at any time"),
  memoryLimit: usually(
    "400MB; 1.5 MB a column where a table has more than 266",
    flagged("SIZE", optional(size(64e6, "64MB"), "DuckDB's memory limit, such as 300MB")),
  ),
}

/** How an unattended pull behaves, and whom it tells. */
export const jobEntries = {
  publish: flagged(
    "FILE",
    optional(
      path("file"),
      "where readers find a copy of the DuckDB file, replaced whole after each pull that changed it",
    ),
  ),
  metrics: flagged(
    "FILE",
    optional(path("file"), "file for Prometheus' textfile collector, written by each pull"),
  ),
  ping: flagged(
    "URL",
    optional(secret, "report each pull to this address of a dead-man's switch (healthchecks.io)"),
  ),
  maxDuration: flagged(
    "TIME",
    optional(timeout(), "begin no new slice after this time; the next pull goes on"),
  ),
  history: withDefault(
    counted("Runs", integer(1, 1_000_000, 10_000)),
    10_000,
    "newest runs to keep in _sync_runs; older ones are removed",
  ),
}

/** Every top-level key. */
export const configEntries = {
  $schema: v.optional(v.pipe(v.unknown(), v.description("for editors; ignored"))),
  ...addressEntries,
  datasources,
  ...lookupEntries,
  ...accessEntries,
  ...queryEntries,
  ...pullEntries,
  ...sharedEntries,
  ...jobEntries,
}

/** The configuration file as a whole. */
export const configSchema = v.strictObject(configEntries)
