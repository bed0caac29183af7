/** What lets in, as it is sent: the authentication from secrets already fetched, and the PEM files that `tls` names. */

import { type Readable, readEntries, refuseUnknownKeys } from "./entries.ts"
import { readText } from "./files.ts"
import { isObject } from "./json.ts"
import { type Problems, shown } from "./problems.ts"
import { tlsEntries } from "./schema.ts"
import { Secret } from "./secret.ts"
import type { Auth, TlsSettings } from "./settings.ts"
import { pathFrom, type Surroundings } from "./surroundings.ts"

/** The authentication; adds a problem where a header could not carry it. */
export function authOf(
  username: string | undefined,
  password: Secret | undefined,
  token: Secret | undefined,
  problems: Problems,
): Auth | undefined {
  if (token !== undefined) {
    if (/^bearer\s/i.test(token.reveal())) problems.add(["token"], 'leave out the word "Bearer"')
    else if (/[^\x21-\x7e]/.test(token.reveal())) {
      problems.add(["token"], "it holds a space, a line break or another character that no token has")
    }
    return { kind: "bearer", token }
  }
  if (!username || password === undefined) return undefined
  if (/\p{Cc}/u.test(password.reveal())) {
    problems.add(["password"], "it holds a line break or another control character")
  }
  return { kind: "basic", username, password }
}

/** The keys of `tls`, none where there is no such object; what is wrong is added to the problems. */
export function readTlsKeys(raw: unknown, problems: Problems): Readable<typeof tlsEntries> {
  if (raw === undefined) return {}
  if (!isObject(raw)) {
    const accepted = `an object with ${Object.keys(tlsEntries).join(", ")}`
    problems.add(["tls"], `found ${shown(raw)}; accepted: ${accepted}`)
    return {}
  }
  refuseUnknownKeys(tlsEntries, raw, ["tls"], problems)
  return readEntries(tlsEntries, raw, ["tls"], problems)
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
