import { expect, it } from "bun:test"
import { withoutTail } from "../../src/store/query/statement.ts"

for (const [sql, kept] of [
  ["SELECT 1", "SELECT 1"],
  ["SELECT 1 ; \n", "SELECT 1"],
  ["SELECT 1; -- done", "SELECT 1"],
  ["SELECT 1 /* ; */ ;", "SELECT 1"],
  ["SELECT ';--' ;", "SELECT ';--'"],
  [`SELECT 1 AS "a;""b"`, `SELECT 1 AS "a;""b"`],
  ["SELECT $$ it's; $$;", "SELECT $$ it's; $$"],
  ["SELECT $x$ $$; $x$ -- x", "SELECT $x$ $$; $x$"],
  ["SELECT 4 / 2 - 1;", "SELECT 4 / 2 - 1"],
  ["-- why\nSELECT 'it''s'", "-- why\nSELECT 'it''s'"],
] as const) {
  it(`keeps ${JSON.stringify(kept)} of ${JSON.stringify(sql)}`, () => {
    expect(withoutTail(sql)).toBe(kept)
  })
}
