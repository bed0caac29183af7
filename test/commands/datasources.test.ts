/** `datasources` on the fake Druid, in this process. */
import { describe, expect, it } from "bun:test"
import type { DatasourcesReport } from "../../src/kit/cluster/document.ts"
import { errors, type FakeDruid, reply } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
  const { world } = fake
  world.append("edits", [{ __time: "2020-01-01" }, { __time: "2020-01-01T05:00" }, { __time: "2020-01-03" }])
  world.append("clicks", [{ __time: "2021-05-02" }], { granularity: "MONTH" })
})

async function report(configured: unknown = ["edits"]): Promise<DatasourcesReport> {
  await desk.configure(fake, configured)
  return JSON.parse((await desk.run("datasources --config $c --json")).stdout) as DatasourcesReport
}

describe("druidsync datasources", () => {
  it("lists all that the user may see, the configured ones first and with their table", async () => {
    const { datasources, hasSegments, missing } = await report([{ name: "edits", table: "e" }])
    expect(hasSegments).toBe(true)
    expect(missing).toEqual([])
    expect(datasources.map((one) => [one.datasource, one.table])).toEqual([
      ["edits", "e"],
      ["clicks", null],
    ])
    expect(datasources[0]).toMatchObject({
      rows: 3,
      interval: "2020-01-01T00:00:00.000Z/2020-01-04T00:00:00.000Z",
      chunks: 2,
      segments: 2,
      segmentGranularity: ["DAY"],
      realtime: 0,
      unavailable: 0,
      cold: 0,
    })
    expect(datasources[1]).toMatchObject({ rows: 1, segmentGranularity: ["MONTH"] })
  })

  it("lists lookups, those of the configuration and those that Druid does not have", async () => {
    fake.world.lookups.set("countries", { DE: "Germany" }).set("teams", {})
    await desk.configure(fake, ["edits"], { lookups: ["countries", "gone"] })
    const { stdout } = await desk.run("datasources --config $c --json")
    expect((JSON.parse(stdout) as DatasourcesReport).lookups).toEqual([
      { lookup: "countries", table: "lookup_countries", isListed: true },
      { lookup: "gone", table: "lookup_gone", isListed: false },
      { lookup: "teams", table: null, isListed: true },
    ])
    const text = (await desk.run("datasources --config $c")).stdout
    expect(text).toContain("lookups: countries (*), teams\n")
    expect(text).toContain("lookup gone: not found: it is in the configuration")
  })

  it("tells realtime, unavailable, cold and uncounted segments apart", async () => {
    const { world } = fake
    world.stream("live", [{ __time: "2020-02-01T10:00" }])
    world.setAvailable("edits", "2020-01-01/2020-01-02", false)
    world.append("old", [{ __time: "2019-01-01" }, { __time: "2020-01-01" }])
    world.setCold("old", "2019-01-01/2019-01-02", true)
    world.setAvailable("old", "2019-01-01/2019-01-02", false)
    const { datasources } = await report()
    const of = (name: string) => datasources.find((one) => one.datasource === name)
    expect(of("live")).toMatchObject({ realtime: 1, unavailable: 0, segmentGranularity: ["HOUR"] })
    expect(of("edits")).toMatchObject({ unavailable: 1, cold: 0, segments: 2 })
    expect(of("old")).toMatchObject({ unavailable: 0, cold: 1, segments: 2 })
    const { stdout } = await desk.run("datasources --config $c")
    expect(stdout).toContain("edits: not available: 1 segment not loaded on any server now")
    expect(stdout).toContain("old: cold: 1 segment that the load rules keep on no server")
    expect(stdout).toContain("live: realtime: 1 segment still being filled")
  })

  it("counts rows where sys.segments is refused, and says that the rest is not known", async () => {
    fake.segments = "forbidden"
    const { datasources, hasSegments } = await report()
    expect(hasSegments).toBe(false)
    expect(datasources[0]).toMatchObject({
      datasource: "edits",
      rows: 3,
      bytes: null,
      segments: null,
      interval: "2020-01-01T00:00:00.000Z/2020-01-03T00:00:00.001Z",
    })
    expect((await desk.run("datasources --config $c")).stdout).toContain("Druid does not show sys.segments")
  })

  it("names what is configured and not to be seen: forbidden, deleted or misspelled", async () => {
    fake.denied.add("clicks")
    const { datasources, missing } = await report(["edits", "clicks"])
    expect(datasources.map((one) => one.datasource)).toEqual(["edits"])
    expect(missing).toEqual(["clicks"])
    expect((await desk.run("datasources --config $c")).stdout).toContain("clicks: not found")
  })

  it("works on a release whose sys.segments has fewer columns", async () => {
    fake.segmentsWithout.add("replication_factor").add("is_active")
    fake.world.overwrite("edits", "2020-01-01/2020-01-02", [{ __time: "2020-01-01" }])
    const { datasources } = await report()
    expect(datasources[0]).toMatchObject({ datasource: "edits", rows: 2, cold: 0 })
  })

  it("tries again where Druid is busy, and gives up on what will not pass", async () => {
    let failures = 2
    fake.hooks.beforeRequest = (kind) =>
      kind === "segments" && failures-- > 0 ? reply(errors.coordinatorDown()) : undefined
    expect((await report()).datasources).toHaveLength(2)
    fake.credentials = { user: "u", password: "geheim" }
    const refused = await desk.run("datasources --config $c")
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain("Druid does not accept the credentials")
  })

  it("prints a table of what a person wants to know", async () => {
    await desk.configure(fake, ["edits"])
    const lines = (await desk.run("datasources --config $c")).stdout.split("\n")
    expect(lines[0]).toBe(`http://127.0.0.1:${fake.port}: 2 datasources, 1 of them in the configuration (*)`)
    expect(lines[2]).toMatch(/^ {3}DATASOURCE +ROWS +SIZE +TIME \(UTC\) +SEGMENTS +GRANULARITY +ROLLUP$/)
    expect(lines[3]).toMatch(/^\* {2}edits +3 +[\d.]+ k?B +2020-01-01 to 2020-01-03 +2 +DAY +-$/)
    expect(lines[4]).toMatch(/^ {3}clicks +1 +[\d.]+ k?B +2021-05 +1 +MONTH +-$/)
  })
})
