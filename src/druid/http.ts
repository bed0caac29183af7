/**
 * One request to Druid over our own transport: its headers and credentials, and the error for whatever is not a 2xx. Every
 * error names what was being done, and none holds a credential (invariant I8).
 */
import { DruidsyncError, ExitCode, messageOf } from "../base/errors.ts"
import { textOf } from "./body.ts"
import { refusal } from "./refusal.ts"
import type { Transport } from "./transport.ts"

export interface HttpOptions {
  /** `https://host:port/base/path`, without a slash at its end */
  readonly baseUrl: string
  /** value of the `Authorization` header; asked for at each request and kept nowhere */
  readonly authorization?: (() => string) | undefined
  readonly transport: Transport
  /** ask for compressed answers */
  readonly gzip: boolean
  /** credentials, longest first: blotted out wherever a server's text repeats them (invariant I8) */
  readonly secrets?: (() => readonly string[]) | undefined
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
  async send({ method, path, body }: Message, request: RequestOptions): Promise<Response> {
    const { baseUrl, transport, nowMs } = this.#options
    this.requests++
    let response: Response
    try {
      response = await transport.fetch(baseUrl + path, {
        method,
        headers: this.#headers(),
        ...(body === undefined ? {} : { body }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      })
    } catch (error) {
      throw this.named(error, request)
    }
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

  #headers(): Record<string, string> {
    const { authorization, gzip, userAgent } = this.#options
    const credentials = authorization?.()
    if (credentials !== undefined && !/^[\t\x20-\x7e\x80-\xff]*$/.test(credentials)) {
      // The runtimes' own error repeats the value (invariant I8).
      throw new DruidsyncError("config", "the credentials hold a character that no HTTP header can carry", {
        exitCode: ExitCode.usage,
        hint: 'check "token": a line break or a character beyond Latin-1 got into it',
      })
    }
    return {
      "content-type": "application/json",
      accept: "application/json, text/plain, */*",
      "user-agent": userAgent,
      "accept-encoding": gzip ? "gzip" : "identity",
      ...(credentials === undefined ? {} : { authorization: credentials }),
    }
  }

  /** Servers and proxies repeat what they were sent, also in error pages. */
  readonly blot = (text: string): string =>
    (this.#options.secrets?.() ?? []).reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text)

  /** The error with what was being done in front. An abort stays the abort that it is. */
  named(error: unknown, { action, signal }: RequestOptions): unknown {
    if (signal?.aborted) return signal.reason
    if (!(error instanceof DruidsyncError)) return error
    return error.saying(`${action}: ${this.blot(error.message)}`, blotted(error.cause, this.blot))
  }
}

/** A parser's complaint quotes what it could not parse, and `--verbose` shows the chain of causes. */
function blotted(cause: unknown, blot: (text: string) => string): Error | undefined {
  if (cause === undefined) return undefined
  const deeper = cause instanceof Error ? blotted(cause.cause, blot) : undefined
  return new Error(blot(messageOf(cause)), deeper === undefined ? {} : { cause: deeper })
}
