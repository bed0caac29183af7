/** What the replayed Druid answers: the queries of `src/druid`, and nothing else. */
import type { Template } from "./template.ts"
import { sizeOf, writeRows } from "./template.ts"
import type { World } from "./world.ts"

/** A body that is known whole, or rows that are made while they are sent. */
export type Answer =
  | { readonly kind: "whole"; readonly status: number; readonly body: Buffer }
  | { readonly kind: "rows"; readonly head: Buffer; readonly pieces: Iterable<Buffer> }

/** Bytes of rows that are made at once. */
const PIECE_BYTES = 1 << 20

const SEGMENTS_COLUMNS =
  "segment_id datasource start end size version partition_num num_replicas num_rows is_active is_published is_available is_realtime is_overshadowed shard_spec dimensions metrics last_compaction_state replication_factor".split(
    " ",
  )
const VERSION = "2026-01-01T00:00:00.000Z"

export class Answers {
  readonly #world: World
  readonly #template: Template
  readonly #numbers: ReadonlyMap<string, number>
  /** answers that are the same at every call */
  readonly #held = new Map<string, Buffer>()
  /** by datasource, a line for each segment in `sys.segments` */
  readonly #lines = new Map<string, { readonly bytes: Buffer; readonly offsets: readonly number[] }>()

  constructor(world: World, template: Template) {
    this.#world = world
    this.#template = template
    this.#numbers = new Map(world.names.map((name, n) => [name, n]))
  }

  /** @param path of the request; `body` as it was posted */
  answer(method: string, path: string, body: string): Answer {
    if (method === "DELETE") return whole(202, "")
    if (path.startsWith("/status")) return whole(200, JSON.stringify({ version: "33.0.0" }))
    if (path === "/druid/v2") return this.#native(JSON.parse(body))
    if (path !== "/druid/v2/sql") return whole(404, "{}")
    const { query, header } = JSON.parse(body) as { query: string; header?: boolean }
    return this.#sql(query, header === true)
  }

