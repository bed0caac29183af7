/** Credentials ready to be sent: the authentication, from secrets already fetched, and the PEM files that `tls` names. */

import { type Readable, readInner, readValue } from "./entries.ts"
import { readText } from "./files.ts"
import { isObject, type RawObject } from "./json.ts"
import { kindOf, Problems } from "./problems.ts"
import {
  accessEntries,
  HEADERS_ACCEPTED,
  oauth2Entries,
  type SecretSource,
  secret,
  type tlsEntries,
} from "./schema.ts"
import { Secret } from "./secret.ts"
import { ages, Secrets, type Wanted } from "./secrets.ts"
import type { Access, Auth, TlsSettings } from "./settings.ts"
import { pathFrom, type Surroundings } from "./surroundings.ts"

/** What lets in, as the file has it. */
export interface AccessKeys {
  readonly username: string | undefined
  readonly password: SecretSource | undefined
  /** itself or a reference */
  readonly token: SecretSource | undefined
  readonly oauth2: Readable<typeof oauth2Entries> | undefined
  /** by name, in lower case */
  readonly headers: ReadonlyMap<string, SecretSource>
}

/** What lets in, out of the file; what is wrong is added to the problems. */
export function readAccessKeys(
  raw: RawObject,
  read: Pick<AccessKeys, "username" | "password">,
  problems: Problems,
): AccessKeys {
  const isOAuth2 = isObject(raw.token) && Object.hasOwn(raw.token, "oauth2")
  const { username, password } = read
  return {
    username,
    password,
    token: isOAuth2
      ? undefined
      : (readValue(accessEntries.token, raw.token, ["token"], problems) as SecretSource | undefined),
    oauth2: isOAuth2 ? readOAuth2Keys(raw.token as RawObject, problems) : undefined,
    headers: readHeaderKeys(raw.headers, problems),
  }
}

function readOAuth2Keys(token: RawObject, problems: Problems): Readable<typeof oauth2Entries> {
  const path = ["token", "oauth2"]
  for (const key of Object.keys(token)) if (key !== "oauth2") problems.add(["token", key], "unknown key")
  if (isObject(token.oauth2)) return readInner(oauth2Entries, token.oauth2, path, problems)
  // What stands there may be the secret.
  problems.add(path, `accepted: an object with ${Object.keys(oauth2Entries).join(", ")}`)
  return {}
}

/** Headers that the program sets itself, and those that HTTP is made of → what to use instead. */
const RESERVED_HEADERS: Readonly<Record<string, string>> = {
  authorization: 'use "token", or "username" and "password"',
  "accept-encoding": 'use "gzip"',
  "proxy-authorization": 'put the login into the address of "proxy"',
  ...Object.fromEntries(
    ["accept", "connection", "content-length", "content-type", "expect", "host", "te", "trailer"]
      .concat("transfer-encoding", "upgrade")
      .map((name) => [name, "druidsync sets it itself"]),
  ),
}

function readHeaderKeys(raw: unknown, problems: Problems): ReadonlyMap<string, SecretSource> {
  const found = new Map<string, SecretSource>()
  if (raw === undefined) return found
  if (!isObject(raw)) {
    problems.add(["headers"], `found ${kindOf(raw)}; accepted: ${HEADERS_ACCEPTED}`)
    return found
  }
  for (const [name, value] of Object.entries(raw)) {
    const path = ["headers", name]
    const lower = name.toLowerCase()
    const instead = Object.hasOwn(RESERVED_HEADERS, lower) ? RESERVED_HEADERS[lower] : undefined
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) problems.add(path, "no header can have this name")
    else if (instead !== undefined) problems.add(path, `cannot be set: ${instead}`)
    else if (found.has(lower)) problems.add(path, "is there twice, in capitals and small letters")
    const source = readValue(secret, value, path, problems)
    if (source !== undefined) found.set(lower, source)
  }
  return found
}

/** All secrets that let in. */
export function wantedFor({ password, token, oauth2, headers }: AccessKeys): Wanted[] {
  return [
    { path: ["password"], source: password },
    { path: ["token"], source: token },
    { path: ["token", "oauth2", "clientSecret"], source: oauth2?.clientSecret },
    ...[...headers].map(([name, source]) => ({ path: ["headers", name], source })),
  ]
}

/** What lets in, from secrets already fetched; adds a problem where a header could not carry it. */
export function accessOf(
  keys: AccessKeys,
  secrets: Secrets,
  surroundings: Surroundings,
  problems: Problems,
): Access {
  const headers: Record<string, Secret> = {}
  for (const name of keys.headers.keys()) {
    const value = secrets.at("headers", name)
    if (value === undefined) continue
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value.reveal()))
      problems.add(["headers", name], "it holds a line break or another character that no header can carry")
    headers[name] = value
  }
  const wanted = wantedFor(keys)
  const reread = async () => {
    const faults = new Problems()
    const again = new Secrets()
    await again.fetch(wanted, () => true, surroundings, faults)
    const access = accessOf(keys, again, surroundings, faults)
    return faults.isEmpty ? access : undefined
  }
  return {
    auth: authOf(keys, secrets, problems),
    headers,
    reread: wanted.some(({ source }) => ages(source)) ? reread : undefined,
  }
}

function authOf({ username, oauth2 }: AccessKeys, secrets: Secrets, problems: Problems): Auth | undefined {
  const clientSecret = secrets.at("token", "oauth2", "clientSecret")
  if (oauth2 !== undefined && clientSecret !== undefined) {
    const { tokenUrl = "", clientId = "", scope } = oauth2
    return { kind: "oauth2", tokenUrl, clientId, clientSecret, scope }
  }
  const token = secrets.at("token")
  if (token !== undefined) {
    if (/^bearer\s/i.test(token.reveal())) problems.add(["token"], 'leave out the word "Bearer"')
    else if (/[^\x21-\x7e]/.test(token.reveal())) {
      problems.add(["token"], "it holds a space, a line break or another character that no token has")
    }
    return { kind: "bearer", token }
  }
  const password = secrets.at("password")
  if (!username || password === undefined) return undefined
  if (/\p{Cc}/u.test(password.reveal())) {
    problems.add(["password"], "it holds a line break or another control character")
  }
  return { kind: "basic", username, password }
}

/** Reads the files; what cannot be read, or is not PEM of the right kind, is a problem and undefined. */
export async function readTlsFiles(
  tls: Readable<typeof tlsEntries>,
  surroundings: Surroundings,
  problems: Problems,
): Promise<Omit<TlsSettings, "passphrase">> {
  async function pem(key: "ca" | "cert" | "key", kind: RegExp, what: string): Promise<string | undefined> {
    const file = tls[key]
    if (file === undefined) return undefined
    const path = pathFrom(file, surroundings)
    const read = await readText(path, surroundings.readFile)
    if ("text" in read && kind.test(read.text)) return read.text
    const fault = "fault" in read ? read.fault : `it holds no ${what} in PEM form`
    problems.add(["tls", key], `cannot read ${path}: ${fault}`)
    return undefined
  }

  const ca = await pem("ca", /-----BEGIN (TRUSTED )?CERTIFICATE-----/, "certificate")
  const cert = await pem("cert", /-----BEGIN (TRUSTED )?CERTIFICATE-----/, "certificate")
  const key = await pem("key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/, "private key")
  return { ca, cert, key: key === undefined ? undefined : new Secret(key), serverName: tls.serverName }
}
