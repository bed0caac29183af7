/**
 * The credentials of a run, as they are sent to Druid: a password or token, read again from its reference if Druid refuses it
 * during the run, or tokens from a token server.
 */
import { unlessAborted } from "../base/abort.ts"
import type { Access, Auth } from "../config/settings.ts"
import type { Credentials } from "../druid/http.ts"
import { type TokenOptions, TokenSource } from "../druid/oauth2.ts"

type Headers = Readonly<Record<string, string>>

export interface CredentialsOptions extends Pick<TokenOptions, "transport" | "userAgent" | "nowMs"> {
  readonly access: Access
  /** other secrets that no message may contain */
  readonly hidden: readonly string[]
}

export function credentialsFor(options: CredentialsOptions): Credentials {
  const { transport, userAgent, nowMs } = options
  let access = options.access
  const seen = new Set<string>([...options.hidden, ...secretsOf(access)])
  const { auth } = access
  const tokens =
    auth?.kind === "oauth2"
      ? new TokenSource({
          ...auth,
          clientSecret: () => auth.clientSecret.reveal(),
          transport,
          userAgent,
          nowMs,
        })
      : undefined
  let rereading: Promise<Access | undefined> | undefined

  async function headers(signal?: AbortSignal): Promise<Headers> {
    const more = Object.entries(access.headers).map(([name, value]) => [name, value.reveal()])
    const authorization =
      tokens === undefined ? authorizationOf(access.auth) : `Bearer ${keep(await tokens.token(signal))}`
    return { ...Object.fromEntries(more), ...(authorization === undefined ? {} : { authorization }) }
  }

  function keep(secret: string): string {
    seen.add(secret)
    return secret
  }

  return {
    headers,
    async renew(refused, signal) {
      if (tokens !== undefined)
        return tokens.replace(refused.authorization?.slice("Bearer ".length) ?? "", signal)
      if (differs(await headers(), refused)) return true
      rereading ??= access.reread?.().finally(() => {
        rereading = undefined
      })
      const read = rereading === undefined ? undefined : await unlessAborted(rereading, signal)
      if (read === undefined) return false
      access = read
      for (const secret of secretsOf(read)) keep(secret)
      return differs(await headers(), refused)
    },
    secrets: () => wireForms(seen),
  }
}

function authorizationOf(auth: Auth | undefined): string | undefined {
  if (auth?.kind === "bearer") return `Bearer ${auth.token.reveal()}`
  if (auth?.kind !== "basic") return undefined
  return `Basic ${Buffer.from(`${auth.username}:${auth.password.reveal()}`, "utf8").toString("base64")}`
}

function secretsOf({ auth, headers }: Access): string[] {
  const more = Object.values(headers).map((value) => value.reveal())
  if (auth?.kind === "bearer") return [auth.token.reveal(), ...more]
  if (auth?.kind === "oauth2") return [auth.clientSecret.reveal(), ...more]
  const basic = authorizationOf(auth)?.slice("Basic ".length)
  return auth === undefined || basic === undefined ? more : [auth.password.reveal(), basic, ...more]
}

/** Longest first, so that no part of a longer one is left over. */
function wireForms(secrets: Iterable<string>): string[] {
  const all = [...secrets]
  // Redirects repeat secrets as part of an address. Very short ones would match too many ordinary words.
  const forms = [...all, ...all.filter((one) => one.isWellFormed()).map(encodeURIComponent)].filter(
    (secret) => secret.length >= 4,
  )
  return forms.sort((a, b) => b.length - a.length)
}

function differs(a: Headers, b: Headers): boolean {
  return JSON.stringify(a) !== JSON.stringify(b)
}
