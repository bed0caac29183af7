/** `druidsync report`: read the file, write a page. */
import { basename, dirname, extname, join } from "node:path"
import { define } from "../../kit/command.ts"
import { text, toggle } from "../../kit/flag.ts"
import { jsonArg, lockWaitArg, outArg } from "../../kit/flags.ts"
import { path } from "../../kit/values.ts"

export const command = define({
  args: {
    ...outArg,
    to: text("PATH", "the page (default: beside the file, with the ending .report.html)", { parse: path }),
    force: toggle("overwrite a file that is not a report"),
    ...jsonArg,
    ...lockWaitArg,
  },
  examples: [
    ["A page beside the file: analytics.report.html", "druidsync report --out analytics.duckdb"],
    [
      "After each pull, where colleagues find it",
      "druidsync pull --config c.json --out analytics.duckdb && druidsync report --out analytics.duckdb --to /srv/share/analytics.html",
    ],
  ],
  notes: [
    "One HTML file that needs no other file and loads nothing. For each datasource it shows a time line of chunks (proven, provisional, kept, missing), rows over time, freshness, columns and their changes, verifications, and the history of runs. It contains names, counts and messages, but no rows.",
    "Asks nothing of Druid, opens the file read-only, and waits for a commit of a running pull. The page is replaced whole or not at all. A file that is not a report is never overwritten unless --force is given.",
  ],
  needs: "file",
  async run({ args, engine, file, context, info }) {
    const { out, to = beside(args.out) } = args
    const { refuseSameFile, writeResultFile } = await import("../../kit/result-file.ts")
    const { MARKER, pageHtml } = await import("./page/page.ts")
    const { refuseOther } = await import("./page-file.ts")
    await refuseSameFile(to, out)
    if (!args.force) await refuseOther(to, MARKER)
    const { runHolder } = await import("../../store/file/run-holder.ts")
    const { readFacts } = await import("../../store/notes/facts.ts")
    const { statusReport } = await import("../../kit/status/status.ts")
    const { pageModel } = await import("./model.ts")
    const nowMs = context.clock.nowMs()
    const facts = await readFacts(engine, file, () => runHolder(engine, out), nowMs, context.signal)
    const page = pageHtml(pageModel(facts, nowMs, context.version))
    await writeResultFile(to, context.newId(), (write) => write(page))
    if (!args.json) info(`written to ${to}`)
    const { isIncomplete, datasources } = statusReport(facts.summary, nowMs)
    const bytes = Buffer.byteLength(page)
    return {
      document: { format: 1, file: out, to, bytes, datasources: datasources.length, isIncomplete },
    }
  },
})

/** `analytics.report.html` for `analytics.duckdb`. */
function beside(out: string): string {
  return join(dirname(out), `${basename(out, extname(out))}.report.html`)
}
