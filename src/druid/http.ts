/**
 * One request to Druid over our own transport: its headers and credentials, and the error for whatever is not a 2xx. Every
 * error names what was being done, and none holds a credential (invariant I8).
 */
import { DruidsyncError, messageOf } from "../base/errors.ts"
import { dropBody, textOf } from "./body.ts"
import { refusal } from "./refusal.ts"
import type { Transport } from "./transport.ts"

/** What lets in. It may change while a run goes on. */
export interface Credentials {
  /** headers of the next request. @throws DruidsyncError if they cannot be had; the signal's reason */
  headers(signal?: AbortSignal): Promise<Readonly<Record<string, string>>>
  /** Druid did not accept these: looks for others. @returns whether there are any. @throws the signal's reason */
  renew(refused: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<boolean>
  /** in every form that they have on the wire, longest first: blotted out wherever a server's text repeats them (I8) */
  secrets(): readonly string[]
}

export interface HttpOptions {
  /** `https://host:port/base/path`, without a slash at its end */
  readonly baseUrl: string
  readonly credentials?: Credentials | undefined
  readonly transport: Transport
  /** ask for compressed answers */
  readonly gzip: boolean
  readonly userAgent: string
  readonly nowMs: () => number
}

/** What is sent. */
export interface Message {
  readonly method: "GET" | "POST" | "DELETE"
  /** below the base URL */
  readonly path: string
  readonly body?: string
}

export interface RequestOptions {
  /** what is being done, for error sentences: `counting rows of "wikipedia"` */
  readonly action: string
  readonly signal?: AbortSignal | undefined
}

/** Most bytes of an error page that are looked at. */
const MAX_REFUSAL_BYTES = 64 * 1024

export class Http {
  /** requests sent so far */
  requests = 0
  readonly #options: HttpOptions

  constructor(options: HttpOptions) {
    this.#options = options
  }

  /**
   * @returns a 2xx response, its body unread
   * @throws DruidsyncError for any other answer and for none; the signal's reason where it was aborted
   */
  async send(message: Message, request: RequestOptions): Promise<Response> {
    const { baseUrl, nowMs } = this.#options
    const response = await this.#admitted(message, request).catch((error: unknown) => {
      throw this.named(error, request)
    })
    const { status, headers } = response
    if (status >= 200 && status < 300) return response
    const text = await textOf(response, MAX_REFUSAL_BYTES).catch(() => "")
    throw refusal({
      status,
      headers,
      body: text,
      action: request.action,
      url: baseUrl,
      nowMs: nowMs(),
      blot: this.blot,
    })
  }

  /** With the credentials of now; where they are no longer accepted and there are others, once more with those. */
  async #admitted(message: Message, { signal }: RequestOptions): Promise<Response> {
    const { credentials } = this.#options
    const given = (await credentials?.headers(signal)) ?? {}
    const response = await this.#exchange(message, given, signal)
    if (response.status !== 401 || (await credentials?.renew(given, signal)) !== true) return response
    dropBody(response)
    return this.#exchange(message, (await credentials?.headers(signal)) ?? {}, signal)
  }

  #exchange(
    { method, path, body }: Message,
    given: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { baseUrl, transport, userAgent, gzip } = this.#options
    for (const [name, value] of Object.entries(given)) refuseUnsendable(name, value)
    this.requests++
    return transport.fetch(baseUrl + path, {
      method,
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/plain, */*",
        "user-agent": userAgent,
        "accept-encoding": gzip ? "gzip" : "identity",
        ...given,
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /** Servers and proxies repeat what they were sent, also in error pages. */
  readonly blot = (text: string): string =>
    (this.#options.credentials?.secrets() ?? []).reduce(
      (rest, secret) => rest.replaceAll(secret, "[secret]"),
      text,
    )

  /** The error with what was being done in front. An abort stays the abort that it is. */
  named(error: unknown, { action, signal }: RequestOptions): unknown {
    if (signal?.aborted) return signal.reason
    if (!(error instanceof DruidsyncError)) return error
    return error.saying(`${action}: ${this.blot(error.message)}`, blotted(error.cause, this.blot))
  }
}

function refuseUnsendable(name: string, value: string): void {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return
  // The runtimes' own error repeats the value (invariant I8).
  const key = name === "authorization" ? '"token"' : `"headers", ${name}`
  throw new DruidsyncError("config", "the credentials hold a character that no HTTP header can carry", {
    hint: `check ${key}: a line break or a character beyond Latin-1 got into it`,
  })
}

/** A parser's complaint quotes what it could not parse, and `--verbose` shows the chain of causes. */
function blotted(cause: unknown, blot: (text: string) => string): Error | undefined {
  if (cause === undefined) return undefined
  const deeper = cause instanceof Error ? blotted(cause.cause, blot) : undefined
  return new Error(blot(messageOf(cause)), deeper === undefined ? {} : { cause: deeper })
}
