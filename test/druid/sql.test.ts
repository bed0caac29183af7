import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import type { Column } from "../../src/base/domain.ts"
import { quoteName } from "../../src/base/names.ts"
import { columnsSql, segmentsSql } from "../../src/druid/metadata-sql.ts"
import {
  boundsSql,
  columnExpression,
  countsSql,
  histogramSql,
  quoteText,
  scanSql,
  typesSql,
} from "../../src/druid/sql.ts"
import { span } from "../plan/support.ts"

interface Token {
  readonly kind: "name" | "text" | "other"
  readonly value: string
}

/** Reads SQL as Druid's parser does, as far as quoting goes; a quote that is never closed is an error. */
function tokens(sql: string): Token[] {
  const found: Token[] = []
  let i = 0
  const quoted = (quote: string): string => {
    let value = ""
    for (i++; ; i++) {
      if (i >= sql.length) throw new Error(`unclosed ${quote} in ${JSON.stringify(sql)}`)
      if (sql[i] !== quote) value += sql[i]
      else if (sql[i + 1] === quote) value += sql[i++]
      else break
    }
    i++
    return value
  }
  while (i < sql.length) {
    if (sql[i] === '"') found.push({ kind: "name", value: quoted('"') })
    else if (sql[i] === "'") found.push({ kind: "text", value: quoted("'") })
    else if (sql.startsWith("U&'", i)) {
      i += 2
      const raw = quoted("'")
      const value = raw.replace(/\\([0-9a-f]{4})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
      found.push({ kind: "text", value })
    } else {
      const end = /["']|U&'/.exec(sql.slice(i))
      const to = end === null ? sql.length : i + end.index
      found.push({ kind: "other", value: sql.slice(i, to) })
      i = to
    }
  }
  return found
}

/** Names and strings as the worst of users and ingestions make them. */
const nasty = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ minLength: 1, unit: "binary" }),
  fc.string({
    minLength: 1,
    unit: fc.constantFrom("'", '"', "\\", "`", ";", "-", "/", "*", "\n", "é", "数", "a", "U", "&"),
  }),
  fc.constantFrom(
    `x" FROM "y`,
    `x'; DROP TABLE y; --`,
    `U&'\\0027`,
    "\\0027",
    "*/",
    "\u2028",
    "\u{1F600}",
    "\ud800",
  ),
)

const column = (name: string, multiValue = false): Column => ({
  name,
  target: name,
  druidType: "STRING",
  sqlType: "VARCHAR",
  multiValue,
  duckdbType: "VARCHAR",
})

