/**
 * One request to a dead-man's switch, in the manner of healthchecks.io. Whoever knows the address can report in our
 * name, so errors name its host alone. No redirect is followed: the next host has no business with it.
 */
import { createFetch } from "ofetch"
import { DruidsyncError, messageOf } from "../base/errors.ts"
import { createTransport } from "./transport.ts"

/** What is reported: under the address itself, or one step below it. */
export type Signal = "start" | "success" | "fail"

export interface PingOptions {
  /** the address of the switch, http or https */
  readonly url: string
  readonly signal: Signal
  /** a few words, sent with POST; without: GET */
  readonly body?: string | undefined
  /** limit for all of it, ms */
  readonly timeoutMs: number
  readonly userAgent: string
}

/** `https://hc-ping.com/uuid?create=1` → `https://hc-ping.com/uuid/start?create=1` */
export function pingUrl(url: string, signal: Signal): string {
  const address = new URL(url)
  address.hash = ""
  if (signal !== "success") address.pathname = `${address.pathname.replace(/\/+$/, "")}/${signal}`
  return address.href
}

/** @throws DruidsyncError `connect` where it is not answered with 2xx in time; its message holds the host alone */
export async function ping(options: PingOptions): Promise<void> {
  const { timeoutMs, body } = options
  const url = pingUrl(options.url, options.signal)
  const { host } = new URL(url)
  const limit = { connectTimeoutMs: timeoutMs, firstByteTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs }
  const transport = createTransport({ ...limit, maxSockets: 1 })
  const ofetch = createFetch({ fetch: transport.fetch as typeof fetch, Headers, AbortController })
  const failed = (why: string) =>
    new DruidsyncError("connect", `the ping to ${host} (${options.signal}) failed: ${why}`)
  try {
    const { status, body: answer } = await ofetch.raw(url, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body }),
      headers: { "user-agent": options.userAgent, "content-type": "text/plain; charset=utf-8" },
      responseType: "stream",
      ignoreResponseError: true,
      retry: 0,
      signal: AbortSignal.timeout(timeoutMs),
    })
    await answer?.cancel()
    if (status >= 300 && status < 400) throw failed(`it redirects (HTTP ${status}), which is not followed`)
    if (status < 200 || status >= 400) throw failed(`HTTP ${status}`)
  } catch (error) {
    if (error instanceof DruidsyncError && error.message.startsWith("the ping to ")) throw error
    throw failed(whyNot(error, timeoutMs))
  } finally {
    transport.close()
  }
}

/** ofetch's own messages repeat the address; ours, below it, name the host alone. */
function whyNot(error: unknown, timeoutMs: number): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof DruidsyncError) return messageOf(cause)
    if (cause.name === "TimeoutError" || cause.name === "AbortError")
      return `no answer within ${timeoutMs / 1000} s`
  }
  return "the request could not be sent"
}
