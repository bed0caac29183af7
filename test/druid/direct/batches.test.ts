import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { BatchReader } from "../../../src/druid/direct/batches.ts"

interface Batch {
  readonly segmentId: string
  readonly columns: readonly string[]
  readonly events: readonly unknown[][]
}

/** What comes out of the reader when the body comes in these pieces. */
function read(body: string, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(body)
  const reader = new BatchReader()
  const out: Buffer[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    const to = Math.min(bytes.length, Math.max(from, cut))
    out.push(Buffer.from(reader.push(bytes.subarray(from, to))))
    from = to
  }
  out.push(Buffer.from(reader.end()))
  const text = Buffer.concat(out).toString("utf8")
  expect(Buffer.byteLength(text)).toBe(reader.batchBytes)
  return text
}

const cell = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(',{"segmentId":', '"},{"segmentId":"', "]", "}]", "[]", "\n"),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(null),
  fc.array(fc.string()),
)
const batch: fc.Arbitrary<Batch> = fc.record({
  segmentId: fc.string(),
  columns: fc.constant(["a", "b"]),
  events: fc.array(fc.array(cell, { minLength: 2, maxLength: 2 }), { maxLength: 4 }),
})

describe("batches of a data node", () => {
  it("become a line each, whatever the values and wherever the pieces are cut", () => {
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 5 }), fc.array(fc.nat(400)), (batches, cuts) => {
        const text = read(
          JSON.stringify(batches),
          cuts.sort((a, b) => a - b),
        )
        const lines = text === "" ? [] : text.split("\n").map((line) => JSON.parse(line))
        expect(lines).toEqual(JSON.parse(JSON.stringify(batches)))
      }),
    )
  })

  it("are refused at whatever byte they are cut", () => {
    const body = JSON.stringify([
      { segmentId: "s", columns: ["a"], events: [["x]"], [["}]"]]] },
      { segmentId: "t", columns: ["a"], events: [["y"]] },
    ])
    const isTaken = (text: string) => {
      try {
        // A text may end like a body: then the line that it leaves is no JSON, which DuckDB's reader refuses.
        for (const line of read(text).split("\n")) JSON.parse(line)
        return true
      } catch {
        return false
      }
    }
    for (let length = 0; length < body.length; length++) expect(isTaken(body.slice(0, length))).toBe(false)
    expect(isTaken(body)).toBe(true)
    expect(read(body).split("\n")).toHaveLength(2)
  })

  it("may be none", () => {
    expect(read("[]")).toBe("")
    expect(read("[]\n")).toBe("")
  })

  it("are no error document and no web page", () => {
    expect(() => read('{"error":"Query timeout"}')).toThrow("something else than batches")
    expect(() => read("<html>")).toThrow("something else than batches")
  })
})
