/** Events of the engine in words, for lines on stderr and for the JSON log alike. Pure. */
import type { SyncEvent } from "../pull/events.ts"
import { counted, duration, size } from "./text/words.ts"

/** Events that a line is written for as they are. */
export type ToldEvent = Exclude<SyncEvent, { type: "received" | "finished" }>

/** What happened, without the datasource. Text of others in it is not made printable here. */
export function eventWords(event: ToldEvent): string {
  switch (event.type) {
    case "looking":
      return `asking ${event.url} about ${counted(event.datasources.length, "datasource")}`
    case "planned":
      return `about ${counted(event.rows, event.isMore ? "more row" : "row")} to fetch in ${counted(event.slices, "slice")}`
    case "fetched":
      return `a slice has arrived (${size(event.bytes)})`
    case "committed":
      return `${counted(event.rows, "row")} stored`
    case "retry":
      return `trying again in ${duration(event.waitMs, false)}: ${event.message}`
    case "waiting":
    case "warning":
    case "detail":
      return event.message
  }
}
