/** What `npm test` reads out of bun's output, and the comparison that the scenarios stand on: both must be able to fail. */
import { describe, expect, it } from "bun:test"
import { countsOf } from "../../scripts/test/bun.ts"
import { failuresIn } from "../../scripts/test/failures.ts"
import { canonical, difference, Multiset, rowText } from "../support/conformance/rows.ts"

describe("bun's summary", () => {
  it("is read from its last lines, whatever tests print before", () => {
    const output = "(pass) a\n 7 pass\nnoise\n\n 12 pass\n 2 skip\n 1 todo\n 3 fail\n 40 expect() calls\n"
    expect(countsOf(output, 1)).toMatchObject({ passed: 12, failed: 3, skipped: 3 })
  })

  it("with exit code 1 and no failed test still counts as a failure", () => {
    expect(countsOf(" 12 pass\n 0 fail\n", 1)).toMatchObject({ passed: 12, failed: 1, skipped: 0 })
  })

  it("that is missing, after a crash, counts as a failure", () => {
    expect(countsOf("Segmentation fault\n", 139)).toMatchObject({ passed: 0, failed: 1, skipped: 0 })
    expect(countsOf("", 0)).toMatchObject({ passed: 0, failed: 1, skipped: 0 })
  })
})

describe("the tests that failed", () => {
  it("are cut out of bun's output with their file and what was printed of them", () => {
    const output = `test/a.test.ts:
of the first
(pass) first [1.00ms]
of the second
error: no
(fail) second [2.00ms]

test/b.test.ts:
(fail) third
 1 pass
 2 fail
`
    expect(failuresIn(output)).toEqual([
      "test/a.test.ts:\nof the second\nerror: no\n(fail) second [2.00ms]",
      "test/b.test.ts:\n(fail) third",
    ])
    expect(countsOf(output, 1).failures).toHaveLength(2)
  })

  it("are replaced by the end of the output where bun died", () => {
    expect(countsOf("(pass) a\nSegmentation fault\n", 139).failures.join()).toContain("Segmentation fault")
  })
})

describe("the comparison of rows", () => {
  const of = (...texts: string[]) => Multiset.of(texts)

  it("sees a missing row, a row too many and a duplicate lost", () => {
    expect(difference(of("a", "b"), of("b", "a"))).toBeUndefined()
    expect(difference(of("a"), of("a", "b"))).toContain("missing: 1")
    expect(difference(of("a", "b"), of("a"))).toContain("too many: 1")
    expect(difference(of("a", "b", "b"), of("a", "a", "b"))).toContain("missing: 1")
  })

  it("tells apart what looks alike", () => {
    const texts = [
      canonical.long(5n),
      canonical.double(5),
      canonical.float(5),
      canonical.string("5"),
      canonical.time(5n),
      canonical.string(null),
      canonical.string("null"),
      canonical.string(""),
      canonical.double(0),
      canonical.double(-0),
      canonical.double(Number.NaN),
      canonical.long(9_007_199_254_740_993n),
      canonical.long(9_007_199_254_740_992n),
    ]
    expect(new Set(texts).size).toBe(texts.length)
  })

  it("does not depend on the order of columns", () => {
    expect(
      rowText([
        ["a", "1"],
        ["b", "2"],
      ]),
    ).toBe(
      rowText([
        ["b", "2"],
        ["a", "1"],
      ]),
    )
    expect(
      rowText([
        ["a", "1"],
        ["b", "2"],
      ]),
    ).not.toBe(
      rowText([
        ["a", "2"],
        ["b", "1"],
      ]),
    )
  })
})
