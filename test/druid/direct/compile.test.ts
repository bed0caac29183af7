import { describe, expect, it } from "bun:test"
import { explainSql, nativeScan, segmentsQuery } from "../../../src/druid/direct/compile.ts"

/** As 33.0.0 explains a scan of one day with a filter; the queryId and the intervals are of that one query. */
const QUERY = {
  queryType: "scan",
  dataSource: { type: "table", name: "wikipedia" },
  intervals: { type: "intervals", intervals: ["2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z"] },
  virtualColumns: [{ type: "expression", name: "v0", expression: "'#en'", outputType: "STRING" }],
  resultFormat: "compactedList",
  filter: { type: "equals", column: "channel", matchValueType: "STRING", matchValue: "#en" },
  columns: ["__time", "added", "v0"],
  context: { queryId: "f7da", sqlQueryId: "f7da", sqlStringifyArrays: false },
  columnTypes: ["LONG", "LONG", "STRING"],
  granularity: { type: "all" },
  legacy: false,
}
const MAPPINGS = [
  { queryColumn: "__time", outputColumn: "__time" },
  { queryColumn: "v0", outputColumn: "channel" },
  { queryColumn: "added", outputColumn: "added" },
]
const NAMES = ["__time", "channel", "added"]

const plan = (query: object = {}, mappings: unknown = MAPPINGS) =>
  JSON.stringify([{ query: { ...QUERY, ...query }, signature: [], columnMappings: mappings }])

describe("a scan as Druid compiled it", () => {
  it("reads the columns in the order of our SQL, in batches, without the intervals and the ids of the explanation", () => {
    const scan = nativeScan(plan(), "wikipedia", NAMES)
    expect(scan?.query).toEqual({
      queryType: "scan",
      dataSource: QUERY.dataSource,
      virtualColumns: QUERY.virtualColumns,
      filter: QUERY.filter,
      columns: ["__time", "v0", "added"],
      resultFormat: "compactedList",
      granularity: { type: "all" },
      legacy: false,
    })
  })

  it("is none where Druid does not say which column is which, as 25.0.0", () => {
    expect(nativeScan(plan({}, null), "wikipedia", NAMES)).toBeUndefined()
    expect(nativeScan(plan({}, MAPPINGS.slice(1)), "wikipedia", NAMES)).toBeUndefined()
    const swapped = [MAPPINGS[1], MAPPINGS[0], MAPPINGS[2]]
    expect(nativeScan(plan({}, swapped), "wikipedia", NAMES)).toBeUndefined()
  })

  it("is none where one column of the query stands for two of ours", () => {
    const same = MAPPINGS.map((one) => ({ ...one, queryColumn: "v0" }))
    expect(nativeScan(plan({}, same), "wikipedia", NAMES)).toBeUndefined()
  })

  it("is none where it is no plain scan of the datasource", () => {
    for (const query of [
      { queryType: "groupBy" },
      { dataSource: { type: "table", name: "other" } },
      { dataSource: { type: "query", query: {} } },
      { limit: 5 },
      { offset: 1 },
      { order: "ascending" },
      { orderBy: [{ columnName: "__time", order: "ascending" }] },
    ])
      expect(nativeScan(plan(query), "wikipedia", NAMES)).toBeUndefined()
    expect(nativeScan("[]", "wikipedia", NAMES)).toBeUndefined()
    expect(nativeScan("DruidQueryRel(...)", "wikipedia", NAMES)).toBeUndefined()
    expect(nativeScan(JSON.stringify([{}, {}]), "wikipedia", NAMES)).toBeUndefined()
  })

  it("takes a data source that is only named, and the order that says none", () => {
    const scan = nativeScan(plan({ dataSource: "wikipedia", order: "none", orderBy: [] }), "wikipedia", NAMES)
    expect(scan).toBeDefined()
  })

  it("asks a data node for segments by interval, version and partition", () => {
    const scan = nativeScan(plan(), "wikipedia", NAMES)!
    const day = { start: 1466985600000n, end: 1467072000000n }
    const query = segmentsQuery(scan, [{ interval: day, version: "v1", partition: 2 }], 280)
    expect(query.intervals).toEqual({
      type: "segments",
      segments: [{ itvl: "2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z", ver: "v1", part: 2 }],
    })
    expect(query.columns).toEqual(["__time", "v0", "added"])
    expect(query.batchSize).toBe(1_024)
  })

  it("asks for fewer rows at once where they are wide, or may be", () => {
    const scan = nativeScan(plan(), "wikipedia", NAMES)!
    expect(segmentsQuery(scan, [], undefined).batchSize).toBe(256)
    expect(segmentsQuery(scan, [], 100_000).batchSize).toBe(10)
    expect(segmentsQuery(scan, [], 5_000_000).batchSize).toBe(1)
  })

  it("is asked for with EXPLAIN PLAN FOR", () => {
    expect(explainSql("SELECT 1")).toBe("EXPLAIN PLAN FOR SELECT 1")
  })
})
