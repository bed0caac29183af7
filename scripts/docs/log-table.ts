/** The events of `--log-format json` and the fields of each, as a table. Pure. */
import * as v from "valibot"
import { logLine } from "../../src/kit/log/document.ts"
import { table } from "./markdown.ts"

/** What every line has. */
const OF_ALL = ["time", "level", "event", "message"]

export function logTable(): string {
  const rows = logLine.options.map(({ entries }) => {
    const fields = Object.entries(entries as v.ObjectEntries).filter(([name]) => !OF_ALL.includes(name))
    return [`\`${entries.event.literal}\``, fields.map(fieldWords).join(", ")]
  })
  return table(["event", "more fields"], rows)
}

function fieldWords([name, entry]: [string, v.ObjectEntries[string]]): string {
  const isOptional = entry.type === "exact_optional"
  const meaning = isOptional ? v.getDescription((entry as { wrapped: v.GenericSchema }).wrapped) : undefined
  return meaning === undefined ? `\`${name}\`` : `\`${name}\` (${meaning})`
}
