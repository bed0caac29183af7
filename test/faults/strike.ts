/** Plays one cell of the matrix and says what druidsync did other than its verdict demands. */
import type { Outcome } from "./run.ts"
import type { Scenario } from "./scenario.ts"
import { BACKOFF_MS, type Cell } from "./verdicts.ts"

/** Real time that a hanging server is waited for, ms: often where it hangs for good, so shortly. */
const HANG_TIMEOUT_MS = { once: 2_000, stays: 300 }
/** A Druid that takes no more queries is asked for so long, in pauses that double up to a minute. */
const CROWDED_MS = 3_600_000

export type Mode = "once" | "stays"

/** A fault that is met with a refusal, or does no harm, is the same whether it comes back or not. */
export function modesOf({ verdict }: Cell): Mode[] {
  return verdict.kind === "refused" || verdict.kind === "harmless" ? ["stays"] : ["once", "stays"]
}

/** What came of one cell in one mode. */
export interface Struck {
  /** one sentence each; none where the verdict holds */
  readonly wrong: readonly string[]
  readonly outcome: Outcome
}

/** Pulls with the fault, looks into the file, and where that was not complete pulls again without it. */
export async function strike(scenario: Scenario, cell: Cell, mode: Mode): Promise<Struck> {
  const { fault, place, verdict } = cell
  const proxy = scenario.proxyOf(place)
  scenario.reset()
  proxy.arm({ fault, ...place, mode })
  const outcome = await scenario.pull({
    ...(fault.name.startsWith("hang") ? { timeoutMs: HANG_TIMEOUT_MS[mode] } : {}),
    gzip: fault.gzip === true,
    direct: place.isDirect === true,
    // A server that refuses connections is back for the third try.
    onSleep: async (_, count) => {
      if (mode === "once" && count === 2) await proxy.open()
    },
  })
  const wrong: string[] = []
  const must = (holds: boolean, otherwise: string) => {
    if (!holds) wrong.push(otherwise)
  }
  must(
    proxy.seen.some((request) => request.hit),
    "the fault never struck",
  )
  must(scenario.leftovers().length === 0, `left behind: ${scenario.leftovers().join(", ")}`)
  const held = await scenario.look()
  must(held.proven === undefined, `not a proven state: ${held.proven}`)
  const isComplete = outcome.exitCode === 0
  if (verdict.kind !== "plausible") must(!isComplete || held.equal === undefined, `exit 0, but ${held.equal}`)
  wrong.push(...againstVerdict(cell, mode, outcome), ...againstReader(outcome, scenario.folder))
  await proxy.open()
  proxy.arm()
  if (!isComplete || held.equal !== undefined) {
    const next = await scenario.pull()
    must(next.exitCode === 0, `the next pull: exit ${next.exitCode}: ${next.message}`)
    const { equal } = await scenario.look()
    must(equal === undefined, `after the next pull: ${equal}`)
  }
  return { wrong, outcome }
}

function againstVerdict({ fault, verdict, place }: Cell, mode: Mode, outcome: Outcome): string[] {
  const wrong: string[] = []
  const { exitCode, code, retries } = outcome
  const mustEnd = (wanted: number, wantedCode?: string) => {
    if (exitCode !== wanted) wrong.push(`exit ${exitCode}, not ${wanted}: ${outcome.message}`)
    else if (wantedCode !== undefined && code !== wantedCode)
      wrong.push(`code ${code}, not ${wantedCode}: ${outcome.message}`)
  }
  // A slice that times out or is cut is asked for again in halves, and its counts with it; each half has its own tries.
  // A server that refuses connections refuses others that are under way. A machine that is busy may run into the short
  // timeout by itself.
  const isOfSlice = place.kind === "scan" || (place.kind === "counts" && place.name !== "recount")
  const more = isOfSlice || place.isRepeated === true || /^(refused|hang)/.test(fault.name)
  const mustRetry = (...waits: number[]) => {
    const counted = (list: readonly number[], wait: number) => list.filter((one) => one === wait).length
    const enough = waits.every((wait) => counted(retries, wait) >= counted(waits, wait))
    const exact = JSON.stringify(retries) === JSON.stringify(waits)
    if (waits.length > 0 && more ? !enough : !exact) wrong.push(`pauses [${retries}], not [${waits}]`)
  }
  switch (verdict.kind) {
    case "harmless":
      mustEnd(0)
      mustRetry()
      break
    case "refused":
      mustEnd(verdict.exitCode, verdict.code)
      mustRetry()
      break
    case "disproved":
      mustRetry()
      if (mode === "once") mustEnd(0)
      else mustEnd(verdict.exitCode, verdict.code)
      break
    case "retried": {
      const waits = pausesBefore(verdict)
      if (mode === "once") {
        mustEnd(0)
        mustRetry(waits[0]!)
      } else {
        mustEnd(1, verdict.code)
        mustRetry(...waits)
      }
      break
    }
    case "around":
      mustEnd(0)
      mustRetry(...(mode === "once" ? verdict.pauses.slice(0, 1) : verdict.pauses))
      break
    case "plausible":
  }
  return wrong
}

/** The pauses of a server that never mends. */
function pausesBefore({ code, firstWaitMs = 0 }: Extract<Cell["verdict"], { kind: "retried" }>): number[] {
  if (code !== "too-many-requests") return BACKOFF_MS.map((wait) => Math.max(wait, firstWaitMs))
  const pauses: number[] = []
  let waited = 0
  for (let doubled = BACKOFF_MS[0]!; waited < CROWDED_MS; doubled = Math.min(2 * doubled, 60_000)) {
    pauses.push(Math.max(doubled, firstWaitMs))
    waited += pauses.at(-1)!
  }
  return pauses
}

/** What a person is shown must be whole sentences about their Druid and their file, not about our insides. */
function againstReader({ exitCode, message }: Outcome, folder: string): string[] {
  if (exitCode === 0) return []
  const wrong: string[] = []
  const must = (holds: boolean, otherwise: string) => {
    if (!holds) wrong.push(`${otherwise}: ${message}`)
  }
  must(message.trim() !== "", "says nothing")
  must(message.length < 1_500, "says too much")
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  must(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(message), "has control characters")
  must(!/undefined|\[object|NaN|\bat \/|node_modules|this is a bug/.test(message), "speaks of our insides")
  must(!message.includes(folder), "names a file of the spool")
  return wrong
}
