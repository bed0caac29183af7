/**
 * What druidsync must make of each fault at each place: what is tried again (src/pull/retry.ts) and what is proof (docs/architecture.md), as data. The
 * matrix test holds druidsync to it, and the tables in `docs/trust.md` are made from it.
 */
import type { ErrorCode } from "../../src/base/errors.ts"
import { type Fault, faults } from "../support/fault-proxy/index.ts"
import { PLACES, type Place } from "./places.ts"

export type Verdict =
  /** it makes no difference: exit 0, equal */
  | { readonly kind: "harmless" }
  /**
   * Tried again up to three times, after 2, 4 and 8 s or what the server asks for. Once: exit 0, equal. For good: exit 1
   * with this code.
   */
  | {
      readonly kind: "retried"
      readonly code: ErrorCode
      /** first pause where the server asks for one, ms */
      readonly firstWaitMs?: number
    }
  /** not tried again: the answer would be the same. Exit code and error code, once and for good */
  | { readonly kind: "refused"; readonly exitCode: 1 | 2 | 4; readonly code: ErrorCode }
  /**
   * Found out by looking at what arrived, and fetched again without a pause. Once: exit 0, equal. For good: exit 3 with the
   * reason where the counts do not agree, exit 1 with this code where it cannot even be read
   */
  | { readonly kind: "disproved"; readonly exitCode: 1 | 3; readonly code?: ErrorCode }
  /** The same is asked in another way, after more tries with these pauses, ms: exit 0, equal */
  | { readonly kind: "around"; readonly pauses: readonly number[] }
  /** a complete answer of Druid's, but an old one or one that lost a whole row: see "What is not promised" */
  | { readonly kind: "plausible" }

const CUT: Verdict = { kind: "retried", code: "response-cut" }
const MISCOUNTED: Verdict = { kind: "disproved", exitCode: 3 }
const UNREADABLE: Verdict = { kind: "disproved", exitCode: 1, code: "response-cut" }

/** By fault; a function where the place matters. */
const BY_FAULT: Readonly<Record<string, Verdict | ((place: Place) => Verdict)>> = {
  refused: { kind: "retried", code: "connect" },
  reset: { kind: "retried", code: "connect" },
  "closed unanswered": { kind: "retried", code: "connect" },
  "hang before headers": { kind: "retried", code: "timeout" },
  "hang in headers": { kind: "retried", code: "timeout" },
  "hang in body": { kind: "retried", code: "timeout" },
  "reset in body": CUT,
  trickle: { kind: "harmless" },
  "not HTTP": { kind: "retried", code: "connect" },
  "error in mid-stream, blank line": ({ kind }) => (kind === "scan" ? UNREADABLE : CUT),
  "error with status 200": CUT,
  "400 wrong query": { kind: "refused", exitCode: 1, code: "query" },
  "401 JSON": { kind: "refused", exitCode: 4, code: "auth" },
  "401 HTML": { kind: "refused", exitCode: 4, code: "auth" },
  "403": { kind: "refused", exitCode: 4, code: "forbidden" },
  "404": { kind: "refused", exitCode: 4, code: "not-druid" },
  "408": { kind: "retried", code: "timeout" },
  "408 Retry-After": { kind: "retried", code: "timeout", firstWaitMs: 20_000 },
  "429": { kind: "retried", code: "too-many-requests" },
  "429 Retry-After": { kind: "retried", code: "too-many-requests", firstWaitMs: 20_000 },
  "429 Retry-After date, skewed clock": { kind: "retried", code: "too-many-requests", firstWaitMs: 20_000 },
  "429 Retry-After nonsense": { kind: "retried", code: "too-many-requests" },
  "500 server": { kind: "retried", code: "server" },
  "500 wrong query": { kind: "refused", exitCode: 1, code: "query" },
  "502 HTML": { kind: "retried", code: "server" },
  "503": { kind: "retried", code: "server" },
  "503 Retry-After": { kind: "retried", code: "server", firstWaitMs: 20_000 },
  "504 JSON": { kind: "retried", code: "timeout" },
  "504 HTML": { kind: "retried", code: "timeout" },
  "302 to another host": { kind: "refused", exitCode: 4, code: "not-druid" },
  "307 to another host": { kind: "refused", exitCode: 4, code: "not-druid" },
  "204": CUT,
  "200 login page": { kind: "refused", exitCode: 1, code: "not-druid" },
  "200 other JSON": { kind: "refused", exitCode: 1, code: "not-druid" },
  "wrong content type": { kind: "harmless" },
  "skewed clock": { kind: "harmless" },
  "a row twice": ({ kind }) => (kind === "scan" || kind === "histogram" ? MISCOUNTED : CUT),
  "a row left out": ({ kind }) => {
    if (kind === "columns" || kind === "segments") return { kind: "plausible" }
    return kind === "scan" || kind === "histogram" ? MISCOUNTED : CUT
  },
  "no row at all": ({ kind }) => {
    if (kind === "columns") return { kind: "refused", exitCode: 4, code: "forbidden" }
    if (kind === "segments") return { kind: "plausible" }
    return kind === "scan" || kind === "histogram" ? MISCOUNTED : CUT
  },
  "rows in another order": { kind: "harmless" },
  "bytes twice": ({ kind }) => (kind === "scan" ? UNREADABLE : CUT),
  "bytes swapped": ({ kind }) => (kind === "scan" ? UNREADABLE : CUT),
  "a value of another type": ({ kind }) =>
    kind === "scan" ? { kind: "refused", exitCode: 1, code: "type" } : CUT,
  "a null too many": ({ kind }) => (kind === "scan" ? MISCOUNTED : CUT),
  "answer of another request": { kind: "retried", code: "not-druid" },
  "stale answer without an id": { kind: "plausible" },
}

