import { describe, expect, it } from "bun:test"
import { settingsDigest } from "../../src/config/settings-digest.ts"
import { load, loadWith, problemsWith } from "./support.ts"

describe("datasources", () => {
  it.each([
    ["a", ["a"]],
    [" a , b,c ", ["a", "b", "c"]],
    [
      ["a", "b, c"],
      ["a", "b, c"],
    ],
    [
      ["a", { name: "b" }],
      ["a", "b"],
    ],
  ])("%j names %j", async (datasources, names) => {
    expect((await loadWith({ datasources })).datasources.map(({ name }) => name)).toEqual(names)
  })

  it("take every key of an object", async () => {
    const { datasources } = await loadWith({
      datasources: [
        {
          name: "my.wiki",
          table: "Wiki pages!",
          columns: ["page", "user"],
          filter: " \"channel\" = '#en' ",
          since: "2024-01-01T00:00:00Z",
          deletions: "mirror",
          keep: "P90D",
          realtime: "exclude",
          multiValue: "json",
          rows: "visible",
          rowHash: true,
          lookback: "P1D",
        },
      ],
    })
    expect(datasources).toEqual([
      {
        name: "my.wiki",
        table: "Wiki pages!",
        columns: { include: ["__time", "page", "user"], exclude: [] },
        filter: "\"channel\" = '#en'",
        sinceMs: 1704067200000n,
        deletions: "mirror",
        keepMs: 7_776_000_000,
        realtime: "exclude",
        multiValue: "json",
        rows: "visible",
        rowHash: true,
        lookbackMs: 86_400_000,
      },
    ])
  })

  it("take over what is said once at the top, unless they say otherwise", async () => {
    const { datasources } = await loadWith({
      datasources: ["a", { name: "b", deletions: "keep", rowHash: false, lookback: "1h" }],
      deletions: "mirror",
      realtime: "exclude",
      multiValue: "json",
      rows: "all",
      rowHash: true,
      lookback: "0s",
    })
    expect(datasources).toMatchObject([
      { deletions: "mirror", realtime: "exclude", multiValue: "json", rowHash: true, lookbackMs: 0 },
      { deletions: "keep", realtime: "exclude", multiValue: "json", rowHash: false, lookbackMs: 3_600_000 },
    ])
  })

  it.each([
    [["page"], ["__time", "page"], []],
    [["page", "__time"], ["__time", "page"], []],
    [{ include: ["page"] }, ["__time", "page"], []],
    [{ exclude: ["page"] }, undefined, ["page"]],
    [{ include: ["a"], exclude: ["b"] }, ["__time", "a"], ["b"]],
    [{}, undefined, []],
  ])("with columns %j include %j and exclude %j", async (columns, include, exclude) => {
    const { datasources } = await loadWith({ datasources: [{ name: "a", columns }] })
    expect(datasources[0]?.columns).toEqual({ include, exclude })
  })

  it.each([
    [undefined, "datasources: missing: names with commas between them, or an array"],
    ["", "datasources: found an empty text; accepted: names with commas"],
    [" ", 'datasources: found " "; accepted: names with commas'],
    [[], "datasources: found an empty array; accepted: names with commas"],
    [{ name: "a" }, "datasources: found an object; accepted: names with commas"],
    ["a,,b", 'datasources: found "a,,b"; a name is missing beside a comma'],
    ["a,", 'datasources: found "a,"; a name is missing beside a comma'],
    [
      [""],
      "datasources[0]: found an empty text; accepted: the datasource's name in Druid, without control characters",
    ],
    [
      ["a\tb"],
      'datasources[0]: found "a\\tb"; accepted: the datasource\'s name in Druid, without control characters',
    ],
    [["a\ud800"], "datasources[0]: found "],
    [
      [["a"]],
      'datasources[0]: found an array; accepted: a name or a pattern such as "events_*" or "!tmp_*", or an object like',
    ],
    [[{}], "datasources[0].name: missing: the datasource's name in Druid"],
    [[{ name: "" }], "datasources[0].name: found an empty text; accepted: the datasource's name"],
    [[{ name: "a", tabel: "b" }], 'datasources[0].tabel: unknown key; did you mean "table"?'],
    [[{ name: "a", host: "b" }], "datasources[0].host: unknown key"],
    [[{ name: "a", table: "" }], "datasources[0].table: found an empty text; accepted: a table name"],
    [[{ name: "a", filter: " " }], 'datasources[0].filter: found " "; accepted: a Druid SQL condition'],
    [[{ name: "a", since: 5 }], "datasources[0].since: found 5; accepted: a date such as"],
    [
      [{ name: "a", since: "2024-02-30" }],
      'datasources[0].since: found "2024-02-30"; accepted: a date such as',
    ],
    [[{ name: "a", lookback: "P1M" }], 'datasources[0].lookback: found "P1M"; accepted: a duration such as'],
    [
      [{ name: "a", columns: "page" }],
      'datasources[0].columns: found "page"; accepted: an array of column names',
    ],
    [
      [{ name: "a", columns: [] }],
      "datasources[0].columns: found an empty array; accepted: at least one column",
    ],
    [[{ name: "a", columns: ["x", 5] }], "datasources[0].columns[1]: found 5; accepted: a column name"],
    [
      [{ name: "a", columns: { include: [] } }],
      "datasources[0].columns.include: found an empty array; accepted: at",
    ],
    [
      [{ name: "a", columns: { exclude: [""] } }],
      "datasources[0].columns.exclude[0]: found an empty text; accepted",
    ],
    [
      [{ name: "a", columns: { exlude: ["x"] } }],
      'datasources[0].columns.exlude: unknown key; did you mean "exclude"?',
    ],
    [
      [{ name: "a", columns: { exclude: ["__time"] } }],
      'datasources[0].columns.exclude: "__time" is always copied',
    ],
    [[{ name: "a", columns: ["x", "x"] }], 'datasources[0].columns: "x" is there twice'],
    [
      [{ name: "a", columns: { include: ["x"], exclude: ["x"] } }],
      'datasources[0].columns: "x" is both included and excluded',
    ],
  ])("%j are refused, and it says why", async (datasources, start) => {
    const lines = await problemsWith({ datasources })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toStartWith(start)
  })
})

