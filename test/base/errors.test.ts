import { describe, expect, it } from "bun:test"
import { concernsOneDatasource, DruidsyncError, ExitCode, worst } from "../../src/base/errors.ts"

describe("an error", () => {
  it("stops one datasource or the run, by its code or as it is told", () => {
    expect(concernsOneDatasource(new DruidsyncError("forbidden", "no"))).toBe(true)
    expect(concernsOneDatasource(new DruidsyncError("disk-full", "full"))).toBe(false)
    expect(concernsOneDatasource(new DruidsyncError("file", "x", { scope: "datasource" }))).toBe(true)
    expect(concernsOneDatasource(new Error("bug"))).toBe(false)
  })

  it("says the same in other words, with all that others decide by", () => {
    const error = new DruidsyncError("query", "the answer is too big", {
      asksForLess: true,
      retryable: true,
      retryAfterMs: 7,
      exitCode: ExitCode.incomplete,
      scope: "run",
      hint: "ask for less",
    })
    const again = error.saying("fetching: the answer is too big")
    const { code, exitCode, scope, asksForLess, retryable, retryAfterMs, hint } = error
    expect(again).toMatchObject({ code, exitCode, scope, asksForLess, retryable, retryAfterMs, hint })
    expect(again.message).toBe("fetching: the answer is too big")
    expect(again.cause).toBe(error)
  })

  it("is code, message and hint in a document", () => {
    const at = { exitCode: ExitCode.usage, hint: "look there" }
    expect(JSON.parse(JSON.stringify(new DruidsyncError("config", "wrong", at)))).toEqual({
      code: "config",
      message: "wrong",
      hint: "look there",
    })
    expect(new DruidsyncError("bug", "odd").toJSON()).toEqual({ code: "bug", message: "odd" })
  })
})

describe("the worst exit code", () => {
  it("decides in this order", () => {
    const { ok, incomplete, refused, usage, locked, failed, interrupted } = ExitCode
    const order = [ok, incomplete, refused, usage, locked, failed, interrupted]
    for (const [n, code] of order.entries()) expect(worst(order.slice(0, n + 1))).toBe(code)
    expect(worst([])).toBe(ok)
  })
})
