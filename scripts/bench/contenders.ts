/** The ways to get the rows of a real Druid into a DuckDB file, each as a command whose own cost can be measured. */
import { devNull } from "node:os"
import { join } from "node:path"
import type { Column } from "../../src/base/domain.ts"
import { scanSql } from "../../src/druid/sql.ts"
import { wikipedia } from "../druid/index.ts"
import { removeDatabase } from "./files.ts"
import { type Measured, measureOk, together } from "./measure.ts"
import type { Contender } from "./results.ts"

export interface Way {
  readonly key: string
  readonly label: string
  readonly group: Contender["group"]
  /** takes minutes: one round is enough unless asked otherwise */
  readonly isSlow: boolean
  /** file that it fills; undefined where it fills none */
  readonly out: string | undefined
  /** that it is to bring; left out: all */
  readonly rows?: number
  /** what is not measured */
  readonly prepare?: () => void
  /** brings the rows */
  readonly run: () => Promise<Measured>
}

export interface Surroundings {
  /** of Druid's router */
  readonly url: string
  readonly folder: string
  /** in the form of `wikipedia` */
  readonly datasource: string
  /** interpreter with dlt, pydruid, pandas and duckdb */
  readonly python: string | undefined
  readonly druidsync: readonly string[]
  readonly config: string
}

const EVERYTHING = { start: 0n, end: 4_102_444_800_000n }

export function ways(around: Surroundings): Way[] {
  const { url, folder, datasource, python } = around
  const host = new URL(url).host
  const outOf = (key: string) => join(folder, `${key}.duckdb`)
  const others = join(import.meta.dirname, "others")

  const floor = (key: string, label: string, query: string): Way => ({
    key,
    label,
    group: "floor",
    isSlow: false,
    out: undefined,
    run: () => measureOk(curl(url, sqlBody(query, "arrayLines"), devNull)),
  })
  const filling = (
    key: string,
    label: string,
    group: Contender["group"],
    isSlow: boolean,
    run: (out: string) => Promise<Measured>,
  ): Way => {
    const out = outOf(key)
    return {
      key,
      label,
      group,
      isSlow,
      out,
      prepare: () => removeDatabase(out),
      run: () => run(out),
    }
  }
  const cursor = (pageRows: number): Way =>
    filling(
      `cursor-${pageRows}`,
      `cursor and \`LIMIT ${pageRows}\`, page by page`,
      "other",
      pageRows < 10_000,
      (out) =>
        measureOk([process.execPath, join(others, "cursor.ts"), url, datasource, out, String(pageRows)]),
    )
  const dlt = (backend: string, label: string): Way =>
    filling(`dlt-${backend}`, label, "other", true, (out) =>
      measureOk([python!, join(others, "dlt_load.py"), host, datasource, out, backend]),
    )

  const list: Way[] = [
    floor("floor", "floor: curl, druidsync's query", scanOfAll(datasource)),
    floor("floor-star", "floor: curl, `SELECT *`", `SELECT * FROM "${datasource}"`),
    filling("full", "**druidsync, full pull**", "ours", false, (out) => pull(around, out)),
    filling("direct", "**druidsync, full pull with `direct`**", "ours", false, (out) =>
      pull(around, out, "--direct"),
    ),
    cursor(10_000),
    cursor(1_000),
  ]
  if (python !== undefined) {
    list.push(
      filling("csv", "curl, then DuckDB by hand (CSV)", "other", false, async (out) => {
        const csv = join(folder, "rows.csv")
        const body = sqlBody(`SELECT * FROM "${datasource}"`, "csv")
        const fetched = await measureOk(curl(url, body, csv))
        return together([fetched, await measureOk([python, join(others, "csv_load.py"), csv, out])])
      }),
      filling("pandas", "pandas with pydruid, then DuckDB", "other", true, (out) =>
        measureOk([python, join(others, "pandas_load.py"), host, datasource, out]),
      ),
      dlt("pyarrow", "dlt with pydruid, backend pyarrow"),
      dlt("pandas", "dlt with pydruid, backend pandas"),
      dlt("sqlalchemy", "dlt with pydruid, its default"),
    )
  }
  return list
}

/** A pull into a file, whatever it holds. */
export function pull({ druidsync, config }: Surroundings, out: string, ...more: string[]): Promise<Measured> {
  return measureOk([...druidsync, "pull", "--config", config, "--out", out, ...more])
}

/** Bytes of all rows as druidsync asks for them. */
export async function wireBytes(url: string, datasource: string): Promise<number> {
  const { stdout } = await measureOk(curl(url, sqlBody(scanOfAll(datasource), "arrayLines"), devNull))
  return Number(stdout)
}

function scanOfAll(datasource: string): string {
  const columns = wikipedia({ rows: 0 }).columns.map(
    ({ name, type }): Column => ({
      name,
      target: name,
      druidType: "",
      sqlType: type,
      multiValue: false,
      duckdbType: "",
    }),
  )
  return scanSql({ datasource }, columns, EVERYTHING)
}

function sqlBody(query: string, resultFormat: string): string {
  return JSON.stringify({
    query,
    resultFormat,
    header: true,
    ...(resultFormat === "csv" ? {} : { typesHeader: true, sqlTypesHeader: true }),
  })
}

/** Says the number of bytes at its end. */
function curl(url: string, body: string, to: string): string[] {
  return [
    ...["curl", "--silent", "--show-error", "--fail", "--output", to, "--write-out", "%{size_download}"],
    ...["--header", "content-type: application/json", "--data", body, `${url}/druid/v2/sql`],
  ]
}
