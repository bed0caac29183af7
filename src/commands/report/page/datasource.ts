/** One datasource on the page: how it stands, its time line, columns, changes, verifications, runs. */
import { sumOf } from "../../../base/lists.ts"
import { outcomeStanding, type Standing, type Tone } from "../../../kit/status/states.ts"
import { ago, capital, count, counted, duration, size, time } from "../../../kit/text/words.ts"
import type { ChangeFact, VerifyFact } from "../../../store/notes/facts.ts"
import type { DatasourceModel } from "../model.ts"
import { chart } from "./chart.ts"
import { clipped, type Html, html } from "./html.ts"

const SYMBOLS: Readonly<Record<Tone, string>> = { good: "✓", warn: "!", bad: "✕", idle: "•" }

/** A word with its colour and its sign. */
export function badge({ tone, words }: Standing): Html {
  return html`<span class="badge ${tone}"><span aria-hidden="true">${SYMBOLS[tone]}</span>${clipped(capital(words), 40)}</span>`
}

/** `2024-05-01 06:00`, for people and machines. */
export function instant(ms: number): Html {
  const date = new Date(ms)
  // Beyond the calendar of `Date`: not written by us.
  if (Number.isNaN(date.getTime())) return html`–`
  const iso = date.toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")}</time>`
}

/** Longer names are cut: they are unreadable, and a file may hold many. */
const NAME_CHARACTERS = 200
export const nameOf = (name: string) => clipped(name, NAME_CHARACTERS)

/** @param id of its heading, for links */
export function datasourceSection(model: DatasourceModel, id: string, nowMs: number): Html {
  const { title, status, standing, notes, lanes, bins } = model
  const name = nameOf(title)
  return html`<section class="card" aria-labelledby="${id}" data-name="${name}" data-ok="${standing.tone === "good" ? "1" : "0"}">
<div class="head"><h2 id="${id}" tabindex="-1">${name}</h2>${badge(standing)}${status.table !== null && html`<small class="muted">table <code>${nameOf(status.table)}</code></small>`}</div>
${facts(model, nowMs)}
${
  notes.length > 0 &&
  html`<ul class="notes">${notes.map(
    ({ tone, subject, text }) =>
      html`<li class="note ${tone}"><b>${clipped(capital(subject))}</b><span>: ${clipped(text)}</span></li>
`,
  )}</ul>`
}
${bins === undefined ? html`<p class="muted">Nothing of it is stored${lanes.length > 0 && " that has bounds in time"}: there is no time line.</p>` : chart(name, bins, lanes)}
<div>${schema(model, name)}
${verifies(model.facts.verifies, name)}
${runs(model, name)}</div>
</section>
`
}

function facts({ status, facts: { verifies }, lanes }: DatasourceModel, nowMs: number): Html {
  const chunks = sumOf(lanes, (lane) => (lane.rows === undefined ? 0 : lane.chunks))
  const [verified] = verifies
  const fact = (term: string, value: Html | string, more: Html | string | false = false) =>
    html`<div><dt>${term}</dt><dd>${value}${more !== false && html`<small class="muted">${more}</small>`}</dd></div>
`
  const newestMs = status.newest === null ? Number.NaN : Date.parse(status.newest)
  const run = status.lastRun
  return html`<dl class="facts">
${fact("Rows", count(status.rows), status.bytes !== null && `${size(status.bytes)} in ${counted(chunks, "chunk")}`)}
${fact("Newest row", status.newest === null ? "none" : time(status.newest), !Number.isNaN(newestMs) && ago(newestMs, nowMs))}
${fact(
  "Last complete pull",
  status.lastSuccess === null ? "never" : instant(Date.parse(status.lastSuccess)),
  status.lastSuccess !== null && ago(Date.parse(status.lastSuccess), nowMs),
)}
${fact(
  "Last run",
  run === null ? "none noted" : instant(Date.parse(run.started)),
  run !== null && `${outcomeStanding(run.outcome).words}, ${counted(run.rowsFetched, "row")} fetched`,
)}
${fact(
  "Last verified",
  verified === undefined ? "never noted" : capital(verifyWords(verified).words),
  verified === undefined
    ? "druidsync verify compares with Druid"
    : html`${ago(verified.startedMs, nowMs)}, ${verified.mode === "rows" ? "row by row" : "by fingerprints"}`,
)}
</dl>`
}

function verifyWords({ outcome, compared, different, repaired }: VerifyFact): Standing {
  if (outcome === "equal") {
    const healed = repaired > 0 ? `, ${count(repaired)} repaired` : ""
    return compared === 0
      ? { tone: "idle", words: "nothing compared" }
      : { tone: "good", words: `equal${healed}` }
  }
  if (outcome === "different") return { tone: "bad", words: `${count(different)} differ` }
  if (outcome === "incomplete") return { tone: "warn", words: "not all compared" }
  return outcomeStanding(outcome)
}

const CHANGE_WORDS: Readonly<Record<ChangeFact["change"], string>> = {
  added: "new column",
  retyped: "became wider",
  vanished: "gone: stays, NULL in new rows",
  returned: "is back",
  renamed: "table renamed",
}

