import { describe, expect, it } from "bun:test"
import { columns, displayWidth, fit, wrap } from "../../src/kit/text/width.ts"

describe("cells of a terminal", () => {
  it("counts wide characters twice and combining ones not at all", () => {
    expect([displayWidth("abc"), displayWidth("日本"), displayWidth("e\u0301"), displayWidth("🐨")]).toEqual([
      3, 4, 1, 2,
    ])
    expect(["👩\u200d👩\u200d👧", "🇩🇪", "1️⃣"].map(displayWidth)).toEqual([2, 2, 2])
  })

  it("cuts with an ellipsis, never in the middle of a wide character and never beyond the width", () => {
    expect(fit("wikipedia", 9)).toBe("wikipedia")
    expect(fit("wikipedia", 5)).toBe("wiki…")
    expect(fit("日本語", 4)).toBe("日…")
    expect(fit("👩\u200d👩\u200d👧👩\u200d👩\u200d👧", 3)).toBe("👩\u200d👩\u200d👧…")
    expect(fit("abc", 0)).toBe("")
  })

  it("puts columns side by side with numbers to the right and nothing trailing", () => {
    expect(
      columns(
        [
          ["a", "1", ""],
          ["long", "1,000", "x"],
        ],
        "lrl",
      ),
    ).toEqual(["a         1", "long  1,000  x"])
  })

  it("wraps at spaces", () => {
    expect(wrap("one two three", 8, "  ")).toEqual(["one two", "  three"])
  })
})
