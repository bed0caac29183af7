/**
 * Can a pull work? Looks at one thing after the other, from the configuration to the file, and says of each that it is
 * well or what to do. Fetches no row and changes nothing. What cannot be looked at, because something before it failed,
 * is left out.
 */

import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import type { DatasourceSettings, Settings } from "../../config/settings.ts"
import { createCatalog } from "../../druid/catalog.ts"
import { askAnything, type ChunkOverview, readOverview, readVersion } from "../../druid/overview.ts"
import { druidsWords } from "../../pull/prepare/shape.ts"
import { unlisted } from "../../pull/refusals.ts"
import { checkDisks, checkFile } from "./check-file.ts"
import { type CheckName, type CheckOptions, failedCheck, okCheck, warningCheck } from "./check-line.ts"
import type { Check } from "./document.ts"
import { addressesOf, type Certificate, inspectCertificate, reach } from "./probe.ts"

const DAY_MS = 86_400_000
/** Certificates that are closer to their end than this are worth a word. */
const SOON_MS = 21 * DAY_MS

/** Everything that can be looked at, each told to `onCheck`. @throws the signal's reason */
export async function runChecks(options: CheckOptions): Promise<void> {
  const { settings, out, onCheck } = options
  for (const warning of settings.warnings) onCheck(warningCheck("config", ...sentenceAndHint(warning)))
  const overview = await checkDruid(options)
  if (out === undefined) return
  await checkFile(options, out)
  const bytes = overview === undefined ? undefined : expectedBytes(settings, overview)
  await checkDisks(options, out, bytes)
}

/** @returns what `sys.segments` says of the configured datasources; undefined where it could not be asked */
async function checkDruid(
  options: CheckOptions,
): Promise<ReadonlyMap<string, readonly ChunkOverview[]> | undefined> {
  const { settings, client, signal, onCheck } = options
  if (!(await checkConnection(options))) return undefined
  const isIn = await attempt(options, "login", async () => {
    await askAnything(client, signal)
    const { auth } = settings.druid
    const who =
      auth === undefined
        ? "without credentials"
        : auth.kind === "basic"
          ? "as the configured user"
          : "with the token"
    onCheck(okCheck("login", `Druid SQL answers ${who}`))
  })
  if (!isIn) return undefined
  await checkVersion(options)
  let overview: ReadonlyMap<string, readonly ChunkOverview[]> | undefined
  await attempt(options, "segments", async () => {
    overview = await readOverview(client, undefined, signal)
    const segments = [...overview.values()].flat().reduce((sum, chunk) => sum + chunk.segments, 0)
    onCheck(
      okCheck(
        "segments",
        `sys.segments can be read: ${counted(overview.size, "datasource")}, ${counted(segments, "active segment")}`,
      ),
    )
  })
  if (overview === undefined) return undefined
  const catalog = createCatalog(
    client,
    settings.datasources.map(({ name }) => name),
  )
  for (const datasource of settings.datasources) {
    await attempt(
      options,
      "datasource",
      async () => {
        const chunks = overview?.get(datasource.name)
        if (chunks === undefined)
          throw unlisted("Druid does not list it", datasource.name, [...(overview ?? new Map()).keys()])
        const line = checkSegments(datasource.name, chunks)
        // Nothing loaded: Druid does not know its columns either.
        const isServed = chunks.some((one) => one.segments > one.unavailable + one.cold)
        if (isServed) await checkColumns(catalog, datasource, signal)
        onCheck(line)
      },
      datasource.name,
    )
  }
  return overview
}

async function checkConnection(options: CheckOptions): Promise<boolean> {
  const { settings, onCheck } = options
  const { host, port, protocol, tls, connectTimeoutMs } = settings.druid
  const hasName = await attempt(options, "name", async () => {
    const addresses = await addressesOf(host)
    onCheck(
      okCheck(
        "name",
        addresses.includes(host) ? `${host} is an address` : `${host} is ${addresses.join(", ")}`,
      ),
    )
  })
  const isOpen =
    hasName &&
    (await attempt(options, "port", async () => {
      const startedMs = options.clock.nowMs()
      await reach(host, port, connectTimeoutMs)
      const took = Math.round(options.clock.nowMs() - startedMs)
      onCheck(okCheck("port", `port ${port} is open (${took} ms)`))
    }))
  if (!isOpen || protocol === "http") return isOpen
  return attempt(options, "certificate", async () => {
    const certificate = await inspectCertificate(host, port, tls, connectTimeoutMs)
    onCheck(checkCertificate(certificate, tls.serverName ?? host, options.clock.nowMs()))
    if (certificate.refusal !== undefined) throw new Reported()
  })
}

/** Thrown where a failed line has been told already. */
class Reported extends Error {}

