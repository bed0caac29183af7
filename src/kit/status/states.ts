/** What the state of a checkpoint, and the end of a run, are called and mean: said once for `status`, `report` and the log. */
import type { PartState } from "../../base/domain.ts"

/** How much attention something asks for. */
export type Tone = "good" | "warn" | "bad" | "idle"

/** What a checkpoint is, or what is missing for one. */
export type Mark = PartState | "missing"

export interface MarkWords {
  readonly name: string
  readonly meaning: string
  readonly tone: Tone
}

/** In the order in which `status` lists them and `report` draws them. */
export const MARKS: Readonly<Record<Mark, MarkWords>> = {
  complete: { name: "proven", meaning: "proven against Druid's segments", tone: "good" },
  provisional: { name: "provisional", meaning: "realtime, may still change in Druid", tone: "idle" },
  unproven: { name: "unproven", meaning: "stored, but not counted by Druid yet", tone: "warn" },
  stale: { name: "stale", meaning: "old, still whole, until the next pull replaces it", tone: "warn" },
  kept: { name: "kept", meaning: "gone from Druid, here alone", tone: "idle" },
  missing: { name: "missing", meaning: "in Druid, not here as it is there", tone: "warn" },
}

/** How it stands with a run or a datasource. */
export interface Standing {
  readonly tone: Tone
  readonly words: string
}

const STANDINGS: Readonly<Record<string, Standing>> = {
  complete: { tone: "good", words: "complete" },
  incomplete: { tone: "warn", words: "incomplete" },
  interrupted: { tone: "warn", words: "interrupted" },
  killed: { tone: "warn", words: "killed" },
  failed: { tone: "bad", words: "failed" },
  dropped: { tone: "bad", words: "table dropped" },
  running: { tone: "idle", words: "running" },
}

/** How a run ended, or how a datasource was left by it. */
export function outcomeStanding(outcome: string): Standing {
  return Object.hasOwn(STANDINGS, outcome) ? STANDINGS[outcome]! : { tone: "idle", words: outcome }
}

/** What a run that broke off leaves behind. */
export const LEFT_WHOLE = "what is stored is whole, the next pull goes on from there"
