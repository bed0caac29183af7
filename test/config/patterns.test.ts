/** Patterns in `datasources`: what they match, who decides, and what is refused. */
import { describe, expect, it } from "bun:test"
import { tablesOf } from "../../src/config/datasources.ts"
import { datasourceNamesIn } from "../../src/config/file.ts"
import { admits, escaped, isPattern, matches, unescaped } from "../../src/config/patterns.ts"
import { load, problemsWith } from "./support.ts"

const NAMES = ["events_a", "events_b", "tmp_x", "tmp_keep", "wikipedia"]

/** The tables that a configuration makes of names, as `name: since`. */
async function tables(datasources: unknown, names: readonly string[] = NAMES) {
  const settings = await load({ host: "localhost", datasources })
  return tablesOf(settings, names).map(({ name, table, sinceMs }) => {
    const since = sinceMs === undefined ? "all" : new Date(Number(sinceMs)).toISOString().slice(0, 10)
    return table === name ? `${name}: ${since}` : `${name} as ${table}: ${since}`
  })
}

describe("a pattern", () => {
  it.each([
    ["*", ["", "a", "a/b.c", "line\nbreak", "😀"], []],
    ["events_*", ["events_", "events_a"], ["event", "Events_a", "my_events_a"]],
    ["?", ["a", "😀", "*"], ["", "ab"]],
    ["a.b*", ["a.b", "a.bc"], ["aXb"]],
    ["[ab]{1}+(c)|^$", ["[ab]{1}+(c)|^$"], ["a"]],
    ["a\\*b", ["a*b"], ["a\\b", "axb"]],
    ["\\\\*", ["\\", "\\x"], ["*", "x"]],
    ["*a*a*a*a*a*a*b", [`${"a".repeat(40)}b`], ["a".repeat(40)]],
  ])("%j matches the whole of a name", (pattern, yes, no) => {
    expect(yes.filter((name) => !matches(pattern, name))).toEqual([])
    expect(no.filter((name) => matches(pattern, name))).toEqual([])
  })

  it("differs from a name by its special characters, unless a backslash escapes them", () => {
    expect(["*", "a?", "!a", "a\\\\*"].filter((text) => !isPattern(text))).toEqual([])
    expect(["a", "a!", "a\\*", "\\!a", "a\\", "[a]", "{a,b}"].filter(isPattern)).toEqual([])
    for (const name of ["a*b", "!a", "a\\*", "\\", "a\\b", "\\!", "what?", "\\\\*!?"]) {
      expect(isPattern(escaped(name))).toBe(false)
      expect(unescaped(escaped(name))).toBe(name)
      expect(matches(escaped(name), name)).toBe(true)
    }
  })

  it("that leaves out has the last word among those of a choice", () => {
    expect(admits(["ev*", "!events_b"], "events_a")).toBe(true)
    expect(admits(["ev*", "!events_b"], "events_b")).toBe(false)
    expect(admits(["!tmp_*"], "events_b")).toBe(false)
  })
})

describe("a list of names and patterns", () => {
  it("copies what matches, but what is left out, wherever that stands; the first match decides the settings", async () => {
    expect(await tables(["*", "!tmp_*", { name: "events_*", since: "2024-01-01" }])).toEqual([
      "events_a: 2024-01-01",
      "events_b: 2024-01-01",
      "wikipedia: all",
    ])
    expect(
      await tables([
        { name: "events_a*", since: "2020-01-01" },
        { name: "e*", since: "2021-01-01" },
      ]),
    ).toEqual(["events_a: 2020-01-01", "events_b: 2021-01-01"])
    expect(await tables([{ name: "*", since: "2022-01-01" }, "wiki*", "!e*"])).toEqual([
      "tmp_x: 2022-01-01",
      "tmp_keep: 2022-01-01",
      "wikipedia: all",
    ])
  })

  it("copies what is named itself whatever patterns say, once or as often as it is named", async () => {
    expect(await tables(["tmp_*", "!tmp_*", { name: "tmp_keep", since: "2020-01-01" }])).toEqual([
      "tmp_keep: 2020-01-01",
    ])
    expect(await tables(["*", "!e*", "!t*", "wikipedia", { name: "wikipedia", table: "w" }])).toEqual([
      "wikipedia: all",
      "wikipedia as w: all",
    ])
  })

  it("may be a text with commas", async () => {
    expect(await tables("events_*, !events_b, wikipedia")).toEqual(["wikipedia: all", "events_a: all"])
  })

  it("takes a name with special characters where they are escaped", async () => {
    expect(await tables(["a\\*b", "\\!c"], ["aXb"])).toEqual(["a*b as a_b: all", "!c as _c: all"])
  })

  it("offers its names alone for completion", async () => {
    const path = `${process.env.TMPDIR ?? "/tmp"}/druidsync-patterns-${process.pid}.json`
    await Bun.write(path, JSON.stringify({ datasources: ["*", "!a", { name: "b" }, "c\\*"] }))
    expect(await datasourceNamesIn(path)).toEqual(["b", "c*"])
    await Bun.file(path).delete()
  })

  it.each([
    [["events_*", "events_*"], 'datasources[1]: the pattern "events_*" is there twice'],
    [["!a", "a"], 'datasources[0]: "a" is listed and left out'],
    [
      ["!a*"],
      'datasources: nothing is copied: there are only patterns that leave out; add others, such as "*"',
    ],
    [
      ["a", { name: "!b", since: "2020-01-01" }],
      'datasources[1].name: "!b" leaves out, and needs no settings: write it as a text',
    ],
    [
      [{ name: "e*", table: "e" }],
      'datasources[0].table: "e*" may match several datasources, which cannot all be the table "e"; name the datasource, or leave "table" out',
    ],
  ])("%j is refused, and it says why", async (datasources, line) => {
    expect(await problemsWith({ datasources })).toEqual([line])
  })

  it("refuses two datasources that would be one table, and names both", async () => {
    const both = tables(["*"], ["a.b", "a-b"])
    await expect(both).rejects.toMatchObject({
      code: "config",
      exitCode: 2,
      message: expect.stringContaining(
        'datasources: "a.b" and "a-b" would both be the table "a_b"; name one of them, such as { "name": "a-b", "table": "a_b_2" }',
      ),
    })
    expect(await tables(["*", { name: "a-b", table: "a_b_2" }], ["a.b", "a-b"])).toEqual([
      "a-b as a_b_2: all",
      "a.b as a_b: all",
    ])
  })
})
