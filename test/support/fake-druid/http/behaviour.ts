/** Misbehaviour on order: what a hook may return to make one request end otherwise than well. */
import type { Reply } from "./errors.ts"

/** Where in a body something happens: after so many bytes, or after so many data rows (header lines do not count). */
export type Where = { readonly bytes: number } | { readonly rows: number }

export type Behaviour =
  /** answer this instead */
  | { readonly do: "reply"; readonly reply: Reply }
  /**
   * Stop the body there. `clean`: the chunked encoding is ended properly, as when Druid's own timeout or a dying
   * historical cuts a query: HTTP 200, whole rows, only the blank line is missing. `close`: the connection is closed.
   */
  | {
      readonly do: "cut"
      readonly at: Where
      readonly end: "clean" | "close"
      readonly message?: string | undefined
    }
  /** close the connection before any header */
  | { readonly do: "destroy" }
  /** send nothing more from there on (from before the headers, without `at`), until the client or `reset` ends it */
  | { readonly do: "hang"; readonly at?: Where | undefined }
  /** go on once the promise is done, then as `next` says */
  | { readonly do: "wait"; readonly for: Promise<unknown>; readonly next?: Behaviour | undefined }
  /** answer this request as to a caller that may not see these datasources */
  | { readonly do: "deny"; readonly datasources: readonly string[] }

export const reply = (answer: Reply): Behaviour => ({ do: "reply", reply: answer })
export const cut = (at: Where, end: "clean" | "close" = "clean", message?: string): Behaviour => ({
  do: "cut",
  at,
  end,
  message,
})
export const destroy = (): Behaviour => ({ do: "destroy" })
export const hang = (at?: Where): Behaviour => ({ do: "hang", at })
export const waitFor = (promise: Promise<unknown>, next?: Behaviour): Behaviour => ({
  do: "wait",
  for: promise,
  next,
})
export const deny = (...datasources: string[]): Behaviour => ({ do: "deny", datasources })