  #sql(sql: string, header: boolean): Answer {
    if (sql.includes("FROM INFORMATION_SCHEMA.COLUMNS")) return this.#once(sql, () => this.#columns(sql))
    if (sql.includes("FROM sys.segments")) return this.#segments(sql, header === true)
    const name = /FROM "druid"\."((?:[^"]|"")*)"/.exec(sql)?.[1]
    const number = this.#numbers.get(name ?? "")
    if (number === undefined) return whole(400, JSON.stringify({ error: `not understood: ${sql}` }))
    if (sql.includes(" LIMIT 0"))
      return { kind: "whole", status: 200, body: Buffer.from(`${this.#head()}\n\n`) }
    if (header || / LIMIT \d+$/.test(sql)) return this.#scan(sql, number)
    return this.#numbersOf(sql)
  }

  #once(key: string, make: () => string): Answer {
    let body = this.#held.get(key)
    if (body === undefined) {
      body = Buffer.from(make())
      this.#held.set(key, body)
    }
    return { kind: "whole", status: 200, body }
  }

  #named(sql: string): string[] {
    return this.#world.names.filter((name) => sql.includes(`'${name}'`))
  }

  #columns(sql: string): string {
    const lines: string[] = []
    for (const name of this.#named(sql)) {
      for (const column of this.#template.columns)
        lines.push(JSON.stringify(["druid", name, column.name, column.sqlType]))
    }
    for (const column of SEGMENTS_COLUMNS) lines.push(JSON.stringify(["sys", "segments", column, "VARCHAR"]))
    return `${lines.join("\n")}\n\n`
  }

  /** Lines that are made once: a coordinator holds its segments in memory, too. */
  #segments(sql: string, header: boolean): Answer {
    const head = header ? `${['"a"', '"STRING"', '"VARCHAR"'].map((cell) => `[${cell}]`).join("\n")}\n` : ""
    const pieces = this.#within(sql).map(({ name, from, to }) => {
      const { bytes, offsets } = this.#linesOf(name)
      return bytes.subarray(offsets[from]!, offsets[to]!)
    })
    return { kind: "rows", head: Buffer.from(head), pieces }
  }

  /** Runs of segments that a question is about. */
  #within(sql: string): { name: string; from: number; to: number }[] {
    const { segments } = this.#world.options
    if (!sql.includes('"start" <')) return this.#named(sql).map((name) => ({ name, from: 0, to: segments }))
    const stretches = [
      ...sql.matchAll(/datasource = '([^']*)' AND \((.*?)\)\)(?= OR \(datasource|\))/g),
    ].flatMap(([, name, conditions]) =>
      [...conditions!.matchAll(/"start" < '([^']*)' AND \("end" > '([^']*)'/g)].map(([, end, start]) => ({
        name: name!,
        start: Date.parse(start!),
        end: Date.parse(end!),
      })),
    )
    const first = (holds: (n: number) => boolean) => {
      let [low, high] = [0, segments]
      while (low < high) {
        const middle = (low + high) >> 1
        if (holds(middle)) high = middle
        else low = middle + 1
      }
      return low
    }
    return stretches.map(({ name, start, end }) => ({
      name,
      from: first((n) => this.#world.segment(n).endMs > start),
      to: first((n) => this.#world.segment(n).startMs >= end),
    }))
  }

  #linesOf(name: string) {
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    const world = this.#world
    const offsets = [0]
    const rowBytes = Math.ceil(this.#template.bytes.length / this.#template.rows / 4)
    const lines = Array.from({ length: world.options.segments }, (_, n) => {
      const { startMs, endMs, rows } = world.segment(n)
      const [start, end] = [new Date(startMs).toISOString(), new Date(endMs).toISOString()]
      const line = `${JSON.stringify([name, start, end, VERSION, 0, rows, rows * rowBytes, 1, 1, 1, 0, 0, 1, ""])}\n`
      offsets.push(offsets.at(-1)! + line.length)
      return line
    })
    const made = { bytes: Buffer.from(lines.join("")), offsets }
    this.#lines.set(name, made)
    return made
  }

  #head(): string {
    const { columns } = this.#template
    return [
      columns.map((column) => column.name),
      columns.map((column) => column.druidType),
      columns.map((column) => column.sqlType),
    ]
      .map((line) => JSON.stringify(line))
      .join("\n")
  }

  /** Only what reads all columns in their order is understood: that is what a config without choices asks for. */
  #scan(sql: string, number: number): Answer {
    const list = ["TIMESTAMP_TO_MILLIS", ...this.#template.columns.slice(1).map(({ name }) => `"${name}"`)]
    const select = sql.slice(0, sql.indexOf(" FROM "))
    if (list.some((part) => !select.includes(part))) return whole(400, JSON.stringify({ error: sql }))
    const [from, to] = this.#rowsWithin(sql)
    const limit = /LIMIT (\d+)$/.exec(sql)?.[1]
    if (limit !== undefined) {
      const sample = [...this.#rows(number, from, Math.min(to, from + Number(limit)))]
      return { kind: "whole", status: 200, body: Buffer.concat([...sample, Buffer.from("\n")]) }
    }
    return { kind: "rows", head: Buffer.from(`${this.#head()}\n`), pieces: this.#rows(number, from, to) }
  }

  /** Row numbers of the (first) interval of a query. */
  #rowsWithin(sql: string): [number, number] {
    const start = Number(/>= (-?\d+)/.exec(sql)?.[1])
    const end = Number(/"__time"\) < (-?\d+)/.exec(sql)?.[1])
    return [this.#world.rowsBefore(start), this.#world.rowsBefore(end)]
  }

  *#rows(number: number, from: number, to: number): Generator<Buffer> {
    const world = this.#world
    const template = this.#template
    const perPiece = Math.max(1, Math.floor(PIECE_BYTES / (template.bytes.length / template.rows)))
    for (const segment of world.segmentsOf(from, to)) {
      const last = Math.min(to - segment.before, segment.rows)
      for (let k = Math.max(0, from - segment.before); k < last; k += perPiece) {
        const count = Math.min(perPiece, last - k)
        // Datasources begin at different rows, so that they differ.
        const first = segment.before + k + number * 7919
        const piece = Buffer.allocUnsafe(sizeOf(template, first, count))
        const base = k
        writeRows(template, piece, first, count, (n) => world.timeOf(segment, base + n))
        yield piece
      }
    }
  }

  /** Counts, bounds and histograms. */
  #numbersOf(sql: string): Answer {
    const world = this.#world
    const [from, to] = this.#rowsWithin(sql)
    if (sql.includes("MV_LENGTH")) {
      const columns = sql.split("MV_LENGTH").length - 1
      return whole(200, `${JSON.stringify([to - from, ...Array.from({ length: columns }, () => 1)])}\n\n`)
    }
    if (sql.includes("MIN(TIMESTAMP_TO_MILLIS")) {
      if (from >= to) return whole(200, "[null,null,0]\n\n")
      const timeAt = (row: number) => {
        const [segment] = world.segmentsOf(row, row + 1)
        return String(world.timeOf(segment!, row - segment!.before))
      }
      return whole(200, `${JSON.stringify([timeAt(from), timeAt(to - 1), to - from])}\n\n`)
    }
    const bucket = /SELECT \(TIMESTAMP_TO_MILLIS\("__time"\) - \(?(-?\d+)\)?\) \/ (\d+)/.exec(sql)
    if (bucket !== null) {
      const start = Number(bucket[1])
      const width = Number(bucket[2])
      const end = Number(/"__time"\) < (-?\d+)/.exec(sql)?.[1])
      const lines: string[] = []
      for (let n = 0; start + n * width < end; n++) {
        const rows =
          world.rowsBefore(Math.min(end, start + (n + 1) * width)) - world.rowsBefore(start + n * width)
        if (rows > 0) lines.push(`[${n},${rows},${rows}]`)
      }
      return whole(200, `${lines.join("\n")}\n\n`)
    }
    const filters = [
      ...sql.matchAll(
        /FILTER \(WHERE TIMESTAMP_TO_MILLIS\("__time"\) >= (-?\d+) AND TIMESTAMP_TO_MILLIS\("__time"\) < (-?\d+)/g,
      ),
    ]
    const counts =
      filters.length === 0
        ? [to - from, to - from]
        : filters.map(([, a, b]) => world.rowsBefore(Number(b)) - world.rowsBefore(Number(a)))
    return whole(200, `${JSON.stringify(counts)}\n\n`)
  }

  #native(query: { queryType?: string; dataSource?: string }): Answer {
    if (query.queryType !== "segmentMetadata") return whole(400, "{}")
    const columns = Object.fromEntries(
      this.#template.columns.map(({ name, druidType }) => [
        name,
        {
          typeSignature: druidType,
          type: druidType,
          hasMultipleValues: false,
          hasNulls: true,
          errorMessage: null,
        },
      ]),
    )
    return whole(200, JSON.stringify([{ id: "merged", intervals: null, columns }]))
  }

  /** The rows of a whole datasource, as a scan of everything would send them. */
  all(name: string): Iterable<Buffer> {
    return this.#rows(this.#numbers.get(name) ?? 0, 0, this.#world.options.rows)
  }
}

function whole(status: number, text: string): Answer {
  return { kind: "whole", status, body: Buffer.from(text) }
}
