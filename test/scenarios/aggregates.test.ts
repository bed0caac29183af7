/** Aggregates: groups of rows, made by Druid, kept exact whatever happens there. */
import { describe, expect, it } from "bun:test"
import { EVERY } from "../../src/base/buckets.ts"
import { expectGroups, MEASURES } from "../support/conformance/groups.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { useFake } from "./support.ts"

const here = useFake()
const days = ["2024-01-30", "2024-01-31", "2024-02-01"]

const load = (name = "a") => here.stage.world.create(name, daysOf(days, 40), { columns: COLUMNS })

function config(every: string, by: readonly unknown[] = ["page"], more: Record<string, unknown> = {}) {
  here.stage.config([{ name: "a", table: "g", aggregate: { every, by, measures: MEASURES } }], more)
}

/** Pulls, and compares every group with those of the rows that Druid has. */
async function pullExactly(every: string, by: readonly string[] = ["page"]) {
  const pulled = await here.stage.pull()
  if (pulled.exitCode !== 0) throw new Error(`${pulled.stdout}\n${pulled.stderr}`)
  await expectGroups(here.stage, "a", { table: "g", every, by })
  return pulled
}

describe("an aggregate", () => {
  it.each([...EVERY])("by %s is what Druid's groups are", async (every) => {
    await load()
    config(every)
    await pullExactly(every)
    expect((await pullExactly(every)).rows).toBe(0)
  })

  it.each([...EVERY])("by %s follows late rows, overwritten days, compaction and drops", async (every) => {
    await load()
    config(every, ["page"], { deletions: "mirror", sliceRows: 10 })
    await pullExactly(every)
    await here.stage.world.append("a", dayOf("2024-01-31T05:00:00Z", 3, 9).slice(0, 1))
    await pullExactly(every)
    await here.stage.world.overwrite("a", dayOf("2024-02-01", 40, 5))
    await pullExactly(every)
    await here.stage.world.compact("a", "2024-01-01/2024-02-01", "MONTH")
    await pullExactly(every)
    await here.stage.world.append("a", daysOf(["2024-02-02", "2024-03-31"], 30))
    await pullExactly(every)
    await here.stage.world.markUnused("a", "2024-02-01/2024-02-02")
    await pullExactly(every)
    expect((await pullExactly(every)).rows).toBe(0)
  })
})
