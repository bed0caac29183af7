import { describe, expect, it } from "bun:test"
import { settingsDigest } from "../../src/config/settings-digest.ts"
import { loadWith, problemsWith } from "./support.ts"

const of = (aggregate: unknown, more: object = {}) => ({ datasources: [{ name: "a", aggregate, ...more }] })

describe("aggregate", () => {
  it("has the buckets, what tells groups apart, and the measures, in their order", async () => {
    const { datasources } = await loadWith(
      of({
        every: "15 minutes",
        by: ["channel", { town: ' UPPER("cityName") ', hour: "TIME_EXTRACT(\"__time\", 'HOUR')" }],
        measures: { edits: "COUNT(*)", added: 'SUM("added")' },
      }),
    )
    expect(datasources[0]!.aggregate).toEqual({
      every: "15 minutes",
      by: [
        { name: "channel" },
        { name: "town", expression: 'UPPER("cityName")' },
        { name: "hour", expression: "TIME_EXTRACT(\"__time\", 'HOUR')" },
      ],
      measures: [
        { name: "edits", expression: "COUNT(*)" },
        { name: "added", expression: 'SUM("added")' },
      ],
    })
  })

  it("needs nothing but its buckets", async () => {
    const { datasources } = await loadWith(of({ every: "all" }))
    expect(datasources[0]!.aggregate).toEqual({ every: "all", by: [], measures: [] })
  })

  it("is a matter of what is fetched", async () => {
    const digests = await Promise.all(
      [undefined, { every: "hour" }, { every: "day" }, { every: "day", by: ["b"] }].map(async (aggregate) => {
        const [one] = (await loadWith(of(aggregate))).datasources
        return settingsDigest(one!)
      }),
    )
    expect(new Set(digests).size).toBe(4)
  })

  it.each([
    ["hour", {}, "datasources[0].aggregate"],
    [{}, {}, "datasources[0].aggregate.every"],
    [{ every: "hourly" }, {}, "datasources[0].aggregate.every"],
    [{ every: "hour", evry: 1 }, {}, "datasources[0].aggregate.evry: unknown key"],
    [{ every: "hour", by: [{}] }, {}, "datasources[0].aggregate.by"],
    [{ every: "hour", by: [{ x: "a) --" }] }, {}, "closes a parenthesis"],
    [{ every: "hour", by: ["x", "X"] }, {}, "the name is there twice"],
    [{ every: "hour", by: ["__time"] }, {}, "every aggregate has a column of that name"],
    [{ every: "hour", measures: { _rows: "COUNT(*)" } }, {}, "every aggregate has a column of that name"],
    [{ every: "hour", by: ["x"], measures: { x: "COUNT(*)" } }, {}, "the name is there twice"],
    [{ every: "hour", measures: { x: '"added"' } }, {}, "is no aggregation"],
    [{ every: "hour", measures: { x: "SUM(a); DROP" } }, {}, 'contains a ";"'],
    [{ every: "hour" }, { columns: ["x"] }, "datasources[0].columns"],
    [{ every: "hour" }, { since: "2024-01-01T00:30:00Z" }, "in the middle of a bucket"],
    [{ every: "month" }, { since: "2024-01-02" }, "in the middle of a bucket"],
    [{ every: "all" }, { since: "2024-01-01" }, "one bucket for all of time"],
  ])("%j with %j is refused in one line", async (aggregate, more, words) => {
    const problems = await problemsWith(of(aggregate, more))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(words)
  })

  it.each([
    ["hour", "2024-01-01T05:00:00Z"],
    ["week", "2024-01-01"],
    ["month", "2024-03-01"],
  ])("by %s may begin at %s", async (every, since) => {
    expect(await problemsWith(of({ every }, { since }))).toEqual([])
  })
})
