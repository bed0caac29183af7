/** `druidsync report`: read the file, write a page. */
import { basename, dirname, extname, join, resolve } from "node:path"
import { defineCommand } from "citty"
import { ExitCode } from "../../base/errors.ts"
import { jsonLine } from "../../base/printable.ts"
import type { CliContext } from "../../kit/context.ts"
import { jsonArg, lockWaitArg, outArg, readDurationFlag } from "../../kit/flags.ts"

export const examples = [
  ["A page beside the file: analytics.report.html", "druidsync report --out analytics.duckdb"],
  [
    "After each pull, where colleagues find it",
    "druidsync pull --config c.json --out analytics.duckdb && druidsync report --out analytics.duckdb --to /srv/share/analytics.html",
  ],
] as const

export const notes = [
  "One HTML file that needs nothing beside itself and loads nothing: per datasource a time line of chunks (proven, provisional, kept, missing), rows over time, freshness, columns and their changes, verifications, and the history of runs. It holds names, counts and messages, no rows.",
  "Asks nothing of Druid, opens the file read-only, and waits for a commit of a running pull. The page is replaced whole or not at all; another file than a report is never overwritten, but with --force.",
] as const

export function reportCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "report", description: "Write an HTML page about what the DuckDB file holds" },
    args: {
      ...outArg,
      to: {
        type: "string",
        valueHint: "PATH",
        description: "the page (default: beside the file, with the ending .report.html)",
      },
      force: { type: "boolean", default: false, description: "overwrite a file that is not a report" },
      ...jsonArg,
      ...lockWaitArg,
    },
    async run({ args }) {
      const lockWaitMs = readDurationFlag("lock-wait", args["lock-wait"])
      const out = resolve(args.out)
      const to = args.to === undefined ? beside(out) : resolve(args.to)
      const { refuseSameFile, writeResultFile } = await import("../../kit/result-file.ts")
      const { MARKER, pageHtml } = await import("./page/page.ts")
      const { refuseOther } = await import("./page-file.ts")
      await refuseSameFile(to, out)
      if (!args.force) await refuseOther(to, MARKER)
      const { fileFacts } = await import("./facts.ts")
      const { pageModel } = await import("./model.ts")
      const facts = await fileFacts({
        out,
        lockWaitMs,
        clock: context.clock,
        onWait: (holder) => context.stderr.write(`waiting for ${holder} to let go of ${out}\n`),
        signal: context.signal,
      })
      const page = pageHtml(pageModel(facts, context.clock.nowMs(), context.version))
      await writeResultFile(to, context.newId(), (write) => write(page))
      const bytes = Buffer.byteLength(page)
      if (args.json) {
        const { statusReport } = await import("../../kit/status/status.ts")
        const { isIncomplete, datasources } = statusReport(facts.summary)
        const document = { format: 1, file: out, to, bytes, datasources: datasources.length, isIncomplete }
        context.stdout.write(jsonLine(document))
      } else context.stderr.write(`written to ${to}\n`)
      return ExitCode.ok
    },
  })
}

/** `analytics.report.html` for `analytics.duckdb`. */
function beside(out: string): string {
  return join(dirname(out), `${basename(out, extname(out))}.report.html`)
}