describe("quoting", () => {
  it("makes one identifier of any name, and nothing else", () => {
    fc.assert(
      fc.property(nasty, (name) => {
        expect(tokens(quoteName(name))).toEqual([{ kind: "name", value: name }])
      }),
      { numRuns: 5_000 },
    )
  })

  it("makes one literal of any text, in plain ASCII, and nothing else", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(tokens(quoteText(text))).toEqual([{ kind: "text", value: text }])
        expect(quoteText(text)).toMatch(/^[\x20-\x7e]*$/)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe("every statement", () => {
  const statements = (datasource: string, name: string): [string, string[], string[]][] => {
    const source = { datasource }
    const from = ["druid", datasource]
    return [
      [
        scanSql(source, [column("__time"), column(name)], span(0, 1)),
        ["__time", "__time", name, ...from, "__time", "__time"],
        [],
      ],
      [scanSql(source, [column(name, true)], span(0, 1)), [name, name, ...from, "__time", "__time"], []],
      [typesSql(source, [{ name }]), [name, ...from, "__time", "__time"], []],
      [boundsSql(source, span(0, 1)), ["__time", "__time", ...from, "__time", "__time"], []],
      [histogramSql(source, [span(0, 1)], 1n), ["__time", ...from, "__time", "__time"], []],
      [countsSql(source, [span(0, 1)]), [...from, "__time", "__time"], []],
      [columnsSql([datasource, name]), [], ["druid", datasource, name, "sys", "segments"]],
      [
        segmentsSql([datasource, name], new Set()),
        ["start", "end", "size"],
        ['%"tombstone"%', "", datasource, name],
      ],
    ]
  }

  it("holds exactly the identifiers and literals that it is about, whatever the names are", () => {
    fc.assert(
      fc.property(nasty, nasty, (datasource, name) => {
        for (const [sql, names, texts] of statements(datasource, name)) {
          const found = tokens(sql)
          expect(found.filter((t) => t.kind === "name").map((t) => t.value)).toEqual(names)
          expect(found.filter((t) => t.kind === "text").map((t) => t.value)).toEqual(texts)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it("is the same but for the quoted parts, whatever the names are", () => {
    const skeleton = (sql: string) =>
      tokens(sql)
        .map((t) => (t.kind === "other" ? t.value : t.kind))
        .join("\u0000")
    const plain = statements("a", "b").map(([sql]) => skeleton(sql))
    fc.assert(
      fc.property(nasty, nasty, (datasource, name) => {
        fc.pre(name !== "__time")
        expect(statements(datasource, name).map(([sql]) => skeleton(sql))).toEqual(plain)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe("times in statements", () => {
  const far = { start: -4611686018427387904n, end: 4611686018427387903n }

  it("are compared as exact milliseconds over Druid's whole range, never as TIMESTAMP", () => {
    for (const sql of [
      scanSql({ datasource: "w" }, [column("__time")], far),
      boundsSql({ datasource: "w" }, far),
      histogramSql({ datasource: "w" }, [far], 9n),
      countsSql({ datasource: "w" }, [far]),
    ]) {
      expect(sql).toContain(
        'WHERE TIMESTAMP_TO_MILLIS("__time") >= -4611686018427387904 AND TIMESTAMP_TO_MILLIS("__time") < 4611686018427387903',
      )
      expect(sql).not.toMatch(/\bTIMESTAMP\s+'/)
    }
  })

  it("are subtracted with parentheses where they are negative", () => {
    expect(histogramSql({ datasource: "w" }, [span(-5, 5)], 2n)).toContain('"__time") - (-5)) / 2')
    expect(histogramSql({ datasource: "w" }, [span(5, 9)], 2n)).toContain('"__time") - 5) / 2')
  })

  it("read __time as milliseconds, and lists where a column has several values", () => {
    expect(columnExpression(column("__time"))).toBe('TIMESTAMP_TO_MILLIS("__time") AS "__time"')
    expect(columnExpression(column("tags", true))).toBe('MV_TO_ARRAY("tags") AS "tags"')
    expect(columnExpression(column("n"))).toBe('"n"')
  })
})

describe("a filter", () => {
  const source = { datasource: "w", filter: `"a" = 'x' OR "b" = 2 -- of mine` }

  it("stands in parentheses and on a line of its own, so that its OR and its comment end with it", () => {
    for (const sql of [
      scanSql(source, [column("a")], span(0, 1)),
      countsSql(source, [span(0, 1), span(1, 2)]),
      typesSql(source, [{ name: "a" }]),
    ])
      expect(sql).toContain(` AND (${source.filter}\n)`)
  })

  it("counts all rows beside those that meet it", () => {
    expect(countsSql(source, [span(0, 1)])).toBe(
      `SELECT COUNT(*), COUNT(*) FILTER (WHERE ${source.filter}\n) FROM "druid"."w" ` +
        'WHERE TIMESTAMP_TO_MILLIS("__time") >= 0 AND TIMESTAMP_TO_MILLIS("__time") < 1',
    )
    expect(histogramSql(source, [span(0, 1)], 1n)).toContain(
      `COUNT(*), COUNT(*) FILTER (WHERE ${source.filter}\n)`,
    )
  })
})

describe("sys.segments", () => {
  it("is asked only for columns that the release has, and for active segments by what it has", () => {
    const now = segmentsSql(["w"], new Set(["is_active", "replication_factor"]))
    expect(now).toContain("AND (is_active = 1 OR (is_published = 0 AND is_available = 1))")
    expect(now).toMatch(/"size", replication_factor AS replication_factor/)
    const old = segmentsSql(["w"], new Set())
    expect(old).toContain("((is_published = 1 AND is_overshadowed = 0) OR is_realtime = 1)")
    expect(old).toContain("CAST(NULL AS BIGINT) AS replication_factor")
    expect(old).not.toContain("is_active")
  })
})
