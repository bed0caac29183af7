/**
 * From a configuration file to `Settings`, or to one error that lists everything that is wrong with it. Nothing
 * is asked of Druid, nothing is written. Programs for secrets run last, and only if all else is right.
 */

import { availableParallelism } from "node:os"
import process from "node:process"
import type * as v from "valibot"
import { accessOf, readAccessKeys, readTlsFiles, wantedFor } from "./access.ts"
import { readDatasources } from "./datasources.ts"
import { readEntries, readInner, refuseUnknownKeys } from "./entries.ts"
import { readObject } from "./file.ts"
import { fileMode, readSmallFile } from "./files.ts"
import { isLoopback, startConcurrency, USUAL_CONCURRENCY, urlHost } from "./host.ts"
import { isObject, type RawObject } from "./json.ts"
import { markOf } from "./leaves.ts"
import { refuseLookupClashes } from "./lookups.ts"
import { Problems } from "./problems.ts"
import { proxiesOf } from "./proxy.ts"
import {
  refuseBadPing,
  refuseBadProxy,
  refuseHalfTls,
  refuseMixedAuth,
  refuseReservedContext,
} from "./refusals.ts"
import {
  addressEntries,
  configEntries,
  type configSchema,
  datasourceEntries,
  jobEntries,
  pullEntries,
  queryEntries,
  tlsEntries,
} from "./schema.ts"
import { isCommand, Secrets } from "./secrets.ts"
import { type DatasourceSettings, type DruidSettings, named, type Settings } from "./settings.ts"
import { folderOf, MOST_COMMAND_MS, pathFrom, runCommand, type Surroundings } from "./surroundings.ts"
import { warningsFor } from "./warnings.ts"

/** Top-level values from flags, in the form that the file has them; undefined ones count as not given. */
export type Overrides = Readonly<{ [K in keyof typeof configEntries]?: unknown }>

/** What may stand in for the process in tests, and flags. */
export interface LoadOptions extends Partial<Omit<Surroundings, "folder">> {
  /** win over the file; problems with them are named as flags (`--memory-limit`) */
  readonly overrides?: Overrides
  /** of this machine; default: as many as it has */
  readonly processors?: number
}

/** Read by hand below, since they have an inside of their own. */
const COMPOSITE = ["datasources", "tls", "token", "headers"]
/** Keys of an inner object that people write at the top. */
const ELSEWHERE = {
  ...placed(tlsEntries, '"tls"'),
  ...placed(datasourceEntries, 'an object in "datasources"'),
}
/** A router's, Druid's default. */
const PORTS = { http: 8888, https: 9088 }

/**
 * Loads the configuration at `configPath`.
 *
 * @throws DruidsyncError `config` (exit code 2): the file cannot be read, is not JSON, or has problems; its
 * message has a line for each problem and never the value of a secret.
 */
