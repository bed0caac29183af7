/**
 * The one error that users see. Every failure that we foresee is a DruidsyncError. Anything else that reaches
 * `main.ts` is a bug and is reported as one.
 */

/** The exit codes of the process by name; `EXIT_CODES` says what they mean. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  incomplete: 3,
  refused: 4,
  locked: 11,
  interrupted: 130,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** What each exit code means: the one table, which `--help`, the manual page and the documents show. */
export const EXIT_CODES: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [ExitCode.ok, "all of it is complete"],
  [ExitCode.failed, "failed; nothing unproven was stored"],
  [ExitCode.usage, "wrong usage or configuration"],
  [ExitCode.incomplete, "some of it is incomplete; what was stored is proven"],
  [ExitCode.refused, "Druid refused: credentials, permission, unknown datasource"],
  [ExitCode.locked, "the file, or a run on it, is locked by someone else"],
  [ExitCode.interrupted, "interrupted"],
]

/** Machine-readable names of what went wrong; stable, used by `--json` and by tests. */
export type ErrorCode =
  | "usage"
  | "config"
  | "connect"
  | "tls"
  | "timeout"
  | "auth"
  | "forbidden"
  | "unknown-datasource"
  | "lookup"
  | "not-druid"
  | "query"
  | "server"
  | "too-many-requests"
  | "response-cut"
  | "response-mismatch"
  | "count-mismatch"
  | "unavailable"
  | "file"
  | "foreign"
  | "disk-full"
  | "publish"
  | "locked"
  | "interrupted"
  | "type"
  | "bug"

/** What an error stops: one datasource, while the others go on, or the whole run. */
export type ErrorScope = "datasource" | "run"

/** Codes of errors that stop one datasource, where the error itself does not say otherwise. */
const OF_A_DATASOURCE: ReadonlySet<ErrorCode> = new Set([
  "forbidden",
  "unknown-datasource",
  "lookup",
  "not-druid",
  "query",
  "response-mismatch",
  "count-mismatch",
  "unavailable",
  "foreign",
  "config",
  "type",
])

/** Exit codes of errors whose code says it; the others exit with 1, where the error itself does not say otherwise. */
const EXIT_CODE_OF: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  usage: ExitCode.usage,
  config: ExitCode.usage,
  foreign: ExitCode.usage,
  auth: ExitCode.refused,
  forbidden: ExitCode.refused,
  locked: ExitCode.locked,
  interrupted: ExitCode.interrupted,
}

/** Codes of errors after which a smaller interval may pass. A timeout while rows are being sent is a cut response. */
const ASKING_FOR_LESS: ReadonlySet<ErrorCode> = new Set(["timeout", "response-cut"])

export interface DruidsyncErrorOptions {
  /** default: by the code */
  exitCode?: ExitCode
  /** default: by the code */
  scope?: ErrorScope
  /** true if the same question about a smaller interval may pass; default: by the code */
  asksForLess?: boolean
  /** true if the same request may succeed when sent again */
  retryable?: boolean
  /** wait at least this long before the next try (from `Retry-After`) */
  retryAfterMs?: number
  /** what to do next, in the imperative, one line */
  hint?: string
  cause?: unknown
}

/**
 * An error with a name for machines, a sentence for people, and a hint for what to do next.
 * The message says what happened and to what; it never holds a credential (invariant I8).
 */
export class DruidsyncError extends Error {
  override readonly name = "DruidsyncError"
  readonly code: ErrorCode
  readonly exitCode: ExitCode
  /** what it stops */
  readonly scope: ErrorScope
  /** a smaller interval may pass */
  readonly asksForLess: boolean
  /** the same request may succeed when sent again */
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: DruidsyncErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.exitCode = options.exitCode ?? EXIT_CODE_OF[code] ?? ExitCode.failed
    this.scope = options.scope ?? (OF_A_DATASOURCE.has(code) ? "datasource" : "run")
    this.asksForLess = options.asksForLess ?? ASKING_FOR_LESS.has(code)
    this.retryable = options.retryable ?? false
    this.retryAfterMs = options.retryAfterMs
    this.hint = options.hint
  }

  /** The same error with other words, from a caller that knows more about where it happened. */
  saying(message: string, cause: unknown = this, hint = this.hint): DruidsyncError {
    const { exitCode, scope, asksForLess, retryable } = this
    return new DruidsyncError(this.code, message, {
      exitCode,
      scope,
      asksForLess,
      retryable,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(hint === undefined ? {} : { hint }),
      cause,
    })
  }

  /** As `--json` documents have it. */
  toJSON(): ErrorReport {
    const { code, message, hint } = this
    return { code, message, ...(hint === undefined ? {} : { hint }) }
  }
}

/** An error in a `--json` document. */
export interface ErrorReport {
  /** an `ErrorCode` */
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** What the user asked for in a way that cannot be done: exit code 2. */
export function usage(message: string, hint = "see --help"): DruidsyncError {
  return new DruidsyncError("usage", message, { hint })
}

/** A response that is not whole: sent again, it may be. @param why completes "Druid's response is not complete: …" */
export function cutResponse(why: string, cause?: unknown): DruidsyncError {
  return new DruidsyncError("response-cut", `Druid's response is not complete: ${why}`, {
    retryable: true,
    cause,
  })
}

/** True for what stops one datasource and lets the others go on. */
export function concernsOneDatasource(error: unknown): error is DruidsyncError {
  return error instanceof DruidsyncError && error.scope === "datasource"
}

/** The worst exit code decides, in the order in which a pull lets it decide. */
export function worst(codes: readonly number[]): ExitCode {
  const order = [
    ExitCode.interrupted,
    ExitCode.failed,
    ExitCode.locked,
    ExitCode.usage,
    ExitCode.refused,
    ExitCode.incomplete,
  ]
  return order.find((code) => codes.includes(code)) ?? ExitCode.ok
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
