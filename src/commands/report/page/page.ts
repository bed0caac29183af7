/**
 * The report as one HTML text that needs nothing beside itself: no server, no asset, no network. A policy in the page
 * forbids all of it, but for the one style sheet and the one script whose digests it names.
 */

import { createHash } from "node:crypto"
import { sumOf } from "../../../base/lists.ts"
import type { LookupStatus } from "../../../kit/status/document.ts"
import type { Tone } from "../../../kit/status/states.ts"
import { ago, count, counted, size, time } from "../../../kit/text/words.ts"
import type { DatasourceModel, PageModel } from "../model.ts"
import { PATTERNS } from "./chart.ts"
import { badge, datasourceSection, instant, nameOf } from "./datasource.ts"
import { clipped, Html, html } from "./html.ts"
import { SCRIPT } from "./script.ts"
import { STYLE } from "./style.ts"

/** How every report begins: what makes it known as one of ours, and safe to be replaced by the next. */
export const MARKER = "<!doctype html>\n<!-- made by druidsync report -->\n"

const digest = (text: string) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`

/** Nothing may be loaded, sent or framed; only these two texts are style and script. */
const POLICY = `default-src 'none'; style-src ${digest(STYLE)}; script-src ${digest(SCRIPT)}; base-uri 'none'; form-action 'none'`

/** The whole page. */
export function pageHtml(model: PageModel): string {
  const { datasources, nowMs } = model
  const file = model.file.split(/[\\/]/).at(-1) ?? model.file
  const rows = sumOf(datasources, (one) => one.status.rows)
  const page = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="${`druidsync ${model.version}`}">
<title>${clipped(file, 100)}: druidsync report</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${PATTERNS}
<div class="wrap">
<a class="skip" href="#all">Skip to the datasources</a>
<header>
<p class="over">druidsync report</p>
<h1>${clipped(file)}</h1>
<p class="sub">${counted(datasources.length, "datasource")}, ${counted(rows, "row")}, ${size(model.bytes)}. As of ${instant(nowMs)} UTC; “ago” counts back from there.</p>
${verdict(model)}
${controls(datasources.length)}
</header>
<main id="all" tabindex="-1">
${datasources.length === 0 ? html`<p class="card">The file holds no datasource yet: druidsync pull brings them.</p>` : overview(datasources, nowMs)}
${datasources.map((one, n) => datasourceSection(one, `d${n + 1}`, nowMs))}
${model.lookups.length > 0 && lookupsCard(model.lookups, nowMs)}
</main>
<footer><p>Made by druidsync ${model.version} from <code>${clipped(model.file)}</code>, without asking Druid. All times are UTC. Proven: complete when it was pulled, with Druid's segments as they were then; druidsync verify compares again.</p></footer>
</div>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`
  return MARKER + page.text
}

function verdict({ datasources, runner }: PageModel): Html {
  const open = datasources.filter((one) => one.standing.tone === "warn" || one.standing.tone === "bad")
  const tone: Tone =
    datasources.length === 0
      ? "idle"
      : open.some((one) => one.standing.tone === "bad")
        ? "bad"
        : open.length > 0
          ? "warn"
          : "good"
  const words =
    datasources.length === 0
      ? "Nothing is stored yet"
      : open.length === 0
        ? "All datasources are complete"
        : `${count(open.length)} of ${counted(datasources.length, "datasource")} ${open.length === 1 ? "needs" : "need"} a look`
  const names = open.slice(0, 5).map((one) => nameOf(one.title))
  const rest = open.length - names.length
  const which = [...names, ...(rest > 0 ? [`${count(rest)} more`] : [])].join(", ")
  return html`<div class="verdict ${tone}"><strong>${words}</strong>${which !== "" && html`<span>${which}</span>`}${runner !== undefined && html`<span>A pull is under way: ${clipped(runner)}</span>`}</div>`
}

/** Shown by the script: without it they would do nothing. */
function controls(datasources: number): Html {
  return html`<div class="controls" data-js hidden>
${
  datasources > 1 &&
  html`<label>Find a datasource<input id="find" type="search" autocomplete="off" spellcheck="false"></label>
<label class="check"><input id="look" type="checkbox">Only what needs a look</label>`
}
<label>Theme<select id="theme"><option value="">As the system</option><option value="light">Light</option><option value="dark">Dark</option></select></label>
<p class="found muted" id="found" role="status"></p>
</div>`
}

function lookupsCard(lookups: readonly LookupStatus[], nowMs: number): Html {
  return html`<section class="card" aria-labelledby="lookups"><h2 id="lookups">Lookups</h2>
<div class="scroll" tabindex="0" role="region" aria-label="All lookups"><table><thead><tr><th scope="col">Lookup</th><th scope="col">Table</th><th scope="col" class="num">Rows</th><th scope="col">Changed</th><th scope="col">As in Druid</th><th scope="col">Note</th></tr></thead><tbody>
${lookups.map(
  ({
    lookup,
    table,
    rows,
    changed,
    compared,
    message,
  }) => html`<tr><th scope="row" class="name">${clipped(lookup)}</th><td>${clipped(table)}</td><td class="num">${count(rows)}</td><td>${ago(Date.parse(changed), nowMs)}</td><td>${ago(Date.parse(compared), nowMs)}</td><td>${clipped(message ?? "")}</td></tr>
`,
)}</tbody></table></div></section>`
}

function overview(datasources: readonly DatasourceModel[], nowMs: number): Html {
  return html`<section class="card" aria-labelledby="overview"><h2 id="overview">Overview</h2>
<div class="scroll" tabindex="0" role="region" aria-label="All datasources"><table><thead><tr><th scope="col">Datasource</th><th scope="col">Status</th><th scope="col" class="num">Rows</th><th scope="col" class="narrow-hide">Newest row (UTC)</th><th scope="col" class="narrow-hide">Last complete pull</th><th scope="col" class="narrow-hide">Last verified</th></tr></thead><tbody>
${datasources.map(({ title, status, standing, facts: { verifies } }, n) => {
  const name = nameOf(title)
  const [verified] = verifies
  return html`<tr data-name="${name}" data-ok="${standing.tone === "good" ? "1" : "0"}"><th scope="row" class="name"><a href="${`#d${n + 1}`}">${name}</a></th><td>${badge(standing)}</td><td class="num">${count(status.rows)}</td><td class="nowrap narrow-hide">${status.newest === null ? "–" : time(status.newest)}</td><td class="narrow-hide">${status.lastSuccess === null ? "never" : ago(Date.parse(status.lastSuccess), nowMs)}</td><td class="narrow-hide">${verified === undefined ? "–" : `${ago(verified.startedMs, nowMs)}: ${verified.outcome}`}</td></tr>
`
})}</tbody></table></div></section>`
}
