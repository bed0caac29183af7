/** From an address to a configuration: tries the address, lists the datasources, writes the file. Asks no questions. */
import { readFile, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { writeAside } from "../../base/aside.ts"
import { DruidsyncError, usage } from "../../base/errors.ts"
import { fold } from "../../base/names.ts"
import { whyOf } from "../../base/system.ts"
import { readSmallFile } from "../../config/files.ts"
import { configSchemaText, isConfigSchema, SCHEMA_FILE } from "../../config/json-schema.ts"
import { loadConfig } from "../../config/load.ts"
import { admits, escaped, isPattern, unescaped } from "../../config/patterns.ts"
import type { SecretSource } from "../../config/schema.ts"
import type { Lookups, Settings } from "../../config/settings.ts"
import { isOwnTable, tableName } from "../../config/table-name.ts"
import type { DruidClient } from "../../druid/client.ts"
import { askAnything } from "../../druid/overview.ts"
import { openClient, type Surroundings } from "../../kit/client.ts"
import { listDatasources } from "../../kit/cluster/datasources.ts"
import type { DatasourcesReport } from "../../kit/cluster/document.ts"
import type { CliContext } from "../../kit/context.ts"

/** How to reach Druid, and what to copy beside datasources, in the words of the configuration; what is undefined is left out. */
export interface Access {
  readonly host: string
  readonly port?: number | string | undefined
  readonly protocol?: string | undefined
  readonly basePath?: string | undefined
  readonly username?: string | undefined
  readonly password?: SecretSource | undefined
  readonly token?: SecretSource | undefined
  readonly tls?: { readonly ca: string } | undefined
  /** rows come from data nodes, past the broker. Default: false */
  readonly direct?: true | undefined
  readonly lookups?: Lookups | undefined
}

export interface SetupOptions extends Surroundings, Pick<CliContext, "env" | "signal"> {
  /** where the configuration will be: relative paths in it start there */
  readonly configPath: string
  readonly onRetry: (message: string) => void
}

/** The settings for an address, and what Druid has there. */
export interface Found {
  readonly settings: Settings
  readonly report: DatasourcesReport
}

/**
 * Asks the Druid at this address what it has.
 * @throws DruidsyncError `config` if the answers do not fit; `auth`, `forbidden`, `connect`, `tls`, … from Druid
 */
export async function explore(access: Access, options: SetupOptions): Promise<Found> {
  const settings = await readAnswers({ ...defined(access), datasources: ["-"] }, options)
  return asking(settings, options, async (client) => {
    await askAnything(client, options.signal)
    const report = await listDatasources(
      { ...options, client },
      settings.druid.url,
      { datasources: [] },
      false,
    )
    return { settings, report }
  })
}

/** Asks the Druid of these settings. @throws what `work` throws */
export async function asking<T>(
  settings: Settings,
  options: SetupOptions,
  work: (client: DruidClient) => Promise<T>,
): Promise<T> {
  const client = openClient(settings, options, {
    onRetry: ({ message }) => options.onRetry(message),
    // A pull will say it.
    onNotice: () => undefined,
  })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

/** The program's own reading of a configuration that is in no file yet. @throws DruidsyncError `config` */
function readAnswers(document: object, { configPath, env }: SetupOptions): Promise<Settings> {
  return loadConfig(configPath, {
    env,
    readFile: async (path) =>
      path === configPath ? new TextEncoder().encode(JSON.stringify(document)) : readSmallFile(path),
    fileMode: async () => undefined,
  })
}

/**
 * What the configuration says: where two would be one table, the later gets a table of its own.
 * @param texts names, escaped, and patterns
 * @param listed all names that there are: some may have to be named beside the pattern that matches them
 */
function datasourceEntries(
  texts: readonly string[],
  listed: readonly string[],
): (string | { name: string; table: string })[] {
  const patterns = texts.filter(isPattern)
  const wanted = texts.filter((text) => !isPattern(text)).map(unescaped)
  const entries = ownTables(listed.filter((name) => wanted.includes(name) || admits(patterns, name)))
  const named = entries.filter((entry) => typeof entry !== "string" || wanted.includes(unescaped(entry)))
  return [...named, ...patterns]
}

/** Each name, as an object where its table would not be its own. */
function ownTables(names: readonly string[]): (string | { name: string; table: string })[] {
  const taken = new Set(
    names.filter((name) => !isOwnTable(tableName(name))).map((name) => fold(tableName(name))),
  )
  const used = new Set<string>()
  return names.map((name) => {
    const table = tableName(name)
    if (!used.has(fold(table)) && !isOwnTable(table)) {
      used.add(fold(table))
      return escaped(name)
    }
    const base = isOwnTable(table) ? `druid${table}` : table
    let free = base
    for (let n = 2; used.has(fold(free)) || taken.has(fold(free)); n++) free = `${base}_${n}`
    used.add(fold(free))
    return { name: escaped(name), table: free }
  })
}

export interface Saved {
  readonly config: string
  /** the JSON Schema beside it; undefined if another file has its name */
  readonly schema: string | undefined
}

/**
 * Writes the configuration, which only its owner can read, and the JSON Schema that it refers to.
 * @param force replace a file that is there
 * @throws DruidsyncError `usage` if there is one, `config`, `file`
 */
export async function saveConfig(
  access: Access,
  texts: readonly string[],
  { settings, report }: Found,
  force: boolean,
  options: SetupOptions,
): Promise<Saved> {
  const { configPath } = options
  const schema = await saveSchema(join(dirname(configPath), SCHEMA_FILE))
  const { host, port: _, protocol: __, ...rest } = access
  const document = {
    ...(schema === undefined ? {} : { $schema: `./${SCHEMA_FILE}` }),
    host,
    // Written out, so that a reader need not know the defaults.
    port: settings.druid.port,
    protocol: settings.druid.protocol,
    ...defined(rest),
    datasources: datasourceEntries(
      texts,
      report.datasources.map(({ datasource }) => datasource),
    ),
  }
  await readAnswers(document, options)
  await writePrivate(configPath, `${JSON.stringify(document, undefined, 2)}\n`, force, options.newId())
  return { config: configPath, schema }
}

/** @throws DruidsyncError `usage` if the file is there */
export async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined) throw isThere(path)
}

function isThere(path: string): DruidsyncError {
  return usage(`${path} exists already`, "give another path with --config, or replace it with --force")
}

async function writePrivate(path: string, text: string, force: boolean, id: string): Promise<void> {
  const options = { aside: `${path}.${id}.part`, mode: 0o600, exclusive: !force }
  await writeAside(path, options, (write) => write(text)).catch((error) => {
    if (error.code === "EEXIST") throw isThere(path)
    throw new DruidsyncError("file", `${path} cannot be written: ${whyOf(error, "place")}`, {
      cause: error,
      hint: "give another path with --config",
    })
  })
}

/** @returns the path, or undefined if something else is there */
async function saveSchema(path: string): Promise<string | undefined> {
  const there = await readFile(path, "utf8").catch(() => undefined)
  const text = configSchemaText()
  if (there === text) return path
  if (there !== undefined && !isConfigSchema(there)) return undefined
  // Only editors use it. If it cannot be written, the configuration works without.
  return writeFile(path, text).then(
    () => path,
    () => undefined,
  )
}

function defined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Partial<T>
}