export async function loadConfig(configPath: string, options: LoadOptions = {}): Promise<Settings> {
  const machine = {
    env: options.env ?? process.env,
    readFile: options.readFile ?? readSmallFile,
    fileMode: options.fileMode ?? fileMode,
    runCommand: options.runCommand ?? runCommand,
    folder: folderOf(configPath),
  }
  const file = await readObject(configPath, machine.readFile)
  const overrides = Object.fromEntries(
    Object.entries(options.overrides ?? {}).filter(([, value]) => value !== undefined),
  )
  const raw: RawObject = { ...file, ...overrides }
  const problems = new Problems(Object.keys(overrides))

  refuseUnknownKeys(configEntries, raw, [], problems, ELSEWHERE)
  const read = readEntries(configEntries, raw, [], problems, COMPOSITE)
  const commandMs = Math.min(MOST_COMMAND_MS, read.maxDuration ?? Infinity)
  const surroundings: Surroundings = { ...machine, commandMs }
  const { datasources, patterns } = readDatasources(raw.datasources, read, problems)
  refuseLookupClashes(read.lookups, datasources, problems)
  const tls = readInner(tlsEntries, raw.tls, ["tls"], problems)
  refuseReservedContext(raw.context, problems)
  refuseMixedAuth(raw, problems)
  const protocol = read.protocol ?? (read.host !== undefined && isLoopback(read.host) ? "http" : "https")
  const isProtocolWrong = raw.protocol !== undefined && read.protocol === undefined
  if (isObject(raw.tls)) refuseHalfTls(raw.tls, isProtocolWrong ? "https" : protocol, problems)

  const { username, password } = read
  const keys = readAccessKeys(raw, { username, password }, problems)
  const wanted = [
    ...wantedFor(keys),
    { path: ["tls", "passphrase"], source: tls.passphrase },
    { path: ["ping"], source: read.ping },
    { path: ["proxy"], source: read.proxy === false ? undefined : read.proxy },
    { path: ["hashSalt"], source: read.hashSalt },
  ]
  const secrets = new Secrets()
  await secrets.fetch(wanted, (source) => !isCommand(source), surroundings, problems)
  const tlsFiles = await readTlsFiles(tls, surroundings, problems)
  if (problems.isEmpty) await secrets.fetch(wanted, isCommand, surroundings, problems)
  const ping = secrets.at("ping")
  refuseBadPing(ping, problems)
  const salt = secrets.at("hashSalt")
  const all = [...datasources, ...patterns.flatMap(({ settings }) => settings ?? [])]
  if (raw.hashSalt === undefined && all.some(({ columns }) => columns.hash !== undefined))
    problems.add(["hashSalt"], 'missing: "columns" has something to "hash", and a secret to do it with')
  if (salt?.reveal() === "") problems.add(["hashSalt"], "it is empty, and hides nothing")
  const access = accessOf(keys, secrets, surroundings, problems)
  const proxies = proxiesOf(read.proxy === false ? false : secrets.at("proxy"), surroundings.env)
  problems.throwIfAny(configPath)

  // without problems every key was read, and every optional one has its default
  const config = withPaths(read as v.InferOutput<typeof configSchema>, surroundings)
  const port = config.port ?? PORTS[protocol]
  const url = `${protocol}://${urlHost(config.host)}:${port}${config.basePath}`
  refuseBadProxy(proxies, url, problems)
  problems.throwIfAny(configPath)
  const druid: DruidSettings = {
    ...named(addressEntries, config),
    ...named(queryEntries, config),
    protocol,
    port,
    url,
    access,
    proxies,
    tls: { ...tlsFiles, passphrase: secrets.at("tls", "passphrase") },
  }
  const salted = (one: DatasourceSettings): DatasourceSettings =>
    one.columns.hash === undefined ? one : { ...one, columns: { ...one.columns, salt } }
  const processors = options.processors ?? availableParallelism()
  return {
    configPath,
    druid,
    datasources: datasources.map(salted),
    patterns: patterns.map(({ text, settings }) => ({ text, settings: settings && salted(settings) })),
    lookups: config.lookups,
    pull: {
      ...named(pullEntries, config),
      concurrency: config.concurrency ?? USUAL_CONCURRENCY,
      startConcurrency: config.concurrency ?? startConcurrency(config.host, processors),
    },
    job: { ...named(jobEntries, config), ping },
    warnings: await warningsFor(configPath, file, druid, surroundings),
  }
}

/** With each path made absolute. */
function withPaths<C extends object>(config: C, surroundings: Surroundings): C {
  const entries = Object.entries(config).map(([key, value]) => [
    key,
    typeof value === "string" && markOf(configEntries[key as keyof typeof configEntries], "isPath")
      ? pathFrom(value, surroundings)
      : value,
  ])
  return Object.fromEntries(entries) as C
}

function placed(entries: object, place: string): Record<string, string> {
  return Object.fromEntries(Object.keys(entries).map((key) => [key, place]))
}
