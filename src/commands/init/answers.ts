/** The conversation of `init`: asks for what the flags do not say, until Druid answers and datasources are chosen. */
import { dirname, resolve } from "node:path"
import { DruidsyncError, usage } from "../../base/errors.ts"
import { nearest } from "../../base/nearest.ts"
import { isLoopback } from "../../config/host.ts"
import { escaped } from "../../config/patterns.ts"
import type { SecretSource } from "../../config/schema.ts"
import type { Prompter } from "../../kit/ask/prompter.ts"
import { datasourceHint, numberedDatasources } from "../../kit/cluster/text.ts"
import { nothingListed } from "../../kit/tables.ts"
import { describeError } from "../../kit/text/error.ts"
import type { Style } from "../../kit/text/style.ts"
import { counted } from "../../kit/text/words.ts"
import { offerDirect } from "./direct.ts"
import { readAddress, readSelection } from "./selection.ts"
import { type Access, explore, type Found, refuseExisting, type SetupOptions } from "./setup.ts"

export interface Conversation {
  readonly flags: Partial<Access>
  /** as the user named it */
  readonly config: string
  /** names with commas between, or `all`; undefined: ask */
  readonly datasources: string | undefined
  readonly force: boolean
  readonly setup: Omit<SetupOptions, "configPath">
  /** undefined: there is nobody to ask, so the flags must say everything */
  readonly ask: Prompter | undefined
  readonly style: Style
}

export interface Answers {
  readonly access: Access
  readonly config: string
  /** names, escaped, and patterns */
  readonly texts: readonly string[]
  readonly found: Found
}

/** @throws DruidsyncError if something is wrong and there is nobody to ask */
export async function converse(conversation: Conversation): Promise<Answers> {
  const { ask } = conversation
  try {
    const config = await place(conversation)
    const setup = { ...conversation.setup, configPath: config }
    const { access, found } = await reach(conversation, setup)
    const texts = await choose(conversation, found)
    const lookups = access.lookups ?? (await offerLookups(ask, found))
    const isDirect = ask !== undefined && (await offerDirect(ask, found, setup))
    const direct = isDirect ? true : undefined
    return { access: { ...access, lookups, direct }, config, texts, found }
  } finally {
    ask?.close()
  }
}

/** What to copy: names, escaped, and patterns. */
async function choose({ datasources, ask, style }: Conversation, found: Found): Promise<readonly string[]> {
  const listed = found.report.datasources
  const names = listed.map((one) => one.datasource)
  if (names.length === 0) throw nothingListed(found.settings.druid.url)
  if (datasources !== undefined) {
    const selection = readSelection(datasources, names)
    if ("texts" in selection) return selection.texts
    throw usage(`--datasources: ${selection.problem}`, guess(datasources, names))
  }
  const options = listed.map((one) => ({ name: one.datasource, about: datasourceHint(one) }))
  const always = { name: "*", about: "all, also future ones", isOff: true }
  const picked = await ask!.several("Which to copy?", [...options, always])
  if (picked !== undefined) return picked.includes(always.name) ? [always.name] : picked.map(escaped)
  ask!.say(`\n${numberedDatasources(found.report, style)}`)
  for (;;) {
    const question = "Which to copy? Numbers such as 1,3-5, names, all, or * (all, also future ones)"
    const text = await ask!.text(question, "all")
    const selection = readSelection(text, names)
    if ("texts" in selection) return selection.texts
    ask!.say(`  ${selection.problem}`)
  }
}

/** What the configuration says of lookups where no flag does. */
async function offerLookups(ask: Prompter | undefined, { report }: Found): Promise<"*" | undefined> {
  const names = (report.lookups ?? []).map(({ lookup }) => lookup)
  if (ask === undefined || names.length === 0) return undefined
  ask.say(`Druid has ${counted(names.length, "lookup")}: ${names.join(", ")}`)
  return (await ask.yes("Copy them, too, also future ones?", false)) ? "*" : undefined
}

/** A path where nothing is yet. */
async function place({ config, force, ask }: Conversation): Promise<string> {
  let path = config
  for (;;) {
    try {
      if (!force) await refuseExisting(path)
      return path
    } catch (error) {
      if (ask === undefined || !(error instanceof DruidsyncError)) throw error
      ask.say(`${path} exists already, and is left as it is.`)
      path = await ask.text("Where to write the new configuration")
    }
  }
}

