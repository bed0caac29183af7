/** `druidsync query`: SQL on the file, or what tables it has. */
import { extname, resolve } from "node:path"
import { type ArgsDef, defineCommand } from "citty"
import { ExitCode } from "../../base/errors.ts"
import { refusalOf, whyOf } from "../../base/system.ts"
import { parseSize } from "../../config/quantities.ts"
import type { CliContext } from "../../kit/context.ts"
import { lockWaitArg, outArg, readDurationFlag } from "../../kit/flags.ts"
import { usage } from "../../kit/strict.ts"
import type { FileQueryOptions } from "./query.ts"
import type { RowsFormat } from "./text.ts"

export const examples = [
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
] as const

export const notes = [
  "The SQL is DuckDB's. It comes as an argument, from --file, or from standard input; without any, the tables are listed with their columns. The file is opened read-only and no other file can be read or written, but with --allow-files. While a pull commits, the query waits; while the query reads, a pull waits.",
  'A table is fitted to the terminal: wide columns are cut, and where there are too many of them each row is shown on lines of its own. Elsewhere, and in the other formats, nothing is cut. In csv NULL is nothing and an empty text is ""; lists, structs and maps are JSON text; NaN and infinities are texts in json.',
] as const

const FORMATS = ["table", "csv", "json", "markdown", "parquet"] as const
type Format = (typeof FORMATS)[number]

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  ".csv": "csv",
  ".json": "json",
  ".md": "markdown",
  ".parquet": "parquet",
}

const queryArgs = {
  sql: {
    type: "positional",
    required: false,
    valueHint: "SQL",
    description: "the question; - reads it from standard input",
  },
  ...outArg,
  file: { type: "string", alias: "f", valueHint: "FILE", description: "read the SQL from a file" },
  format: {
    type: "enum",
    options: [...FORMATS],
    description: "how rows are written (default: table, or by the extension of --to)",
  },
  to: {
    type: "string",
    valueHint: "PATH",
    description: "write the result to a file, whole or not at all; needed for parquet",
  },
  "allow-files": { type: "boolean", default: false, description: "let the SQL read and write other files" },
  "memory-limit": { type: "string", default: "1GB", valueHint: "SIZE", description: "DuckDB's memory limit" },
  ...lockWaitArg,
} as const satisfies ArgsDef

export function queryCommand(context: CliContext) {
  return defineCommand({
    meta: { name: "query", description: "Run SQL on the DuckDB file, read-only" },
    args: queryArgs,
    async run({ args }) {
      const out = resolve(args.out)
      const to = args.to === undefined ? undefined : resolve(args.to)
      const format = args.format ?? (to === undefined ? "table" : (BY_EXTENSION[extname(to)] ?? "table"))
      if (format === "parquet" && to === undefined) {
        throw usage("--format parquet needs --to: it cannot be printed", "add --to result.parquet")
      }
      const options: FileQueryOptions = {
        out,
        lockWaitMs: readDurationFlag("lock-wait", args["lock-wait"]),
        allowFiles: args["allow-files"],
        memoryLimitBytes: readSizeFlag("memory-limit", args["memory-limit"]),
        clock: context.clock,
        newId: context.newId,
        onWait: (holder) => context.stderr.write(`waiting for ${holder} to let go of ${out}\n`),
        signal: context.signal,
      }
      if (to !== undefined) {
        const { refuseSameFile } = await import("../../kit/result-file.ts")
        await refuseSameFile(to, out)
      }
      const sql = await readSql(context, args.sql, args.file)
      if (format === "parquet") return toParquet(context, options, sql, to!)
      if (to === undefined) return toStdout(context, options, sql, format)
      const { writeResultFile } = await import("../../kit/result-file.ts")
      const { PLAIN } = await import("../../kit/text/style.ts")
      const { pacedWriter } = await import("./paced.ts")
      return writeResultFile(to, context.newId(), async (write) => {
        const pieces: string[] = []
        const paced = pacedWriter({ write: (text) => void pieces.push(text) })
        const put = async (text: string) => {
          await paced.write(text)
          for (const piece of pieces.splice(0)) await write(piece)
        }
        const rows = await writeAnswer(options, sql, format, { write: put, width: undefined, style: PLAIN })
        await paced.flush()
        for (const piece of pieces.splice(0)) await write(piece)
        say(context, rows, to)
        return ExitCode.ok
      })
    },
  })
}

