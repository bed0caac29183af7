import { describe, expect, it } from "bun:test"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
})

describe("druidsync schema", () => {
  it("shows the DuckDB type of every column with notes, without a file", async () => {
    const { world } = fake
    world.define("w", {
      page: "STRING",
      Page: "STRING",
      tags: "STRING",
      n: "LONG",
      j: "COMPLEX<json>",
      l: "ARRAY<LONG>",
      h: "COMPLEX<HLLSketch>",
      secret: "STRING",
    })
    world.append("w", [
      {
        __time: "2016-06-27",
        page: "x",
        Page: "y",
        tags: ["a", "b"],
        n: 5n,
        j: "{}",
        l: [1n],
        h: "AAAA",
        secret: "s",
      },
    ])
    await desk.configure(fake, [{ name: "w", columns: { exclude: ["secret"] } }])
    const { stdout, stderr, code } = await desk.run("schema --config $c")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout.split("\n")).toEqual([
      "w → table w",
      "  COLUMN  IN DRUID            IN DUCKDB  NOTES",
      "  __time  LONG                TIMESTAMP  UTC, milliseconds",
      "  page    STRING              VARCHAR",
      '  Page_2  STRING              VARCHAR    renamed: DuckDB cannot tell "Page" apart from another column',
      "  tags    STRING              VARCHAR[]  rows with several values",
      "  n       LONG                BIGINT",
      "  j       COMPLEX<json>       JSON",
      "  l       ARRAY<LONG>         BIGINT[]",
      "  h       COMPLEX<HLLSketch>  BLOB       the sketch's own bytes, for a DataSketches library",
      "  secret  VARCHAR             -          left out by the configuration",
      "",
    ])
  }, 20_000)

  it("shows beside a file what is new, what changes and what is gone", async () => {
    const { world } = fake
    world.append("w", [{ __time: "2016-06-27", n: 1n, old: "x" }])
    await desk.configure(fake, ["w"])
    await desk.run("pull --config $c --out $out")
    world.append("w", [{ __time: "2016-06-28", n: 1.5, extra: "x" }])
    world.markUnused("w", "2016-06-27/2016-06-28")
    const { stdout, code } = await desk.run("schema --config $c --out $out --json")
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ format: 1, out: "/desk/a.duckdb", exitCode: 0 })
    const [w] = report.datasources
    expect(w).toMatchObject({ datasource: "w", table: "w", isStored: true })
    const columns = new Map(w.columns.map((column: { name: string }) => [column.name, column]))
    expect(columns.get("n")).toEqual({
      name: "n",
      column: "n",
      druidType: "DOUBLE",
      sqlType: "DOUBLE",
      duckdbType: "DOUBLE",
      storedType: "BIGINT",
      multiValue: false,
      standing: "retyped",
      notes: [
        "is BIGINT in the table; a pull of new rows makes it DOUBLE (or VARCHAR, where a value would lose digits)",
      ],
    })
    expect(columns.get("extra")).toMatchObject({ standing: "new", storedType: null, duckdbType: "VARCHAR" })
    expect(columns.get("old")).toMatchObject({
      standing: "vanished",
      druidType: null,
      notes: ["gone from Druid; it stays in the table and is NULL in new rows"],
    })
    expect(columns.get("__time")).toMatchObject({ standing: "same" })
  }, 20_000)

  it("says of which datasource Druid knows nothing, and shows the others", async () => {
    fake.world.append("w", [{ __time: "2016-06-27", n: 1n }])
    await desk.configure(fake, ["nope", "w"])
    const { stdout, code } = await desk.run("schema --config $c")
    expect(code).toBe(4)
    expect(stdout).toStartWith(
      'nope: cannot be read: Druid lists no segment of datasource "nope"\n  → check its name',
    )
    expect(stdout).toContain("w → table w\n")
    expect(desk.exists("a.duckdb")).toBe(false)
  }, 20_000)
})
