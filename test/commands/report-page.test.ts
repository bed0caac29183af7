/** The page as text: escaped, bounded, labelled, with enough contrast, and locked against the network. */
import { describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import type { Part, PartState } from "../../src/base/domain.ts"
import { pageModel } from "../../src/commands/report/model.ts"
import { binned, type Mentioned } from "../../src/commands/report/page/bins.ts"
import { binWords } from "../../src/commands/report/page/chart.ts"
import { escapeHtml, html } from "../../src/commands/report/page/html.ts"
import { MARKER, pageHtml } from "../../src/commands/report/page/page.ts"
import { DARK, LIGHT, type Palette } from "../../src/commands/report/page/palette.ts"
import type { FileFacts, TableFacts } from "../../src/store/notes/facts.ts"
import { type DatasourceSummary, ownerKey, type PartGroup } from "../../src/store/notes/summary.ts"

const DAY = 86_400_000
const NOW = Date.UTC(2024, 5, 1)

function parts(count: number, lengthMs: number, rows = 10, state: PartState = "complete"): Part[] {
  const start = Date.UTC(2020, 0, 1)
  return Array.from({ length: count }, (_, n) => ({
    interval: { start: BigInt(start + n * lengthMs), end: BigInt(start + (n + 1) * lengthMs) },
    segments: "s",
    rows,
    state,
    settings: "",
  }))
}

/** A summary, and the checkpoints that it sums up. */
type Summary = DatasourceSummary & { readonly held: readonly Part[] }

function summary(name: string, held: readonly Part[], more: Partial<DatasourceSummary> = {}): Summary {
  const rows = held.reduce((sum, part) => sum + part.rows, 0)
  const groups = new Map<PartState, PartGroup>()
  for (const { state, rows, interval } of held) {
    const had = groups.get(state) ?? { chunks: 0, rows: 0, intervals: [] }
    groups.set(state, { chunks: had.chunks + 1, rows: had.rows + rows, intervals: [interval] })
  }
  return {
    datasource: name,
    table: name,
    state: {
      datasource: name,
      table: name,
      cursorMs: BigInt(NOW - DAY),
      rows,
      status: "complete",
      lastSuccessMs: NOW - 3_600_000,
      lastRunMs: NOW - 3_600_000,
      message: undefined,
      columns: [{ name: "__time", target: "__time", druidType: "LONG", duckdbType: "TIMESTAMP" }],
      settings: "",
      sums: new Map(),
    },
    held,
    isDropped: false,
    parts: groups,
    tableRows: rows,
    tableBytes: 262_144,
    lastRun: undefined,
    ahead: undefined,
    ...more,
  }
}

function facts(datasources: readonly Summary[], notes: Record<string, Partial<TableFacts>> = {}): FileFacts {
  const none: TableFacts = { runs: [], runsInAll: 0, missing: [], changes: [], verifies: [] }
  return {
    summary: { path: "/data/a.duckdb", bytes: 1e6, runner: undefined, datasources, lookups: [] },
    checkpoints: new Map(datasources.map((one) => [one.table, one.held])),
    tables: new Map(
      Object.entries(notes).map(([name, some]) => [
        ownerKey({ datasource: name, table: name }),
        { ...none, ...some },
      ]),
    ),
  }
}

const page = (given: FileFacts) => pageHtml(pageModel(given, NOW, "1.2.3"))

describe("text of others", () => {
  const evil = `<img src=x onerror=alert(1)>"'\`&\u0000\u202e\ud800`

  it("is escaped wherever it stands", () => {
    expect(escapeHtml(evil)).toBe(
      "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&#96;&amp;\\u0000\\u202e\ufffd",
    )
    const one = summary(evil, parts(3, DAY), {
      lastRun: { outcome: evil, startedMs: NOW, durationMs: 1, rowsFetched: 1, message: evil },
    })
    const held = {
      ...one.state!,
      table: evil,
      status: evil,
      message: evil,
      columns: [{ name: evil, target: evil, druidType: evil, duckdbType: evil }],
    }
    const run = { runId: evil, startedMs: NOW, outcome: evil, rowsFetched: 1, rowsDeleted: 0, bytes: 1 }
    const text = page({
      ...facts([{ ...one, state: held }], {
        [evil]: {
          runs: [{ ...run, durationMs: undefined, message: evil }],
          runsInAll: 1,
          missing: [{ interval: { start: 0n, end: 1n }, reason: evil, notedMs: NOW }],
          changes: [{ atMs: NOW, change: evil as "added", column: evil, before: evil, after: evil }],
          verifies: [
            {
              startedMs: NOW,
              mode: evil,
              scope: evil,
              outcome: evil,
              compared: 1,
              different: 0,
              repaired: 0,
              skipped: 0,
              rows: 1,
              message: evil,
            },
          ],
        },
      }),
      summary: {
        path: `/x/${evil}`,
        bytes: 1,
        runner: evil,
        datasources: [{ ...one, state: held }],
        lookups: [
          {
            lookup: evil,
            table: evil,
            rows: 1,
            fingerprint: "1 1",
            status: "failed",
            message: evil,
            runId: "r",
            changedMs: NOW,
            comparedMs: NOW,
          },
        ],
      },
    })
    expect(text).not.toContain("<img")
    expect(text).not.toContain("onerror=alert(1)>")
    expect(text).not.toContain("\u0000")
    expect(text).not.toContain("\u202e")
    expect(text.isWellFormed()).toBe(true)
    // Each of the places was there to be escaped.
    expect(text.split("&lt;img").length).toBeGreaterThan(20)
  })

  it("is not escaped twice", () => {
    expect(html`<p>${html`<b>${"a&b"}</b>`}${["<", 1]}${undefined}${false}</p>`.text).toBe(
      "<p><b>a&amp;b</b>&lt;1</p>",
    )
  })
})

describe("the page", () => {
  const text = page(facts([summary("w", parts(30, DAY)), summary("v", parts(3, DAY))]))

  it("begins with the marker that lets the next report replace it", () => {
    expect(text.startsWith(MARKER)).toBe(true)
  })

  it("forbids everything but its own style and script, whose digests it names", () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(text)![1]!
    const digest = (one: string) => createHash("sha256").update(one).digest("base64")
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(text)!
    const [, script] = /<script>([\s\S]*?)<\/script>/.exec(text)!
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${digest(style!)}'; script-src 'sha256-${digest(script!)}'; base-uri 'none'; form-action 'none'`,
    )
    expect(text.match(/<script/g)).toHaveLength(1)
    // Neither of these is allowed by the policy: they would silently do nothing.
    expect(text).not.toMatch(/ style=| on\w+=/)
  })

  it("names no address and loads nothing", () => {
    expect(text).not.toMatch(/https?:|\bsrc=|<link|@import|url\((?!#)/)
  })

  it("has a language, a title, one h1, a heading per datasource, and unique ids", () => {
    expect(text).toContain('<html lang="en">')
    expect(text).toContain("<title>a.duckdb: druidsync report</title>")
    expect(text.match(/<h1/g)).toHaveLength(1)
    expect([...text.matchAll(/<h2[^>]*>([^<]+)/g)].map(([, name]) => name)).toEqual(["Overview", "w", "v"])
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, to] of text.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(to!)
    for (const [, to] of text.matchAll(/aria-labelledby="([^"]+)"/g)) expect(ids).toContain(to!)
  })

  it("hides from readers what is only drawn, and says the same in a table", () => {
    for (const [tag] of text.matchAll(/<svg[^>]*>/g)) expect(tag).toContain('aria-hidden="true"')
    expect(text).toContain('<td class="nowrap">2020-01-01</td><td class="num">10</td><td>proven: 1</td>')
  })

  it("labels what can be worked with", () => {
    for (const [tag] of text.matchAll(/<input[^>]*type="range"[^>]*>/g))
      expect(tag).toMatch(/aria-label="[^"]+"/)
    for (const [tag] of text.matchAll(/<div class="scroll[^>]*>/g))
      expect(tag).toMatch(/tabindex="0" role="region" aria-label="[^"]+"/)
    expect(text).toContain('<label>Find a datasource<input id="find"')
    expect(text).toContain('<label>Theme<select id="theme"')
  })

  it("says so where the file holds nothing", () => {
    expect(page(facts([]))).toContain("Nothing is stored yet")
  })
})

describe("how a datasource stands", () => {
  const missing = [
    { interval: { start: 1_577_836_800_000n, end: 1_577_923_200_000n }, reason: "away", notedMs: NOW },
  ]

  it("is described in words, and what is missing with its reason", () => {
    const one = summary("w", [...parts(3, DAY), ...parts(1, 3_600_000, 5, "kept")])
    const text = page(facts([{ ...one, state: { ...one.state!, status: "incomplete" } }], { w: { missing } }))
    expect(text).toContain("1 of 1 datasource needs a look")
    expect(text).toContain("<b>Missing: 2020-01-01</b><span>: away</span>")
    expect(text).toContain("<b>Missing</b> <small")
    expect(text).toContain("<b>Kept</b> <small")
    expect(text).toContain('fill="url(#p-missing)"')
  })

  it("is bad where another program changed the table", () => {
    const text = page(facts([summary("w", parts(3, DAY), { tableRows: 7 })]))
    expect(text).toContain("Changed from outside")
    expect(text).toContain("its table has 7 rows, druidsync stored 30")
  })
})

describe("a page of any file", () => {
  it("of 50,000 chunks is less than 1 MB", () => {
    const text = page(facts([summary("w", parts(50_000, 3_600_000))]))
    expect(text.length).toBeLessThan(200_000)
    expect(text).toContain("50,000 chunks, 500,000 rows")
  }, 20_000)

  it("of 300 datasources, each with long names, is less than 10 MB", () => {
    const all = Array.from({ length: 300 }, (_, n) => summary(`${n} ${"x".repeat(5_000)}`, parts(500, DAY)))
    expect(page(facts(all)).length).toBeLessThan(10_000_000)
  }, 20_000)

  it("of 3,000 columns shows the first 400 and the number of the rest", () => {
    const one = summary("w", parts(1, DAY))
    const columns = Array.from({ length: 3_000 }, (_, n) => ({
      name: `c${n}`,
      target: `c${n}`,
      druidType: "STRING",
      duckdbType: "VARCHAR",
    }))
    const text = page(facts([{ ...one, state: { ...one.state!, columns } }]))
    expect(text).toContain("and 2,600 more columns")
    expect(text).not.toContain(">c400<")
  })

  it("shows a chunk without bounds in words", () => {
    const eternity = { interval: { start: -4611686018427387904n, end: 4611686018427387903n } }
    const text = page(facts([summary("w", [{ ...parts(1, DAY)[0]!, ...eternity }])]))
    expect(text).toContain("there is no time line")
  })
})

describe("time in bars", () => {
  const marked = (held: readonly Part[]): Mentioned[] =>
    held.map(({ interval, state, rows }) => ({ interval, mark: state, rows }))

  it("are as long as the chunks where that fits", () => {
    const { bins, unit, isSpread } = binned(marked(parts(20, DAY)), 160)!
    expect({ bins: bins.length, unit, isSpread }).toEqual({ bins: 20, unit: "day", isSpread: false })
    expect(bins.map((bin) => bin.rows)).toEqual(Array(20).fill(10))
    expect([bins[0]!.from, bins.at(-1)!.to]).toEqual([0, 1])
  })

  it("are never more than allowed, and lose no row", () => {
    for (const [count, length] of [
      [50_000, 3_600_000],
      [7, 400 * DAY],
      [3_000, 61_000],
      [1, 1],
      [40, 40 * 365 * DAY],
    ] as const) {
      for (const most of [24, 160]) {
        const { bins } = binned(marked(parts(count, length, 7)), most)!
        expect(bins.length).toBeLessThanOrEqual(most)
        expect(bins.reduce((sum, bin) => sum + bin.rows, 0)).toBe(count * 7)
      }
    }
  })

  it("follow the calendar for months", () => {
    const month = (n: number) => BigInt(Date.UTC(2023, n, 1))
    const items = Array.from({ length: 14 }, (_, n): Mentioned => {
      return { interval: { start: month(n), end: month(n + 1) }, mark: "complete", rows: n }
    })
    const { bins, unit, isSpread } = binned(items, 160)!
    expect({ unit, isSpread }).toEqual({ unit: "month", isSpread: false })
    expect(bins.map((bin) => bin.rows)).toEqual(items.map((item) => item.rows))
    expect(binWords(bins[1]!.startMs, bins[1]!.endMs)).toBe("2023-02-01 to 2023-02-28")
  })

  it("spread a chunk over its bars, and say so", () => {
    const items = [...parts(20, DAY), { ...parts(1, DAY)[0]!, rows: 5 }].map(
      (part, n): Mentioned => ({
        interval:
          n < 20
            ? part.interval
            : {
                start: part.interval.start + 20n * 86_400_000n,
                end: part.interval.start + 22n * 86_400_000n,
              },
        mark: "complete",
        rows: part.rows,
      }),
    )
    const { bins, isSpread } = binned(items, 160)!
    expect(isSpread).toBe(true)
    expect(bins.slice(-2).map((bin) => bin.rows)).toEqual([3, 2])
  })

  it("are described by day and by hour", () => {
    const at = Date.UTC(2024, 0, 1, 22)
    expect(binWords(at, at + 3_600_000)).toBe("2024-01-01 22:00 to 23:00")
    expect(binWords(at, at + 2 * 3_600_000)).toBe("2024-01-01 22:00 to 2024-01-02 00:00")
  })

  it("are none without a chunk that has bounds", () => {
    expect(binned([], 160)).toBeUndefined()
  })
})

describe("the colours", () => {
  const luminance = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
  }
  const contrast = (a: string, b: string) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
    return (high! + 0.05) / (low! + 0.05)
  }

  it("are measured as WCAG does", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21)
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 1)
  })

  for (const [name, palette] of Object.entries({ light: LIGHT, dark: DARK })) {
    it(`of ${name} are told apart: 4.5 for text, 3 for marks and edges`, () => {
      const below: string[] = []
      const check = (role: keyof Palette, ground: keyof Palette, least: number) => {
        const value = contrast(palette[role], palette[ground])
        if (value < least) below.push(`${role} on ${ground}: ${value.toFixed(2)}`)
      }
      for (const role of ["text", "muted", "link"] as const)
        for (const ground of ["page", "card"] as const) check(role, ground, 4.5)
      for (const tone of ["good", "warn", "bad", "idle"] as const) {
        check(tone, `${tone}Tint`, 4.5)
        check("text", `${tone}Tint`, 4.5)
      }
      for (const mark of ["complete", "provisional", "unproven", "stale", "kept", "missing", "edge"] as const)
        check(mark, "card", 3)
      expect(below).toEqual([])
    })
  }
})
