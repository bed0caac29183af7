/**
 * From a configuration file to `Settings`, or to one error that lists everything that is wrong with it. Nothing
 * is asked of Druid, nothing is written. Programs for secrets run last, and only if all else is right.
 */

import { availableParallelism } from "node:os"
import process from "node:process"
import type * as v from "valibot"
import { authOf, refuseMixedAuth } from "./auth.ts"
import { type Environment, type RunCommand, runCommand } from "./command.ts"
import { readDatasources } from "./datasources.ts"
import { isObject, type RawObject, type Readable, readEntries, refuseUnknownKeys } from "./entries.ts"
import { type FileMode, fileMode, type ReadFile, readSmallFile } from "./files.ts"
import { isLoopback, startConcurrency, USUAL_CONCURRENCY, urlHost } from "./host.ts"
import { refuseBadPing } from "./ping.ts"
import { Problems, shown } from "./problems.ts"
import { readObject } from "./read-object.ts"
import { refuseReservedContext } from "./reserved-context.ts"
import { configEntries, type configSchema, datasourceEntries, tlsEntries } from "./schema.ts"
import { fetchSecrets, isCommand, type Secrets } from "./secrets.ts"
import type { DruidSettings, Settings } from "./settings.ts"
import { folderOf, pathFrom, type Surroundings } from "./surroundings.ts"
import { readTls, refuseHalfTls } from "./tls.ts"
import { warningsFor } from "./warnings.ts"

/** Top-level values from flags, in the form that the file has them; undefined ones count as not given. */
export type Overrides = Readonly<{ [K in keyof typeof configEntries]?: unknown }>

/** What may stand in for the process in tests, and flags. */
export interface LoadOptions {
  /** default: the process's */
  readonly env?: Environment
  readonly readFile?: ReadFile
  readonly fileMode?: FileMode
  readonly runCommand?: RunCommand
  /** win over the file; problems with them are named as flags (`--memory-limit`) */
  readonly overrides?: Overrides
  /** of this machine; default: as many as it has */
  readonly processors?: number
}

/** Read by hand below, since they have an inside of their own. */
const COMPOSITE = ["datasources", "tls"]
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
  const surroundings: Surroundings = {
    env: options.env ?? process.env,
    readFile: options.readFile ?? readSmallFile,
    fileMode: options.fileMode ?? fileMode,
    runCommand: options.runCommand ?? runCommand,
    folder: folderOf(configPath),
  }
  const file = await readObject(configPath, surroundings.readFile)
  const overrides = Object.fromEntries(
    Object.entries(options.overrides ?? {}).filter(([, value]) => value !== undefined),
  )
  const raw: RawObject = { ...file, ...overrides }
  const problems = new Problems(Object.keys(overrides))

  refuseUnknownKeys(configEntries, raw, [], problems, ELSEWHERE)
  const read = readEntries(configEntries, raw, [], problems, COMPOSITE)
  const datasources = readDatasources(raw.datasources, read, problems)
  const tls = readTlsKeys(raw.tls, problems)
  refuseReservedContext(raw.context, problems)
  refuseMixedAuth(raw, problems)
  const protocol = read.protocol ?? (read.host !== undefined && isLoopback(read.host) ? "http" : "https")
  const isProtocolWrong = raw.protocol !== undefined && read.protocol === undefined
  if (isObject(raw.tls)) refuseHalfTls(raw.tls, isProtocolWrong ? "https" : protocol, problems)

  const sources = { password: read.password, token: read.token, passphrase: tls.passphrase, ping: read.ping }
  const atOnce = await fetchSecrets(sources, (source) => !isCommand(source), surroundings, problems)
  const tlsFiles = await readTls(tls, surroundings, problems)
  const late = problems.isEmpty ? await fetchSecrets(sources, isCommand, surroundings, problems) : {}
  const secrets: Secrets = { ...atOnce, ...late }
  refuseBadPing(secrets.ping, problems)
  const auth = authOf(read.username, secrets.password, secrets.token, problems)
  problems.throwIfAny(configPath)

  // without problems every key was read, and every optional one has its default
  const config = read as v.InferOutput<typeof configSchema>
  const port = config.port ?? PORTS[protocol]
  const druid: DruidSettings = {
    protocol,
    host: config.host,
    port,
    basePath: config.basePath,
    url: `${protocol}://${urlHost(config.host)}:${port}${config.basePath}`,
    auth,
    tls: { ...tlsFiles, passphrase: secrets.passphrase },
    context: config.context,
    priority: config.priority,
    queryTimeoutMs: config.queryTimeout,
    connectTimeoutMs: config.connectTimeout,
    requestTimeoutMs: config.requestTimeout,
    idleTimeoutMs: config.idleTimeout,
    gzip: config.gzip,
  }
  return {
    configPath,
    druid,
    datasources,
    pull: {
      concurrency: config.concurrency ?? USUAL_CONCURRENCY,
      startConcurrency:
        config.concurrency ?? startConcurrency(config.host, options.processors ?? availableParallelism()),
      sliceRows: config.sliceRows,
      spoolDir: config.spoolDir === undefined ? undefined : pathFrom(config.spoolDir, surroundings),
      spoolLimitBytes: config.spoolLimit,
      memoryLimitBytes: config.memoryLimit,
    },
    job: {
      publish: config.publish === undefined ? undefined : pathFrom(config.publish, surroundings),
      metrics: config.metrics === undefined ? undefined : pathFrom(config.metrics, surroundings),
      ping: secrets.ping,
      maxDurationMs: config.maxDuration,
      historyRuns: config.history,
    },
    warnings: await warningsFor(configPath, file, druid, surroundings),
  }
}

function readTlsKeys(raw: unknown, problems: Problems): Readable<typeof tlsEntries> {
  if (raw === undefined) return {}
  if (!isObject(raw)) {
    problems.add(
      ["tls"],
      `found ${shown(raw)}; accepted: an object with ${Object.keys(tlsEntries).join(", ")}`,
    )
    return {}
  }
  refuseUnknownKeys(tlsEntries, raw, ["tls"], problems)
  return readEntries(tlsEntries, raw, ["tls"], problems)
}

function placed(entries: object, place: string): Record<string, string> {
  return Object.fromEntries(Object.keys(entries).map((key) => [key, place]))
}