/** @param name that it should be for */
export function checkCertificate(certificate: Certificate, name: string, nowMs: number): Check {
  const { names, issuer, validFromMs, validToMs, protocol, refusal } = certificate
  const until = new Date(validToMs).toISOString().slice(0, 10)
  const what = `${protocol === undefined ? "" : `${protocol}, `}certificate for ${names.join(", ") || "no name"} by ${issuer}, valid until ${until}`
  if (validToMs <= nowMs) {
    return failed(`${what}: it has expired`, "renew it on the server")
  }
  if (validFromMs > nowMs) {
    return failed(`${what}: it is not valid yet`, "check the clocks of both machines")
  }
  if (refusal !== undefined) {
    const isName = /ALTNAME|altname|hostname/i.test(refusal)
    return isName
      ? failed(
          `${what}: it is not for ${name}`,
          'connect by one of its names, or set "tls": { "serverName": … } to one of them',
        )
      : failed(
          `${what}: it is not trusted (${refusal})`,
          'give the authority that signed it as "tls": { "ca": "ca.pem" }',
        )
  }
  const days = Math.floor((validToMs - nowMs) / DAY_MS)
  if (validToMs - nowMs < SOON_MS) {
    return warningCheck("certificate", `${what}: that is in ${days} days`, "have it renewed on the server")
  }
  return okCheck("certificate", what)
}

function failed(message: string, hint: string): Check {
  return { check: "certificate", status: "failed", message, hint, exitCode: ExitCode.failed }
}

async function checkVersion({ client, signal, onCheck }: CheckOptions): Promise<void> {
  try {
    const version = await readVersion(client, signal)
    const isOld = Number.parseInt(version, 10) < 25
    onCheck(
      isOld
        ? warningCheck(
            "version",
            `Druid ${version}`,
            "releases before 25 are not tried: run druidsync verify",
          )
        : okCheck("version", `Druid ${version}`),
    )
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof DruidsyncError)) throw error
    // Services that manage Druid for others often hide /status.
    onCheck(okCheck("version", "the server does not tell its version, which does not matter"))
  }
}

function checkSegments(name: string, chunks: readonly ChunkOverview[]): Check {
  const sum = (value: (chunk: ChunkOverview) => number) => chunks.reduce((all, one) => all + value(one), 0)
  const [segments, rows, unavailable, cold, realtime] = [
    sum((chunk) => chunk.segments),
    sum((chunk) => chunk.rows),
    sum((chunk) => chunk.unavailable),
    sum((chunk) => chunk.cold),
    sum((chunk) => chunk.realtime),
  ]
  const still = realtime === 0 ? "" : `, ${realtime} of them realtime`
  const what = `about ${counted(rows, "row")} in ${counted(segments, "segment")}${still}`
  if (unavailable > 0) {
    return {
      check: "datasource",
      subject: name,
      status: "failed",
      message: `${what}; ${counted(unavailable, "segment")} not loaded on any server now`,
      hint: "a pull would leave them out and exit with 3; wait for Druid, or look at its historicals",
      exitCode: ExitCode.incomplete,
    }
  }
  if (cold > 0) {
    return warningCheck(
      "datasource",
      `${what}; ${counted(cold, "segment")} on no server, by the load rules`,
      "they cannot be queried, so they are not copied",
      name,
    )
  }
  return okCheck("datasource", `${what}, all of them served`, name)
}

/** Asks for the types of the configured columns under the configured filter, without a row. @throws DruidsyncError */
async function checkColumns(
  catalog: ReturnType<typeof createCatalog>,
  { name, filter, columns }: DatasourceSettings,
  signal: AbortSignal,
): Promise<void> {
  const { names } = await catalog.types({ datasource: name, filter }, "*", signal).catch((error: unknown) => {
    if (filter === undefined || !(error instanceof DruidsyncError) || error.code !== "query") throw error
    throw new DruidsyncError("config", `Druid does not accept the "filter": ${druidsWords(error.message)}`, {
      exitCode: ExitCode.usage,
      hint: `the filter is a condition in Druid SQL, such as "page" = 'Main'; it is: ${filter}`,
      cause: error,
    })
  })
  const missing = [...(columns.include ?? []), ...columns.exclude].filter((column) => !names.includes(column))
  if (missing.length === 0) return
  throw new DruidsyncError(
    "config",
    `Druid has no column ${missing.map((one) => JSON.stringify(one)).join(", ")}`,
    {
      exitCode: ExitCode.usage,
      hint: `it has ${names.slice(0, 30).join(", ")}${names.length > 30 ? ", …" : ""}`,
    },
  )
}

/** Bytes in deep storage of what is configured: a DuckDB file takes about as much. */
function expectedBytes(settings: Settings, overview: ReadonlyMap<string, readonly ChunkOverview[]>): number {
  const chunks = settings.datasources.flatMap(({ name }) => overview.get(name) ?? [])
  return chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
}

/** @returns whether it went well. What went wrong is told. */
async function attempt(
  { signal, onCheck }: CheckOptions,
  check: CheckName,
  work: () => Promise<void>,
  subject?: string,
): Promise<boolean> {
  signal.throwIfAborted()
  try {
    await work()
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof Reported)) onCheck(failedCheck(check, error, subject))
    return false
  }
}

/** The configuration's warnings are sentences with what to do after the semicolon. */
function sentenceAndHint(warning: string): [string, string] {
  const at = warning.indexOf("; ")
  return at < 0 ? [warning, "see the configuration"] : [warning.slice(0, at), warning.slice(at + 2)]
}

function counted(value: number, what: string): string {
  const digits = String(value).replace(/\B(?=(\d{3})+$)/g, ",")
  return `${digits} ${what}${value === 1 ? "" : "s"}`
}
