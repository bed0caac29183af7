/** Reports a run to a dead-man's switch. Never fails the run, and delays its end by no more than the limits below. */

import { messageOf } from "../../base/errors.ts"
import { isHttpAddress } from "../../config/host.ts"
import { type Proxies, proxyFor } from "../../config/proxy.ts"
import type { Secret } from "../../config/secret.ts"
import { ping, type Signal } from "../../druid/ping.ts"

/** How long we wait for the switch to answer, ms. */
const TIMEOUT_MS = 5_000
/** The end of a run is sent again if the first try fails: a lost packet should not wake anybody at night. */
const TRIES_AT_END = 2
/** What such services keep of a body, and a person reads. */
const MAX_BODY = 2_000

export interface Pinger {
  /** reports the beginning; returns at once */
  start(): void
  /** reports the end, once the report of the beginning has been sent or given up */
  end(exitCode: number, words: string): Promise<void>
}

/**
 * @param proxies the way to the switch may lead through one
 * @param warn gets a message for each report that could not be sent; it names the host, never the address
 */
export function createPinger(
  url: Secret,
  userAgent: string,
  proxies: Proxies,
  warn: (message: string) => void,
): Pinger {
  const throughProxy = (address: URL) => {
    const proxy = proxyFor(proxies, address)?.reveal()
    return proxy !== undefined && isHttpAddress(proxy) ? proxy : undefined
  }

  let started: Promise<void> = Promise.resolve()

  async function tell(signal: Signal, body: string | undefined, tries: number): Promise<void> {
    try {
      await ping({
        url: url.reveal(),
        signal,
        body,
        timeoutMs: TIMEOUT_MS,
        tries,
        userAgent,
        proxyFor: throughProxy,
      })
    } catch (error) {
      warn(messageOf(error))
    }
  }

  return {
    start: () => {
      started = tell("start", undefined, 1)
    },
    end: async (exitCode, words) => {
      await started
      const body = `exit code ${exitCode}\n${words}`.slice(0, MAX_BODY)
      if (exitCode === 0) await tell("success", undefined, TRIES_AT_END)
      else await tell("fail", body, TRIES_AT_END)
    },
  }
}
