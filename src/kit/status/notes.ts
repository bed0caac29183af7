/** What a person should know of a datasource, as data: `status` writes it as lines, `report` as a page. Pure. */

import type { Interval } from "../../base/domain.ts"
import { groupBy } from "../../base/lists.ts"
import { count, counted, duration, intervalsWords, spansWords, time } from "../text/words.ts"
import type { DatasourceStatus } from "./document.ts"
import { LEFT_WHOLE, MARKS, outcomeStanding, type Standing, type Tone } from "./states.ts"

export interface Note {
  readonly tone: Tone
  readonly subject: string
  /** text of others, such as a message of Druid, is not made printable here */
  readonly text: string
}

/** A stretch that the last run left incomplete. */
export interface Missing {
  readonly interval: Interval
  readonly reason: string
}

/** The datasource in a word. */
export function standingOf(status: DatasourceStatus): Standing {
  if (status.foreignRows !== null) return { tone: "bad", words: "changed from outside" }
  if (status.status === "complete" && status.isIncomplete) return { tone: "warn", words: "not all proven" }
  return outcomeStanding(status.status)
}

/** @param missing as far as it is known; @returns how its last run ended first, then what is wrong, then what is as it should be */
export function statusNotes(status: DatasourceStatus, missing: readonly Missing[] = []): Note[] {
  return [
    ...endNotes(status, missing),
    ...foreignNotes(status),
    ...aheadNotes(status),
    ...missingNotes(missing),
    ...partNotes(status),
    ...windowNotes(status),
    ...shardNotes(status),
  ]
}

function endNotes({ status, message, lastRun }: DatasourceStatus, missing: readonly Missing[]): Note[] {
  const { tone, words } = outcomeStanding(status)
  if (status === "killed") return [{ tone, subject: "its last run was killed", text: LEFT_WHOLE }]
  if (status === "dropped") {
    return [{ tone, subject: "its table was dropped", text: "the next pull fetches all of it again" }]
  }
  if (message !== null) {
    // The notes on what is missing give this reason already.
    const isTold = missing.some((one) => message.includes(one.reason))
    return isTold ? [] : [{ tone: tone === "good" ? "idle" : tone, subject: words, text: message }]
  }
  if (lastRun?.outcome !== "interrupted" || lastRun.durationMs === null) return []
  return [{ tone, subject: `interrupted after ${duration(lastRun.durationMs)}`, text: LEFT_WHOLE }]
}

function foreignNotes({ datasource, foreignRows, rows }: DatasourceStatus): Note[] {
  if (foreignRows === null) return []
  const text = `its table has ${counted(foreignRows, "row")}, druidsync stored ${count(rows)}; pull --full --only ${JSON.stringify(datasource)} brings it back`
  return [{ tone: "bad", subject: "changed by another program", text }]
}

function aheadNotes({ aheadRows, cursor }: DatasourceStatus): Note[] {
  if (aheadRows === undefined || cursor === null) return []
  const subject = `${counted(aheadRows, "row")} after now, up to ${time(cursor)}`
  return [
    {
      tone: "warn",
      subject,
      text: "perhaps written with a wrong clock or time unit; freshness goes by the newest row before them",
    },
  ]
}

function partNotes({ parts }: DatasourceStatus): Note[] {
  return (["unproven", "stale", "provisional", "kept"] as const).flatMap((state): Note[] => {
    const group = parts[state]
    if (group === undefined) return []
    const { tone, name, meaning } = MARKS[state]
    const where = spansWords(group.intervals)
    return [{ tone, subject: `${counted(group.rows, "row")} ${name} (${where})`, text: meaning }]
  })
}

function windowNotes({ window }: DatasourceStatus): Note[] {
  if (window === undefined) return []
  const { keepMs, start } = window
  const subject = `keeps ${keepWords(keepMs)}`
  return [{ tone: "idle", subject, text: `from ${start.split("T")[0]} on; each pull deletes what is older` }]
}

function keepWords(keepMs: number): string {
  return keepMs % DAY_MS === 0 ? counted(keepMs / DAY_MS, "day") : duration(keepMs)
}

function shardNotes({ shard }: DatasourceStatus): Note[] {
  if (shard === null) return []
  return [{ tone: "idle", subject: `shard ${shard}`, text: "the days of other shards are in other files" }]
}

const DAY_MS = 86_400_000

/** More reasons than this are summed up in one note. */
const MOST_REASONS = 5

function missingNotes(missing: readonly Missing[]): Note[] {
  const all = [...groupBy(missing, ({ reason }) => reason)]
  const isMany = all.length > MOST_REASONS
  const told = isMany ? all.slice(0, MOST_REASONS - 1) : all
  const rest = all.slice(told.length)
  const others = `${rest.length} other reasons, see _sync_missing`
  if (isMany) told.push([others, rest.flatMap(([, group]) => group)])
  return told.map(([text, group]) => ({
    tone: MARKS.missing.tone,
    subject: `missing: ${intervalsWords(group.map(({ interval }) => interval))}`,
    text,
  }))
}
