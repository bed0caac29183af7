/**
 * Tokens of OAuth 2.0's client credentials grant (RFC 6749, 4.4): fetched when the first request needs one, and again
 * before it runs out or when Druid no longer accepts it. No message holds a secret (invariant I8).
 */
import { unlessAborted } from "../base/abort.ts"
import { DruidsyncError } from "../base/errors.ts"
import { printable } from "../base/printable.ts"
import { textOf } from "./body.ts"
import type { Transport } from "./transport.ts"

export interface TokenOptions {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: () => string
  readonly scope: string | undefined
  readonly transport: Transport
  readonly userAgent: string
  readonly nowMs: () => number
}

interface Token {
  readonly value: string
  /** epoch ms; Infinity where the server does not say */
  readonly renewAtMs: number
  readonly endsAtMs: number
}

/** A question that is under way, for all who need its answer. */
interface Asking {
  readonly token: Promise<Token>
  readonly stop: AbortController
  waiting: number
}

/** A token is replaced this long before its end, or at three quarters of a short life. */
const MARGIN_MS = 30_000

export class TokenSource {
  readonly #options: TokenOptions
  readonly #host: string
  #token: Token | undefined
  #pending: Asking | undefined
  /** some servers take the client's name and secret in the body alone */
  #inBody = false

  constructor(options: TokenOptions) {
    this.#options = options
    this.#host = new URL(options.tokenUrl).host
  }

  /** A token that has not run out. @throws DruidsyncError `auth`, `connect`, …; the signal's reason */
  async token(signal?: AbortSignal): Promise<string> {
    const now = this.#options.nowMs()
    const held = this.#token
    if (held !== undefined && now < held.renewAtMs) return held.value
    try {
      return (await this.#renewed(signal)).value
    } catch (error) {
      signal?.throwIfAborted()
      // The old one is good for a little longer: the next request tries again.
      if (held !== undefined && now < held.endsAtMs) return held.value
      throw error
    }
  }

  /** Druid did not accept this token. @returns whether there is another now. @throws DruidsyncError; the signal's reason */
  async replace(refused: string, signal?: AbortSignal): Promise<boolean> {
    if (this.#token === undefined || this.#token.value === refused) await this.#renewed(signal)
    return this.#token?.value !== refused
  }

  /** One request at a time, however many wait for the token; it ends with the last of them. */
  async #renewed(signal: AbortSignal | undefined): Promise<Token> {
    this.#pending ??= this.#ask()
    const asking = this.#pending
    asking.waiting++
    try {
      return await unlessAborted(asking.token, signal)
    } finally {
      asking.waiting--
      if (asking.waiting === 0) this.#end(asking)
    }
  }

  #ask(): Asking {
    const stop = new AbortController()
    const token = this.#fetch(stop.signal).then((found) => {
      this.#token = found
      return found
    })
    return { token, stop, waiting: 0 }
  }

  #end(asking: Asking): void {
    if (this.#pending === asking) this.#pending = undefined
    asking.stop.abort()
  }

  async #fetch(signal: AbortSignal): Promise<Token> {
    const { nowMs } = this.#options
    const askedAtMs = nowMs()
    let response = await this.#post(signal)
    if (!this.#inBody && (response.status === 400 || response.status === 401)) {
      this.#inBody = true
      response = await this.#post(signal)
    }
    const { status, answer } = response
    const { access_token: value, expires_in: seconds, token_type: type } = answer
    if (status < 200 || status >= 300) throw this.#refusal(status, answer)
    if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value))
      throw this.#failure("its answer holds no access_token")
    if (typeof type === "string" && type.toLowerCase() !== "bearer")
      throw this.#failure(`it gives tokens of type ${printable(type).slice(0, 40)}, not bearer`)
    const lifeMs = Number(seconds) > 0 ? Number(seconds) * 1000 : Number.POSITIVE_INFINITY
    const marginMs = Math.min(MARGIN_MS, lifeMs / 4)
    return { value, endsAtMs: askedAtMs + lifeMs, renewAtMs: askedAtMs + lifeMs - marginMs }
  }

  async #post(
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly answer: Readonly<Record<string, unknown>> }> {
    const { tokenUrl, clientId, clientSecret, scope, transport, userAgent } = this.#options
    const form = new URLSearchParams({ grant_type: "client_credentials" })
    if (scope !== undefined) form.set("scope", scope)
    const headers: Record<string, string> = {
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      "user-agent": userAgent,
    }
    if (this.#inBody) {
      form.set("client_id", clientId)
      form.set("client_secret", clientSecret())
    } else {
      // RFC 6749, 2.3.1: each is form-encoded before the two are joined.
      const both = [clientId, clientSecret()].map((one) =>
        new URLSearchParams([["", one]]).toString().slice(1),
      )
      headers.authorization = `Basic ${Buffer.from(both.join(":")).toString("base64")}`
    }
    const response = await transport
      .fetch(tokenUrl, { method: "POST", headers, body: form.toString(), signal })
      .catch((error: unknown) => {
        throw error instanceof DruidsyncError ? error.saying(`asking for a token: ${error.message}`) : error
      })
    return { status: response.status, answer: objectOf(await textOf(response, 1 << 20)) }
  }

  #refusal(status: number, answer: Readonly<Record<string, unknown>>): DruidsyncError {
    // An error code of the RFC; a description could repeat what was sent.
    const code = typeof answer.error === "string" && /^[a-z_]{1,40}$/.test(answer.error) ? answer.error : ""
    const why = `${code === "" ? "it refuses" : code} (HTTP ${status})`
    const isBusy = status === 408 || status === 429 || status >= 500
    if (!isBusy) return this.#failure(why)
    return new DruidsyncError("server", `asking for a token: ${this.#host}: ${why}`, { retryable: true })
  }

  #failure(why: string): DruidsyncError {
    return new DruidsyncError("auth", `asking for a token: ${this.#host}: ${why}`, {
      hint: 'check "tokenUrl", "clientId", "clientSecret" and "scope" in "token"',
    })
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>
  } catch {
    // A web page or nothing: what is missing in it is said by the caller.
  }
  return {}
}