/** Pauses of what is tried again, ms. */
export const BACKOFF_MS = [2_000, 4_000, 8_000]

/** Where the native API is refused, as behind a proxy that lets SQL alone pass, SQL tells the same. */
const REFUSES_NATIVE: readonly ErrorCode[] = ["forbidden", "not-druid", "query"]
/** of segment metadata: a body that ends properly and is no JSON is nothing of Druid's */
const NO_JSON: readonly string[] = ["ended in a row", "ended at once", "204", "error with status 200"]

/** The verdict for a fault at a place. */
function verdictOf(fault: Fault, place: Place): Verdict {
  if (place.isDirect === true) return pastBroker(fault, place)
  const verdict = verdictAnywhere(fault, place)
  if (place.isOfConfig === true && verdict.kind === "refused" && verdict.code === "query")
    return { kind: "refused", exitCode: 2, code: "config" }
  if (place.kind !== "segmentMetadata") return verdict
  if (NO_JSON.includes(fault.name)) return { kind: "around", pauses: [] }
  const isRefusal = verdict.kind === "refused" || verdict.kind === "retried"
  if (!isRefusal || !REFUSES_NATIVE.includes(verdict.code)) return verdict
  return { kind: "around", pauses: verdict.kind === "retried" ? BACKOFF_MS : [] }
}

/**
 * What data nodes cannot send comes through the broker: after a second try where that may help, else at once. There is no
 * second try, either, where no data node can be reached, or where what arrived shows that it is wrong.
 */
function pastBroker(fault: Fault, { kind, ...place }: Place): Verdict {
  const isDataNode = kind === "segmentScan"
  const verdict = verdictAnywhere(fault, { ...place, kind: isDataNode ? "scan" : kind })
  // A broker that refuses connections answers no SQL either.
  if (verdict.kind === "harmless" || (fault.name === "refused" && !isDataNode)) return verdict
  const isCut = isDataNode && NO_BATCHES.includes(fault.name)
  const isOutOfReach = isDataNode && verdict.kind === "retried" && verdict.code === "connect"
  const isWrong =
    (kind === "explain" && NO_PLAN.includes(fault.name)) ||
    (kind === "candidates" && NO_LIST.includes(fault.name))
  const mayHelp = isCut || (verdict.kind === "retried" && !isOutOfReach && !isWrong)
  const waitMs = verdict.kind === "retried" ? (verdict.firstWaitMs ?? 0) : 0
  return { kind: "around", pauses: mayHelp ? [Math.max(BACKOFF_MS[0]!, waitMs)] : [] }
}

/** of a data node: what is no list of batches is a list that was cut */
const NO_BATCHES: readonly string[] = ["200 login page", "200 other JSON", "bytes swapped"]
/** of `EXPLAIN`: whole answers that are no plan, or tell it twice */
const NO_PLAN: readonly string[] = [
  "a row twice",
  "a row left out",
  "no row at all",
  "a value of another type",
  "a null too many",
]
/** of `candidates`: whole answers that are no list, or an old one */
const NO_LIST: readonly string[] = [...NO_JSON, "answer of another request"]

function verdictAnywhere(fault: Fault, place: Place): Verdict {
  const known = BY_FAULT[fault.name]
  if (known !== undefined) return typeof known === "function" ? known(place) : known
  if (fault.group === "cut" || fault.group === "cut with a proper end") return CUT
  throw new Error(`no verdict for ${fault.name}`)
}

/** One cell of the matrix. */
export interface Cell {
  readonly fault: Fault
  readonly place: Place
  readonly verdict: Verdict
}

/** Every fault at every place where it can happen. */
export function cells(places: readonly Place[] = PLACES): Cell[] {
  return faults.flatMap((fault) =>
    places
      .filter(({ kind }) => fault.at === undefined || fault.at(kind))
      .map((place) => ({
        fault,
        place,
        verdict: verdictOf(fault, place),
      })),
  )
}
