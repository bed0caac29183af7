import { describe, expect, it } from "bun:test"
import { expressionProblem } from "../../src/config/expression.ts"

describe("an expression in Druid SQL", () => {
  it.each([
    'UPPER("cityName")',
    "'a; -- (b'",
    '"a ""quoted"" ) name"',
    "CASE WHEN (n > 1) THEN 'x,y' ELSE '' END",
    "LOOKUP(\"iso\", 'names')",
    "a - -1",
    '"select" || over_all',
    "'it''s'",
    "rank + \"LAG\"('a')",
    "'ünï 数'",
  ])("%s can stand among others", (sql) => {
    expect(expressionProblem(sql)).toBeUndefined()
  })

  it.each([
    ["", "is empty"],
    ["   \n", "is empty"],
    ["a) FROM x --", "closes a parenthesis that it does not open"],
    ["f(a", "opens a parenthesis that it does not close"],
    ["')' || f(b))", "closes a parenthesis that it does not open"],
    ["a -- b", "contains a comment"],
    ["a /* b */", "contains a comment"],
    ["a; b", 'contains a ";"'],
    ["a, b", "is more than one expression"],
    ["'a", "has a ' that nothing closes"],
    ['"a', 'has a " that nothing closes'],
    ["(SELECT 1)", "contains SELECT"],
    ["SUM(a) OVER ()", "contains OVER"],
    ["rank ()", "contains RANK, a window function"],
    ["ROW_NUMBER() OVER ()", "contains ROW_NUMBER, a window function"],
  ])("%j %s", (sql, problem) => {
    expect(expressionProblem(sql)).toBe(problem)
  })
})
