import { describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { DruidsyncError } from "../../src/base/errors.ts"
import { FrameReader, type Header, linesOf, parseHeader, parseLine } from "../../src/druid/framing.ts"

const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, "../fixtures", name))

/** Feeds the pieces; the rows' bytes and the header, or the error. */
function read(pieces: readonly Uint8Array[]): { rows: Buffer; header: Header; rowBytes: number } {
  const frame = new FrameReader()
  const rows = pieces.map((piece) => Buffer.from(frame.push(piece)))
  return { rows: Buffer.concat(rows), header: frame.end(), rowBytes: frame.rowBytes }
}

function failure(work: () => unknown): DruidsyncError {
  try {
    work()
  } catch (error) {
    if (error instanceof DruidsyncError) return error
    throw error
  }
  throw new Error("it passed")
}

/** The same bytes in pieces, cut at the given places; empty pieces included. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((to, n) => bytes.subarray(places[n]!, to))
}

const whole = fixture("whole.arraylines")
const headerBytes = whole.indexOf("\n", whole.indexOf("\n", whole.indexOf("\n") + 1) + 1) + 1

describe("a complete answer of a real Druid", () => {
  it("gives its header and exactly the bytes of its rows", () => {
    const { header, rows, rowBytes } = read([whole])
    expect(header).toEqual({
      names: ["__time", "channel", "page", "added", "isRobot", "comment"],
      druidTypes: ["LONG", "STRING", "STRING", "LONG", "STRING", "STRING"],
      sqlTypes: ["BIGINT", "VARCHAR", "VARCHAR", "BIGINT", "VARCHAR", "VARCHAR"],
    })
    expect(rows).toEqual(whole.subarray(headerBytes))
    expect(rowBytes).toBe(whole.length - headerBytes)
    expect(rows.toString().trimEnd().split("\n").length).toBe(40)
  })

  it("gives the same however the network cuts it", () => {
    const expected = read([whole])
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20_000 }), { maxLength: 30 }), (cuts) => {
        expect(read(pieces(whole, cuts))).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it("gives the same byte by byte", () => {
    expect(
      read(
        pieces(
          whole,
          Array.from({ length: whole.length }, (_, n) => n),
        ),
      ),
    ).toEqual(read([whole]))
  })

  it("without rows is complete and empty", () => {
    const { header, rows } = read([fixture("no-rows.arraylines")])
    expect(header.names).toEqual(["__time", "channel"])
    expect(rows.toString()).toBe("\n")
  })
})

describe("an answer that ends early", () => {
  it("is refused wherever it ends: every one of its beginnings", () => {
    for (let length = 0; length < whole.length; length++) {
      const error = failure(() => read([whole.subarray(0, length)]))
      expect({ length, code: error.code, retryable: error.retryable }).toEqual({
        length,
        code: "response-cut",
        retryable: true,
      })
    }
  })

  it("is refused wherever it ends and however it was cut into pieces", () => {
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), fc.array(fc.nat({ max: 20_000 })), (length, cuts) => {
        expect(failure(() => read(pieces(whole.subarray(0, length), cuts))).code).toBe("response-cut")
      }),
      { numRuns: 500 },
    )
  })

  for (const name of ["cut-after-row", "cut-in-row", "cut-in-header"]) {
    it(`as a real Druid sent it is refused: ${name}`, () => {
      expect(failure(() => read([fixture(`${name}.arraylines`)]))).toMatchObject({
        code: "response-cut",
        retryable: true,
      })
    })
  }

  it("without a single row, after its header lines, is refused too", () => {
    expect(failure(() => read([fixture("no-rows.arraylines").subarray(0, -1)])).code).toBe("response-cut")
  })
})

describe("an answer that is not Druid's", () => {
  it("is called by its name: a login page, short or long, in one piece or in many", () => {
    for (const page of ["<html>login</html>", "<!doctype html>\n<html>\n<body>\n<form>\n</form>\n"]) {
      fc.assert(
        fc.property(fc.array(fc.nat({ max: 100 })), (cuts) => {
          const error = failure(() => read(pieces(Buffer.from(page), cuts)))
          expect(error).toMatchObject({ code: "not-druid", retryable: false })
          expect(error.message).toContain("web page")
        }),
        { numRuns: 50 },
      )
    }
  })

  it("is refused where its lines are JSON but no header", () => {
    for (const text of [
      '{"a":1}\n{}\n{}\n\n',
      "[1]\n[2]\n[3]\n\n",
      '["a"]\n["LONG","LONG"]\n["BIGINT"]\n\n',
      '["a"]\n\n\n\n',
    ])
      expect(failure(() => read([Buffer.from(text)])).code).toBe("not-druid")
  })

  it("does not fill the memory while it is searched for a header", () => {
    const frame = new FrameReader()
    const piece = Buffer.alloc(1 << 20, "x")
    const error = failure(() => {
      for (let n = 0; n < 64; n++) frame.push(piece)
    })
    expect(error.code).toBe("not-druid")
  })
})

describe("a header", () => {
  it("of strange names is read as Druid wrote it", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1 }), (names) => {
        const types = names.map(() => "STRING")
        const text = [names, types, types].map((line) => `${JSON.stringify(line)}\n`).join("")
        expect(parseHeader(text).names).toEqual(names)
      }),
    )
  })
})

describe("a small answer", () => {
  const parseLines = (body: string) => linesOf(body).map(parseLine)

  it("is read whole", () => {
    expect(parseLines(fixture("no-header.arraylines").toString())).toEqual([[100_000]])
    expect(parseLines("\n\n")).toEqual([])
    expect(parseLines('[1,"a\\n\\n"]\n[2,null]\n\n')).toEqual([
      [1, "a\n\n"],
      [2, null],
    ])
  })

  it("is refused at every one of its beginnings", () => {
    const body = '[1,"a"]\n[2,"b"]\n\n'
    for (let length = 0; length < body.length; length++)
      expect(failure(() => parseLines(body.slice(0, length))).code).toBe("response-cut")
  })

  it("is refused where a line is missing in its middle, or is no row", () => {
    for (const body of ["[1]\n\n[2]\n\n", "[1]\n{}\n\n", "[1]\n2\n\n", "[1]\n[2\n\n"])
      expect(failure(() => parseLines(body)).code).toBe("response-cut")
  })

  it("that is a page is called one", () => {
    expect(failure(() => parseLines("<html>\n\n"))).toMatchObject({ code: "not-druid" })
  })
})