async function toStdout(
  context: CliContext,
  options: FileQueryOptions,
  sql: string | undefined,
  format: RowsFormat,
): Promise<ExitCode> {
  const { pacedWriter } = await import("./paced.ts")
  const { styleFor } = await import("../../kit/text/style.ts")
  const { stdout } = context
  const paced = pacedWriter(stdout)
  const width = stdout.isTTY === true ? (stdout.columns ?? 80) : undefined
  await writeAnswer(options, sql, format, {
    write: paced.write,
    width,
    style: styleFor(stdout, context.env),
  })
  await paced.flush()
  return ExitCode.ok
}

async function toParquet(
  context: CliContext,
  options: FileQueryOptions,
  sql: string | undefined,
  to: string,
): Promise<ExitCode> {
  const { COLUMNS_SQL, writeParquet } = await import("./query.ts")
  say(context, await writeParquet(options, sql ?? COLUMNS_SQL, to), to)
  return ExitCode.ok
}

function say(context: CliContext, rows: number | undefined, to: string): void {
  const what = rows === undefined ? "" : `${rows} ${rows === 1 ? "row" : "rows"} `
  context.stderr.write(`${what}written to ${to}\n`)
}

type Target = Parameters<typeof import("./text.ts").writeRows>[2]

/** Without SQL: the tables, in words or as rows. @returns number of rows; undefined for words */
async function writeAnswer(
  options: FileQueryOptions,
  sql: string | undefined,
  format: RowsFormat,
  target: Target,
): Promise<number | undefined> {
  const { COLUMNS_SQL, listTables, runQuery } = await import("./query.ts")
  if (sql === undefined && format === "table") {
    const { tablesText } = await import("./tables.ts")
    await target.write(tablesText(await listTables(options), target.style, target.width))
    return undefined
  }
  const { writeRows } = await import("./text.ts")
  return runQuery(options, sql ?? COLUMNS_SQL, format === "json" ? "json" : "text", (result) =>
    writeRows(format, result, target),
  )
}

/** @throws DruidsyncError `usage` where the SQL is given twice, or there is none where it was promised */
async function readSql(
  context: CliContext,
  argument: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (argument !== undefined && file !== undefined)
    throw usage("give the SQL as an argument or with --file, not both")
  if (file !== undefined && file !== "-") {
    const { readFile } = await import("node:fs/promises")
    const text = await readFile(file, "utf8").catch((error) => {
      const hint = refusalOf(error, "file", "--file")?.hint
      throw usage(`--file ${file} cannot be read: ${whyOf(error, "file")}`, hint)
    })
    if (text.trim() === "") throw usage(`--file ${file} is empty`)
    return text
  }
  if (argument !== undefined && argument !== "-") {
    if (argument.trim() === "") throw usage("the SQL is empty")
    return argument
  }
  const { stdin } = context
  const isAsked = argument === "-" || file === "-"
  if (stdin === undefined || (stdin.isTTY === true && !isAsked)) return undefined
  const pieces: Buffer[] = []
  for await (const piece of stdin) pieces.push(Buffer.from(piece as Uint8Array | string))
  const text = Buffer.concat(pieces).toString("utf8")
  if (text.trim() !== "") return text
  if (isAsked) throw usage("there is no SQL on standard input")
  return undefined
}

/** @returns bytes. @throws DruidsyncError `usage` */
function readSizeFlag(name: string, text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined || bytes < 64e6) {
    throw usage(
      `--${name} ${JSON.stringify(text)} is not a size of at least 64MB`,
      "write it like 500MB or 2GB",
    )
  }
  return bytes
}