describe("two datasources", () => {
  it.each([
    [
      "a, b, a",
      'datasources: the datasource "a" is there twice as the table "a"; write "datasources" as an array and set "table" there, such as { "name": "a", "table": "a_2" }',
    ],
    [
      ["a.b", "a-b"],
      'datasources[1]: "a.b" and "a-b" would both be the table "a_b"; set "table", such as { "name": "a-b", "table": "a_b_2" }',
    ],
    [
      "a.b,a-b",
      'datasources: "a.b" and "a-b" would both be the table "a_b"; write "datasources" as an array and set "table" there, such as { "name": "a-b", "table": "a_b_2" }',
    ],
    [
      ["Foo", "foo"],
      'datasources[1]: "Foo" and "foo" would both be the table "foo" (DuckDB takes it for the same as "Foo"); set "table", such as { "name": "foo", "table": "foo_2" }',
    ],
    [
      ["a", { name: "b", table: "A" }, "A_2"],
      'datasources[1]: "a" and "b" would both be the table "A" (DuckDB takes it for the same as "a"); set "table", such as { "name": "b", "table": "A_3" }',
    ],
    [
      ["-sync-state"],
      'datasources[0]: "-sync-state" would be the table "_sync_state", but table names that start with _sync_ belong to druidsync; set "table", such as { "name": "-sync-state", "table": "druid_sync_state" }',
    ],
    [
      [{ name: "a", table: "_SYNC_x" }],
      'datasources[0]: "a" would be the table "_SYNC_x", but table names that start with _sync_ belong to druidsync; set "table", such as { "name": "a", "table": "druid_SYNC_x" }',
    ],
  ])("%j cannot share a table, nor have one of ours (S12)", async (datasources, line) => {
    expect(await problemsWith({ datasources })).toEqual([line])
  })

  it("can be told apart by letters that DuckDB tells apart", async () => {
    const { datasources } = await load({ host: "localhost", datasources: ["é", "É"] })
    expect(datasources.map(({ table }) => table)).toEqual(["é", "É"])
  })

  it("can have one name in Druid and another table here", async () => {
    const { datasources } = await loadWith({ datasources: ["a.b", { name: "a-b", table: "other" }] })
    expect(datasources.map(({ table }) => table)).toEqual(["a_b", "other"])
  })
})

describe("the settings' digest", () => {
  async function digestOf(keys: object): Promise<string> {
    const { datasources } = await loadWith({ datasources: [{ name: "a", ...keys }] })
    return settingsDigest(datasources[0]!)
  }

  it("stays what it is from release to release, since checkpoints hold it", async () => {
    expect(await digestOf({})).toBe("2d24cfb37f1d3a6f")
    expect(await digestOf({ columns: ["b", "a"], filter: "x = 1", multiValue: "json", rowHash: true })).toBe(
      "dfc06e46ce33588a",
    )
  })

  it.each([
    { columns: ["x"] },
    { columns: { exclude: ["x"] } },
    { filter: "x = 1" },
    { filter: "x = 2" },
    { multiValue: "json" },
    { rowHash: true },
  ])("changes with %j", async (keys) => {
    expect(await digestOf(keys)).not.toBe(await digestOf({}))
  })

  it.each([
    [{}, { table: "t", since: "2024-01-01", deletions: "mirror", realtime: "exclude", lookback: "1d" }],
    [{ columns: ["a", "b"] }, { columns: { include: ["b", "__time", "a"] } }],
    [{ filter: "x" }, { filter: " x " }],
    [{}, { columns: {}, multiValue: "list", rowHash: false }],
  ])("is the same for %j and %j", async (one, other) => {
    expect(await digestOf(one)).toBe(await digestOf(other))
  })
})
