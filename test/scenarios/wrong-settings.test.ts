/** Every wrong setting is one sentence that names its key and its table, before anything is fetched. */
import { describe, expect, it } from "bun:test"
import { COLUMNS, dayOf } from "../support/conformance/rows-of.ts"
import { reply } from "../support/fake-druid/fake-druid.ts"
import { jsonReply } from "../support/fake-druid/http/errors.ts"
import { useFake } from "./support.ts"

const here = useFake()

async function run(datasource: object, more: Record<string, unknown>) {
  await here.stage.world.create("a", dayOf("2024-01-01", 5), { columns: COLUMNS })
  here.stage.config([{ name: "a", ...datasource }], more)
  return here.stage.runner.run(here.stage.args())
}

const grouped = (more: object) => ({ aggregate: { every: "hour", ...more } })
const measured = (x: string) => grouped({ measures: { x } })
const added = (x: string) => ({ columns: { add: { x } } })
const AGGREGATE = "datasources[0].aggregate"
const NAMES = "names of 1 to 128 characters, none of them a control character"

describe("a wrong setting", () => {
  it.each<[object, string, Record<string, unknown>?]>([
    [measured("RANK()"), `${AGGREGATE}.measures.x: found "RANK()"`],
    [measured("SUM(a) OVER ()"), "contains OVER"],
    [measured("(SELECT 1)"), "contains SELECT"],
    [measured("COUNT(*));"), "closes a parenthesis that it does not open"],
    [measured("COUNT(*); DROP"), 'contains a ";"'],
    [measured("COUNT(*) -- x"), "contains a comment"],
    [measured("MAX('abc)"), "has a ' that nothing closes"],
    [measured("COUNT(*) + "), '"aggregate.measures.x" of datasource "a"'],
    [measured('SUM("n") + "n"'), '"aggregate.measures.x" of datasource "a"'],
    [grouped({ measures: ["COUNT(*)"] }), `${AGGREGATE}.measures: found an array`],
    [grouped({ by: [["page"]] }), `${AGGREGATE}.by[0]: found an array`],
    [grouped({ measures: { "a\nb": "COUNT(*)" } }), NAMES],
    [grouped({ measures: { [`m${"x".repeat(128)}`]: "COUNT(*)" } }), NAMES],
    [
      grouped({ measures: { constructor: "COUNT(*)" } }),
      "accepted: names other than __proto__, constructor, prototype",
    ],
    [grouped({ by: [{ "": '"page"' }] }), `${AGGREGATE}.by[0][""]: found an empty text; accepted: ${NAMES}`],
    [{ columns: { add: ["UPPER(page)"] } }, "datasources[0].columns.add: found an array"],
    [{ columns: { add: { x: "1", X: "2" } } }, "datasources[0].columns.add.X: the name is there twice"],
    [{ columns: { add: { PAGE: "1" } } }, '"columns.add" of datasource "a" has "PAGE", and so has Druid'],
    [added("1) FROM x --"), "closes a parenthesis that it does not open"],
    [added('LAG("n")'), "contains LAG, a window function"],
    [{ columns: { hash: ["page"] } }, "hashSalt: it is empty, and hides nothing", { hashSalt: "" }],
    [{ ...grouped({}), columns: ["page"] }, 'only "hash" goes with it'],
    [{ ...grouped({}), columns: { add: { x: "1" } } }, 'in "by" (which takes expressions) and "measures"'],
    [
      { ...grouped({ by: ["page"] }), columns: { hash: ["n"] } },
      'datasources[0].columns.hash: "n" is neither in "by" nor in "measures" of "aggregate"',
      { hashSalt: "s" },
    ],
    [{}, 'lookups[0]: all of them are "lookups": "*", without the brackets', { lookups: ["*"] }],
    [{}, "context: found an empty array", { context: [] }],
  ])("%j is said: %s", async (datasource, words, more = {}) => {
    const { exitCode, stderr } = await run(datasource, more)
    expect(stderr).toContain(words)
    expect(exitCode).toBe(2)
    expect(stderr.trim().split("\n")).toHaveLength(1)
    expect(here.fake.log.rowsFetched).toBe(0)
  })

  it("of a lookup that Druid does not have is Druid's to find, and fails one datasource at once", async () => {
    const errorMessage = "Lookup [none] not found"
    here.fake.hooks.beforeRequest = (kind) =>
      kind === "scan" ? reply(jsonReply(500, { errorCode: "legacyQueryException", errorMessage })) : undefined
    const { exitCode, stderr } = await run({}, {})
    expect(exitCode).toBe(2)
    expect(stderr).toContain("Druid does not know a lookup that an expression names: Lookup [none] not found")
    expect(stderr).not.toContain("trying again")
  })

  it("that may be right another day is a warning: a column left out that Druid does not have", async () => {
    const { exitCode, stderr } = await run({ columns: { exclude: ["usr"] } }, {})
    expect(exitCode).toBe(0)
    expect(stderr).toContain('"columns.exclude" has "usr", which Druid does not show')
  })
})