/** Asks for address and login until Druid answers. */
async function reach(
  { flags, ask, style }: Conversation,
  setup: SetupOptions,
): Promise<{ access: Access; found: Found }> {
  if (ask === undefined) {
    const access = { ...flags, host: flags.host! }
    return { access, found: await explore(access, setup) }
  }
  let access: Access =
    flags.host === undefined ? await askAddress(ask, flags) : { ...flags, host: flags.host }
  if (access.username !== undefined && access.password === undefined) {
    access = { ...access, password: await askSecret(ask, "password") }
  }
  for (;;) {
    ask.say(style.dim(`asking ${access.host} …`))
    try {
      return { access, found: await explore(access, setup) }
    } catch (error) {
      if (!(error instanceof DruidsyncError) || error.code === "interrupted") throw error
      const wantsLogin = error.code === "auth" || error.code === "forbidden"
      if (wantsLogin && access.username === undefined && access.token === undefined) {
        ask.say("Druid asks for a login.")
        access = { ...access, ...(await askLogin(ask)) }
        continue
      }
      ask.say(describeError(error, false).trimEnd())
      const { username: _, password: __, token: ___, ...address } = access
      access = wantsLogin
        ? { ...address, ...(await askLogin(ask)) }
        : { ...access, ...(await askAddress(ask, access)) }
    }
  }
}

async function askAddress(ask: Prompter, before: Partial<Access>): Promise<Access> {
  const given = await ask.text("Host or URL of a Druid router or broker", before.host ?? "localhost")
  const url = readAddress(given)
  if (url?.hasLogin) ask.say("  the login in it is left out: it is asked for where Druid wants one")
  const host = url?.host ?? given
  const isLocal = isLoopback(host)
  const protocol = url?.protocol ?? ((await ask.yes("Encrypted (https)?", !isLocal)) ? "https" : "http")
  const usual = before.port ?? (protocol === "https" ? 9088 : 8888)
  const port = url?.port ?? (await ask.text("Port", String(usual)))
  const basePath = url?.basePath ?? before.basePath
  return { ...before, host, protocol, port: Number(port), basePath }
}

async function askLogin(ask: Prompter): Promise<Pick<Access, "username" | "password" | "token">> {
  const kind = await ask.choice("How", ["user name and password", "token (Bearer)"])
  if (kind === 1) return { token: await askSecret(ask, "token") }
  const username = await ask.text("User name")
  return { username, password: await askSecret(ask, "password") }
}

/** The secret, or where it comes from: what the configuration will hold. */
async function askSecret(ask: Prompter, what: "password" | "token"): Promise<SecretSource> {
  const kind = await ask.choice(`Where does the ${what} come from`, [
    "I type it now; it is kept in the configuration, which only you can read",
    "an environment variable",
    "a file",
    "a command that prints it",
  ])
  if (kind === 0) return ask.secret(what === "password" ? "Password" : "Token")
  if (kind === 1) return { env: await ask.text("Name of the variable", `DRUID_${what.toUpperCase()}`) }
  if (kind === 2) return { file: await ask.text("Path of the file") }
  return { command: wordsOf(await ask.text("Program and arguments")) }
}

type AccessFlag =
  | "host"
  | "port"
  | "protocol"
  | "base-path"
  | "ca"
  | "username"
  | "password"
  | "token"
  | "lookups"
type AccessFlags = { readonly [F in AccessFlag]?: string | undefined }

/** @param config where the configuration goes: paths in it start there. @throws DruidsyncError `usage` */
export function accessByFlags(flags: AccessFlags, config: string): Partial<Access> {
  const url = flags.host === undefined ? undefined : readAddress(flags.host)
  if (url?.hasLogin) throw usage("--host must not hold a login", "give --username and --password env:NAME")
  const from = (path: string) => (dirname(resolve(config)) === process.cwd() ? path : resolve(path))
  const all = {
    host: url?.host ?? flags.host,
    port: numeric(flags.port) ?? url?.port,
    protocol: flags.protocol ?? url?.protocol,
    basePath: flags["base-path"] ?? url?.basePath,
    tls: flags.ca === undefined ? undefined : { ca: from(flags.ca) },
    username: flags.username,
    password: secretByFlag("password", flags.password, from),
    token: secretByFlag("token", flags.token, from),
    lookups: flags.lookups === "*" ? flags.lookups : flags.lookups?.split(",").map((name) => name.trim()),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Digits as a number; anything else stays, for the configuration's check to refuse. */
function numeric(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text
}

function secretByFlag(
  flag: string,
  text: string | undefined,
  from: (path: string) => string,
): SecretSource | undefined {
  if (text === undefined) return undefined
  const [, kind, rest] = /^(env|file|command):(.+)$/s.exec(text) ?? []
  if (kind === "env") return { env: rest! }
  if (kind === "file") return { file: from(rest!) }
  if (kind === "command") return { command: wordsOf(rest!) }
  // The value is not repeated: it may be the secret.
  throw usage(
    `--${flag} says where the ${flag} comes from: env:NAME, file:PATH or command:PROGRAM`,
    "a secret in the arguments can be read by every user of the machine",
  )
}

function wordsOf(command: string): string[] {
  return command.trim().split(/\s+/)
}

function guess(text: string, names: readonly string[]): string {
  const unknown = text
    .split(",")
    .map((word) => word.trim())
    .find((word) => !names.includes(word))
  const near = unknown === undefined ? undefined : nearest(unknown, names)
  return near === undefined
    ? `there are: ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", …" : ""}`
    : `did you mean ${JSON.stringify(near)}?`
}
