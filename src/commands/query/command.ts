/** `druidsync query`: SQL on the file, or what tables it has. */
import { extname } from "node:path"
import { ExitCode, usage } from "../../base/errors.ts"
import { define } from "../../kit/command.ts"
import { choice, text, toggle } from "../../kit/flag.ts"
import { lockWaitArg, outArg } from "../../kit/flags.ts"
import { styleFor } from "../../kit/text/style.ts"
import { counted } from "../../kit/text/words.ts"
import { memory, path } from "../../kit/values.ts"
import { sayWait } from "../../kit/wait.ts"
import { readSql } from "./sql.ts"

const FORMATS = ["table", "csv", "json", "markdown", "parquet"] as const
type Format = (typeof FORMATS)[number]

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  ".csv": "csv",
  ".json": "json",
  ".md": "markdown",
  ".parquet": "parquet",
}

export const command = define({
  args: {
    sql: {
      type: "positional",
      required: false,
      valueHint: "SQL",
      description: "the question; - reads it from standard input",
    },
    ...outArg,
    file: text("FILE", "read the SQL from a file", { alias: "f" }),
    format: choice(FORMATS, "how rows are written (default: table, or by the extension of --to)"),
    to: text("PATH", "write the result to a file, whole or not at all; needed for parquet", { parse: path }),
    "allow-files": toggle("let the SQL read and write other files"),
    "memory-limit": text("SIZE", "DuckDB's memory limit", { default: "1GB", parse: memory }),
    ...lockWaitArg,
  },
  examples: [
    ["What tables and columns are there", "druidsync query --out analytics.duckdb"],
    [
      "A question, as a table",
      `druidsync query --out analytics.duckdb "SELECT channel, sum(added) FROM wikipedia GROUP BY ALL ORDER BY 2 DESC LIMIT 10"`,
    ],
    [
      "For another program, 64-bit integers in all their digits",
      `druidsync query --out analytics.duckdb --format json "FROM wikipedia LIMIT 3" | jq .`,
    ],
    [
      "A file of SQL to a file of rows",
      "druidsync query --out analytics.duckdb --file report.sql --to report.parquet",
    ],
  ],
  notes: [
    "The SQL is DuckDB's. It comes as an argument, from --file, or from standard input; without any, the tables are listed with their columns. The file is opened read-only, and the SQL can read or write no other file unless --allow-files is given. While a pull commits, the query waits; while the query reads, a pull waits.",
    'A table is fitted to the terminal: wide columns are cut, and if there are too many of them, each row is shown on its own lines. Elsewhere, and in the other formats, nothing is cut. In csv NULL is nothing and an empty text is ""; lists, structs and maps are JSON text; NaN and infinities are texts in json.',
  ],
  needs: "nothing",
  async run({ args, context, emit, info }) {
    const { out, to } = args
    const format = args.format ?? (to === undefined ? "table" : (BY_EXTENSION[extname(to)] ?? "table"))
    const { stdout, stdin, env, clock, newId, signal } = context
    const question = {
      path: out,
      sql: await readSql(stdin, args.sql, args.file),
      lockWaitMs: args["lock-wait"],
      allowFiles: args["allow-files"],
      memoryLimitBytes: args["memory-limit"],
      clock,
      newId,
      onWait: sayWait(emit, out),
      signal,
    }
    const { toFile, toParquet, toStream } = await import("./answer.ts")
    const { refuseSameFile } = await import("../../kit/result-file.ts")
    if (to !== undefined) await refuseSameFile(to, out)
    let rows: number | undefined
    if (format === "parquet") {
      if (to === undefined) {
        throw usage("--format parquet needs --to: it cannot be printed", "add --to result.parquet")
      }
      rows = await toParquet(question, to)
    } else if (to !== undefined) rows = await toFile(question, format, to)
    else {
      const width = stdout.isTTY === true ? (stdout.columns ?? 80) : undefined
      await toStream(question, format, stdout, { width, style: styleFor(stdout, env) })
      return ExitCode.ok
    }
    info(`${rows === undefined ? "" : `${counted(rows, "row")} `}written to ${to}`)
    return ExitCode.ok
  },
})
