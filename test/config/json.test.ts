import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { parseJson } from "../../src/config/json.ts"

function faultOf(text: string): string | undefined {
  const result = parseJson(text)
  return "fault" in result ? `${result.fault.line}:${result.fault.column} ${result.fault.message}` : undefined
}

describe("strict JSON", () => {
  it.each([
    ["{", "1:2 expected a key in double quotes, found the end of the file"],
    ['{"a"', '1:5 expected ":" after the key, found the end of the file'],
    ['{"a":', "1:6 expected a value, found the end of the file"],
    ['{"a":1', '1:7 expected "," or "}", found the end of the file'],
    ['{\n  "a": 1\n  "b": 2\n}', '3:3 expected "," or "}", found a double quote'],
    ['{"a": 1,}', "1:9 a comma too many before this brace"],
    ["[1,]", "1:4 a comma too many before this bracket"],
    ["[1 2]", '1:4 expected "," or "]", found "2"'],
    ["{a: 1}", '1:2 expected a key in double quotes, found "a"'],
    ["{'a': 1}", "1:2 keys are written in double quotes"],
    ["{\"a\": 'b'}", "1:7 text is written in double quotes"],
    ['{"a": b}', "1:7 text is written in double quotes; bare words are true, false, null"],
    ['{"a": True}', "1:7 text is written in double quotes; bare words are true, false, null"],
    ['{"a": 1} // no', "1:10 comments are not accepted; the file is plain JSON"],
    ['{\r\n/* no */ "a": 1}', "2:1 comments are not accepted; the file is plain JSON"],
    ["# no\n{}", "1:1 comments are not accepted; the file is plain JSON"],
    ['{"a": "b\nc"}', "1:7 this text is not closed on its line"],
    ['{"a": "b', "1:7 this text has no closing double quote"],
    ['{"a": "\t"}', "1:8 the character U+0009 has to be written as an escape"],
    ['{"a": "C:\\Users"}', "1:10 this escape is unknown; a backslash itself is written \\\\"],
    ['{"a": "\\u12"}', "1:8 this escape is unknown; a backslash itself is written \\\\"],
    ['{"a": 01}', "1:7 this is not a number in JSON"],
    ['{"a": 1.}', "1:7 this is not a number in JSON"],
    ['{"a": 0x1}', "1:7 this is not a number in JSON"],
    ['{"a": .5}', '1:7 expected a value, found "."'],
    ['{"a": 1, "b": 2, "a": 3}', '1:18 the key "a" is there twice'],
    ['{"a": 1, "\\u0061": 3}', '1:10 the key "a" is there twice'],
    ["{} {}", '1:4 nothing may follow the closing brace, found "{"'],
    ["{\u00a0}", "1:2 expected a key in double quotes, found the character U+00A0"],
    ["\u0000", "1:1 expected a value, found the character U+0000"],
  ])("names the place and the fault of %p", (text, fault) => {
    expect(faultOf(text)).toBe(fault)
  })

  it("refuses depth that no configuration has, before the stack ends", () => {
    expect(faultOf("[".repeat(1_000_000))).toBe("1:66 it is nested deeper than 64 levels")
  })

  it("gives the value that JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(parseJson(text)).toEqual({ value: JSON.parse(text) })
      }),
    )
  })

  it("refuses what JSON.parse refuses", () => {
    const piece = fc.constantFrom(
      ..."{}[]:,\"\\ \n\tabtrue01.-+eEnulf'/*#u".split(""),
      '"a"',
      "true",
      "null",
      "12",
      "{}",
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join("")
        let isValid = true
        try {
          JSON.parse(text)
        } catch {
          isValid = false
        }
        const fault = faultOf(text)
        if (!isValid) expect(fault).toBeDefined()
        else if (!fault?.includes("twice")) expect(fault).toBeUndefined()
        expect(fault ?? "").not.toContain("it cannot be read")
      }),
      { numRuns: 5000 },
    )
  })
})