/** Of more columns the page only gives the number. */
const MOST_COLUMNS = 400

function schema({ columns, facts: { changes } }: DatasourceModel, name: string): Html | false {
  if (columns.length === 0) return false
  const touched = new Map<string, string>()
  for (const { column, change } of changes) {
    if (column !== undefined && !touched.has(column)) touched.set(column, CHANGE_WORDS[change] ?? change)
  }
  const rest = columns.length - MOST_COLUMNS
  return html`<details><summary>Schema <small class="muted">${counted(columns.length, "column")}, ${changes.length === 0 ? "no change noted" : counted(changes.length, "change")}</small></summary>
${
  changes.length > 0 &&
  html`<div class="scroll" tabindex="0" role="region" aria-label="${`Changes of ${name}`}"><table><caption class="muted">Changes, newest first</caption><thead><tr><th scope="col">When (UTC)</th><th scope="col">Column</th><th scope="col">What</th><th scope="col">From</th><th scope="col">To</th></tr></thead><tbody>
${changes.map(
  ({ atMs, column, change, before, after }) =>
    html`<tr><td class="nowrap">${instant(atMs)}</td><td class="name">${column === undefined ? "–" : nameOf(column)}</td><td>${CHANGE_WORDS[change] ?? change}</td><td>${before === undefined || before === after ? "–" : nameOf(before)}</td><td>${nameOf(after ?? "–")}</td></tr>
`,
)}</tbody></table></div>`
}
<div class="scroll" tabindex="0" role="region" aria-label="${`Columns of ${name}`}"><table><caption class="muted">Columns now</caption><thead><tr><th scope="col">Column</th><th scope="col">DuckDB</th><th scope="col">Druid</th><th scope="col">Notes</th></tr></thead><tbody>
${columns.slice(0, MOST_COLUMNS).map((column) => {
  const notes = [
    column.multiValue === true ? "several values" : undefined,
    column.target === column.name ? undefined : `column ${nameOf(column.target)} in DuckDB`,
    touched.get(column.name),
  ].filter((note) => note !== undefined)
  return html`<tr><th scope="row" class="name">${nameOf(column.name)}</th><td><code>${column.duckdbType}</code></td><td><code>${nameOf(column.druidType)}</code></td><td>${notes.join("; ")}</td></tr>
`
})}</tbody></table></div>
${rest > 0 && html`<p class="muted">${`and ${counted(rest, "more column", "more columns")}: druidsync schema lists them all`}</p>`}</details>`
}

function verifies(facts: readonly VerifyFact[], name: string): Html | false {
  if (facts.length === 0) return false
  return html`<details><summary>Verifications <small class="muted">the last ${facts.length === 1 ? "one" : count(facts.length)}</small></summary>
<div class="scroll" tabindex="0" role="region" aria-label="${`Verifications of ${name}`}"><table><thead><tr><th scope="col">When (UTC)</th><th scope="col">Found</th><th scope="col">How</th><th scope="col" class="num">Stretches</th><th scope="col" class="num">Left out</th><th scope="col" class="num">Rows</th><th scope="col">What</th></tr></thead><tbody>
${facts.map(
  (one) =>
    html`<tr><td class="nowrap">${instant(one.startedMs)}</td><td>${badge(verifyWords(one))}</td><td>${one.mode === "rows" ? "row by row" : "fingerprints"}${one.scope !== undefined && `, ${clipped(one.scope)}`}</td><td class="num">${count(one.compared)}</td><td class="num">${count(one.skipped)}</td><td class="num">${count(one.rows)}</td><td class="wide">${clipped(one.message ?? "")}</td></tr>
`,
)}</tbody></table></div></details>`
}

function runs({ facts: { runs, runsInAll } }: DatasourceModel, name: string): Html {
  if (runs.length === 0) return html`<p class="muted">No run is noted.</p>`
  const which =
    runsInAll > runs.length
      ? `the newest ${count(runs.length)} of ${count(runsInAll)}`
      : counted(runs.length, "run")
  return html`<details><summary>Run history <small class="muted">${which}</small></summary>
<div class="scroll" tabindex="0" role="region" aria-label="${`Runs of ${name}`}"><table><thead><tr><th scope="col">Started (UTC)</th><th scope="col">Outcome</th><th scope="col" class="num">Rows fetched</th><th scope="col" class="num">Rows removed</th><th scope="col" class="num">Bytes</th><th scope="col" class="num">Took</th><th scope="col">Message</th></tr></thead><tbody>
${runs.map(
  (run) =>
    html`<tr><td class="nowrap">${instant(run.startedMs)}</td><td>${badge(outcomeStanding(run.outcome))}</td><td class="num">${count(run.rowsFetched)}</td><td class="num">${count(run.rowsDeleted)}</td><td class="num">${size(run.bytes)}</td><td class="num">${run.durationMs === undefined ? "–" : duration(run.durationMs)}</td><td class="wide">${clipped(run.message ?? "")}</td></tr>
`,
)}</tbody></table></div></details>`
}
