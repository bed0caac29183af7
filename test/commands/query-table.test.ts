import { describe, expect, it } from "bun:test"
import { writeRows } from "../../src/commands/query/text.ts"
import { PLAIN } from "../../src/kit/text/style.ts"
import { displayWidth } from "../../src/kit/text/width.ts"
import type { QueryColumn, QueryRow } from "../../src/store/query/query.ts"

const text = (name: string): QueryColumn => ({ name, type: "VARCHAR", isNumeric: false, isText: true })
const number = (name: string): QueryColumn => ({ name, type: "BIGINT", isNumeric: true, isText: false })

async function table(columns: QueryColumn[], rows: QueryRow[], width?: number, piece = 2): Promise<string[]> {
  const out: string[] = []
  async function* pieces() {
    for (let i = 0; i < rows.length; i += piece) yield rows.slice(i, i + piece)
  }
  const written = await writeRows(
    "table",
    { columns, rows: pieces() },
    {
      width,
      style: PLAIN,
      write: async (some) => {
        out.push(some)
      },
    },
  )
  expect(written).toBe(rows.length)
  return out.join("").split("\n").slice(0, -1)
}

describe("a table", () => {
  it("has numbers at the right, words at the left, and NULL apart from the empty text", async () => {
    expect(
      await table(
        [text("page"), number("n")],
        [
          ["Main", "1"],
          ["", "12345"],
          [null, null],
        ],
      ),
    ).toEqual(["page      n", "────  ─────", "Main      1", "      12345", "NULL   NULL", "(3 rows)"])
  })

  it("cuts words to fit, and no number", async () => {
    const lines = await table(
      [text("a"), number("n"), text("b")],
      [["x".repeat(50), "1234567890123456789", "y".repeat(30)]],
      60,
    )
    expect(lines[2]).toBe(`${"x".repeat(17)}…  1234567890123456789  ${"y".repeat(18)}…`)
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(60)
  })

  it("counts wide characters as two cells", async () => {
    const lines = await table([text("city"), text("x")], [["札幌市", "a"]])
    expect(lines.slice(1, 3)).toEqual(["──────  ─", "札幌市  a"])
  })

  it("shows each row on lines of its own where columns cannot fit side by side", async () => {
    const columns = Array.from({ length: 9 }, (_, n) => text(`column${n}`))
    const row = columns.map((_, n) => (n === 8 ? "z".repeat(80) : `value ${n}`))
    const lines = await table(columns, [row, row], 50)
    expect(lines[0]).toBe("── row 1")
    expect(lines[1]).toBe("column0  value 0")
    expect(lines[9]).toBe(`column8  ${"z".repeat(40)}…`)
    expect(lines[10]).toBe("── row 2")
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(50)
  })

  it("makes escape sequences and line breaks visible instead of obeying them", async () => {
    const lines = await table([text("a")], [["\u001b[31mred\nnext"]])
    expect(lines[2]).toBe("\\u001b[31mred next")
  })

  it("goes on past the rows that it measured, without cutting them", async () => {
    const rows = Array.from(
      { length: 1_500 },
      (_, n): QueryRow => (n === 1_400 ? ["longer than all", "1234567890"] : ["x", "1"]),
    )
    const lines = await table([text("a"), number("n")], rows, undefined, 700)
    expect(lines).toHaveLength(1_503)
    expect(lines[1_402]).toBe("longer than all  1234567890")
    const fitted = await table([text("a"), number("n")], rows, 80, 700)
    expect(fitted[1_402]).toBe("…  1234567890")
  })

  it("draws a plan as it is", async () => {
    const columns = [text("explain_key"), text("explain_value")]
    expect(await table(columns, [["physical_plan", "┌─┐\n└─┘"]])).toEqual(["┌─┐", "└─┘"])
  })
})
