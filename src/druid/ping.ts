/**
 * One request to a dead-man's switch, in the manner of healthchecks.io. Anyone who knows the address can report in our
 * name, so errors name its host alone. No redirect is followed: the next host has no business with it.
 */
import { createFetch } from "ofetch"
import { DruidsyncError, messageOf } from "../base/errors.ts"
import type { AgentOptions } from "./agents.ts"
import { createTransport } from "./transport.ts"

/** What is reported: under the address itself, or one step below it. */
export type Signal = "start" | "success" | "fail"

export interface PingOptions {
  /** the address of the switch, http or https */
  readonly url: string
  readonly signal: Signal
  /** a few words, sent with POST; without: GET */
  readonly body?: string | undefined
  /** limit for a try, ms */
  readonly timeoutMs: number
  /** how often it is sent where it is not answered */
  readonly tries: number
  readonly userAgent: string
  readonly proxyFor?: AgentOptions["proxyFor"]
}

/** `https://hc-ping.com/uuid?create=1` → `https://hc-ping.com/uuid/start?create=1` */
function pingUrl(url: string, signal: Signal): string {
  const address = new URL(url)
  address.hash = ""
  if (signal !== "success") address.pathname = `${address.pathname.replace(/\/+$/, "")}/${signal}`
  return address.href
}

/** @throws DruidsyncError `connect` if it is not answered with 2xx in time; its message holds the host alone */
export async function ping(options: PingOptions): Promise<void> {
  const { url, signal, body, timeoutMs, tries, userAgent, proxyFor } = options
  const limit = { connectTimeoutMs: timeoutMs, firstByteTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs }
  const transport = createTransport({ ...limit, maxSockets: 1, proxyFor })
  const ofetch = createFetch({ fetch: transport.fetch as typeof fetch })
  let why = "the request could not be sent"
  try {
    await ofetch(pingUrl(url, signal), {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body }),
      headers: { "user-agent": userAgent, "content-type": "text/plain; charset=utf-8" },
      responseType: "stream",
      retry: tries - 1,
      onRequest: ({ options: request }) => {
        request.signal = AbortSignal.timeout(timeoutMs)
      },
      onRequestError: ({ error }) => {
        // Messages of the runtimes repeat the address; ours name the host alone.
        if (error instanceof DruidsyncError) why = messageOf(error)
        else if (error.name === "TimeoutError") why = `no answer within ${timeoutMs / 1000} s`
      },
      onResponse: ({ response: { status } }) => {
        why = `HTTP ${status}`
        if (status >= 400 || status < 300) return
        why = `it redirects (${why}), which is not followed`
        throw new Error(why)
      },
    })
  } catch {
    const { host } = new URL(url)
    throw new DruidsyncError("connect", `the ping to ${host} (${signal}) failed: ${why}`)
  } finally {
    transport.close()
  }
}
