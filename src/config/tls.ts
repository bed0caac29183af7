/** Reads `tls`: which keys need each other, and the PEM files they name. */

import type { Readable } from "./entries.ts"
import { readText } from "./files.ts"
import type { Problems } from "./problems.ts"
import type { tlsEntries } from "./schema.ts"
import { Secret } from "./secret.ts"
import type { TlsSettings } from "./settings.ts"
import { pathFrom, type Surroundings } from "./surroundings.ts"

type TlsSource = Readable<typeof tlsEntries>

/** Adds a problem where keys are given that are of no use without others. `raw` tells what was given, right or not. */
export function refuseHalfTls(
  raw: Readonly<Record<string, unknown>>,
  protocol: string,
  problems: Problems,
): void {
  const has = (key: string) => raw[key] !== undefined
  if (has("cert") && !has("key")) problems.add(["tls", "key"], "missing, but tls.cert is set")
  if (has("key") && !has("cert")) problems.add(["tls", "cert"], "missing, but tls.key is set")
  if (has("passphrase") && !has("key")) problems.add(["tls", "key"], "missing, but tls.passphrase is set")
  if (protocol === "http" && Object.keys(raw).length > 0) {
    problems.add(["tls"], 'of no use with http; set "protocol": "https", or leave tls out')
  }
}

/** Reads the files; what cannot be read, or is not PEM of the right kind, is a problem and undefined. */
export async function readTls(
  source: TlsSource,
  surroundings: Surroundings,
  problems: Problems,
): Promise<Omit<TlsSettings, "passphrase">> {
  async function pem(key: "ca" | "cert" | "key", kind: RegExp, what: string): Promise<string | undefined> {
    const file = source[key]
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
  return { ca, cert, key: key === undefined ? undefined : new Secret(key), serverName: source.serverName }
}
