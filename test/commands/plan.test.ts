import { describe, expect, it } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { DataNode } from "../support/fake-druid/http/data-node.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk, holding } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
})

const row = (time: string, page = "x") => ({ __time: time, page })
/** sizes and versions are the fake's own */
const neutral = (text: string) =>
  text.replace(/[\d.]+ k?M?B of segments/g, "SIZE of segments").replace(/version [^,\s]+/g, "version V")

describe("druidsync plan", () => {
  it("says what would be fetched and why, and makes neither file nor folder", async () => {
    const { world } = fake
    world.append("w", [row("2016-06-27T01:00"), row("2016-06-28T01:00"), row("2016-06-28T02:00")])
    world.append("koalas", [row("2016-06-27T01:00")])
    await desk.configure(fake, ["w", "koalas"])
    const ran = await desk.run("plan --config $c --out $out")
    expect(ran).toMatchObject({ code: 0, stderr: "" })
    expect(neutral(ran.stdout)).toBe(
      [
        "w → new table w: 3 rows in 1 slice, SIZE of segments",
        "  2016-06-27: new, 1 row",
        "  2016-06-28: new, 2 rows",
        "koalas → new table koalas: 1 row in 1 slice, SIZE of segments",
        "  2016-06-27: new, 1 row",
        "2 datasources, 2 with something to fetch: 4 rows in 2 slices, SIZE of segments",
        "",
      ].join("\n"),
    )
    expect(fake.log.rowsFetched).toBe(0)
    expect(desk.exists("a.duckdb")).toBe(false)
    expect(desk.exists("a.duckdb.druidsync")).toBe(false)
    expect((await desk.run("pull --config $c --out $out --dry-run")).stdout).toBe(ran.stdout)
    expect(desk.exists("a.duckdb.druidsync")).toBe(false)
  }, 20_000)

  it("gives the reason of each stretch after a pull, and what a download would be", async () => {
    const { world } = fake
    for (const day of ["26", "27", "28", "29", "30"])
      world.append("w", [row(`2016-06-${day}T01:00`), row(`2016-06-${day}T02:00`)])
    await desk.configure(fake, ["w"])
    expect((await desk.run("pull --config $c --out $out")).code).toBe(0)
    expect((await desk.run("plan --config $c --out $out")).stdout).toBe(
      "w → table w: nothing to fetch, 5 chunks unchanged\n",
    )
    world.overwrite("w", "2016-06-27/2016-06-28", [row("2016-06-27T05:00")])
    world.append("w", [row("2016-06-29T05:00")])
    world.append("w", [row("2016-07-01T05:00")])
    world.settle("w")
    world.markUnused("w", "2016-06-26/2016-06-27")
    const { stdout, code } = await desk.run("plan --config $c --out $out")
    expect(code).toBe(0)
    expect(neutral(stdout).replace(/about \d+ B/, "about N B")).toBe(
      [
        "w → table w: 5 rows in 3 slices, SIZE of segments, about N B to download",
        "  2016-06-27: replaced by version V, 1 row",
        "  2016-06-29: rows were added, 3 rows",
        "  2016-07-01: new, 1 row",
        "  unchanged: 2 chunks",
        "  dropped from Druid, kept here: 2016-06-26",
        "",
      ].join("\n"),
    )
  }, 20_000)

  it("tells what cannot be copied now and exits with 3, as the pull would", async () => {
    const { world } = fake
    world.append("w", [row("2016-06-27T01:00"), row("2016-06-28T01:00"), row("2016-06-29T01:00")])
    world.setAvailable("w", "2016-06-28/2016-06-29", false)
    world.setCold("w", "2016-06-29/2016-06-30", true)
    await desk.configure(fake, ["w"])
    const { stdout, code } = await desk.run("plan --config $c --out $out")
    expect(code).toBe(3)
    expect(stdout).toContain(
      "  not available now: 2016-06-28: 1 of 1 segments in this interval are published but served by no historical now\n",
    )
    expect(stdout).toContain("  on no Druid server (load rules), left as it is: 2016-06-29\n")
    expect(stdout.split("\n")[0]).toEndWith(", INCOMPLETE: 1 chunk is not available now")
  }, 20_000)

  it("says in the line itself why it exits with 3 where there is nothing to fetch", async () => {
    const { world } = fake
    world.append("w", [row("2016-06-27T01:00")])
    world.append("v", [row("2016-06-27T01:00")])
    await desk.configure(fake, ["w", "v"])
    expect((await desk.run("pull --config $c --out $out")).code).toBe(0)
    world.append("w", [row("2016-06-28T01:00"), row("2016-06-29T01:00")])
    world.setAvailable("w", "2016-06-28/2016-06-30", false)
    const { stdout, code } = await desk.run("plan --config $c --out $out")
    expect(code).toBe(3)
    expect(stdout).toContain(
      "w → table w: nothing to fetch, INCOMPLETE: 2 chunks are not available now, 1 chunk unchanged\n",
    )
    expect(stdout).toContain("v → table v: nothing to fetch, 1 chunk unchanged\n")
    expect(stdout).toEndWith(
      "\n2 datasources: nothing to fetch; INCOMPLETE: 2 chunks are not available now\n",
    )
  }, 20_000)

  it("says that a range limits it, in words and in the document", async () => {
    fake.world.append("w", [row("2016-06-27T01:00"), row("2016-06-28T01:00"), row("2016-06-29T01:00")])
    await desk.configure(fake, ["w"])
    const line = async (flags: string) =>
      (await desk.run(`plan --config $c --out $out ${flags}`)).stdout.split("\n")[0]
    expect(await line("--since 2016-06-28")).toEndWith("; only from 2016-06-28 on was looked at (--since)")
    expect(await line("--until 2016-06-28T12:30")).toEndWith(
      "; only what is before 2016-06-28 12:30 was looked at (--until)",
    )
    const flags = "--since 2016-06-28 --until 2016-06-29"
    expect(await line(flags)).toEndWith(
      "; only from 2016-06-28 to before 2016-06-29 was looked at (--since, --until)",
    )
    const range = { since: "2016-06-28T00:00:00.000Z", until: "2016-06-29T00:00:00.000Z" }
    for (const command of ["plan", "pull"]) {
      const { stdout } = await desk.run(`${command} --config $c --out $out --json ${flags}`)
      expect(JSON.parse(stdout).range).toEqual(range)
    }
    const again = await desk.run(`pull --config $c --out $out ${flags}`)
    expect(again.stderr).toContain("w: nothing new in ")
    expect(again.stderr).toContain(
      "; only from 2016-06-28 to before 2016-06-29 was looked at (--since, --until)",
    )
    expect((await desk.run("plan --config $c --out $out")).stdout).not.toContain("--since")
  }, 20_000)

  it("tells which datasource Druid does not list and exits with 4, and shows the others", async () => {
    fake.world.append("w", [row("2016-06-27T01:00")])
    await desk.configure(fake, ["nope", "w"])
    const { stdout, code } = await desk.run("plan --config $c --out $out")
    expect(code).toBe(4)
    expect(neutral(stdout)).toBe(
      [
        'nope: cannot be pulled: Druid lists no segment of datasource "nope"',
        "  → check its name and the user's permission; Druid answers the same when it was deleted or never loaded",
        "w → new table w: 1 row in 1 slice, SIZE of segments",
        "  2016-06-27: new, 1 row",
        "2 datasources, 1 with something to fetch: 1 row in 1 slice, SIZE of segments",
        "",
      ].join("\n"),
    )
  }, 20_000)

  it("refuses a table that druidsync did not make, before anything is fetched", async () => {
    fake.world.append("w", [row("2016-06-27T01:00")])
    fake.world.append("x", [row("2016-06-27T01:00")])
    await desk.configure(fake, ["x"])
    await desk.run("pull --config $c --out $out")
    await desk.sql("CREATE TABLE file.w (a INTEGER)")
    await desk.configure(fake, ["w"])
    const { stdout, code } = await desk.run("plan --config $c --out $out")
    expect(code).toBe(2)
    expect(stdout).toContain('has a table "w" that druidsync did not make')
  }, 20_000)

  it("shows schema changes to come", async () => {
    fake.world.append("w", [{ __time: "2016-06-27", n: 1n }])
    await desk.configure(fake, ["w"])
    await desk.run("pull --config $c --out $out")
    fake.world.append("w", [{ __time: "2016-06-28", n: 1.5, extra: "x" }])
    const { stdout } = await desk.run("plan --config $c --out $out")
    expect(stdout).toContain('  schema: column "n" became DOUBLE (was BIGINT)\n')
    expect(stdout).toContain('  schema: column "extra" is new (VARCHAR)\n')
  }, 20_000)

  it("tells many stretches of one reason together, and each with --verbose", async () => {
    const days = Array.from({ length: 30 }, (_, n) => row(`2016-06-${String(n + 1).padStart(2, "0")}T01:00`))
    fake.world.append("w", days)
    await desk.configure(fake, ["w"])
    const short = (await desk.run("plan --config $c --out $out")).stdout.split("\n")
    expect(short.slice(1)).toEqual(["  2016-06: new, 30 stretches, 30 rows", ""])
    const long = (await desk.run("plan --config $c --out $out --verbose")).stdout.split("\n")
    expect(long).toHaveLength(32)
    expect(long[30]).toBe("  2016-06-30: new, 1 row")
  }, 20_000)

  it("prints one document with --json", async () => {
    fake.world.append("w", [row("2016-06-27T01:00")])
    await desk.configure(fake, ["w"])
    const { stdout, stderr } = await desk.run("plan --config $c --out $out --json")
    const plan = JSON.parse(stdout)
    expect(plan).toEqual({
      format: 1,
      out: "/desk/a.duckdb",
      exitCode: 0,
      datasources: [
        {
          datasource: "w",
          table: "w",
          isNew: true,
          fetch: [
            {
              interval: "2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z",
              slice: 1,
              rows: 1,
              segmentBytes: expect.any(Number),
              reason: "new",
              kind: "new",
            },
          ],
          slices: 1,
          rows: 1,
          segmentBytes: plan.datasources[0].fetch[0].segmentBytes,
          downloadBytes: null,
          unchangedChunks: 0,
          provenByCount: 0,
          unavailable: [],
          cold: [],
          excluded: [],
          dropped: [],
          deletions: "keep",
          schemaChanges: [],
          warnings: [],
        },
      ],
    })
    expect(plan.datasources[0].segmentBytes).toBeGreaterThan(0)
    expect(stderr).toBe("")
  }, 20_000)

  it("needs no lock: it answers while a pull works on the file", async () => {
    fake.world.append("w", [row("2016-06-27T01:00")])
    await desk.configure(fake, ["w"])
    await mkdir(`${desk.out}.druidsync`)
    const holder = await holding(join(`${desk.out}.druidsync`, "lock"))
    const plan = await desk.run("plan --config $c --out $out --lock-wait 0s")
    const pull = await desk.run("pull --config $c --out $out --lock-wait 0s")
    await holder.letGo()
    expect(plan.code).toBe(0)
    expect(pull.code).toBe(11)
  }, 20_000)

  it("says nothing with --quiet while nothing is wrong", async () => {
    fake.world.append("w", [row("2016-06-27T01:00")])
    await desk.configure(fake, ["w"])
    expect(await desk.run("plan --config $c --out $out --quiet")).toEqual({ code: 0, stdout: "", stderr: "" })
    await desk.configure(fake, ["nope"])
    const wrong = await desk.run("plan --config $c --out $out --quiet")
    expect(wrong.code).toBe(4)
    expect(wrong.stdout).toStartWith("nope: cannot be pulled")
  }, 20_000)

  it("says with direct who would be asked: data nodes for what is settled, and for added segments alone", async () => {
    const { world } = fake
    const nodes = [await DataNode.start(fake)]
    world.append("w", [row("2016-06-27T01:00"), row("2016-06-28T01:00"), row("2016-06-28T02:00")])
    await desk.configure(fake, ["w"])
    expect((await desk.run("plan --config $c --out $out")).stdout).not.toContain("data nodes")
    expect((await desk.run("plan --config $c --out $out --direct")).stdout).toContain(
      ", all from data nodes\n",
    )
    await desk.configure(fake, ["w"], { direct: true })
    expect((await desk.run("plan --config $c --out $out")).stdout).toContain(", all from data nodes\n")
    expect(fake.log.count("segmentScan")).toBe(0)
    expect((await desk.run("pull --config $c --out $out")).code).toBe(0)
    world.append("w", [row("2016-06-28T05:00")])
    world.stream("w", [row("2016-06-29T05:00")])
    const { stdout } = await desk.run("plan --config $c --out $out --json")
    const [planned] = (JSON.parse(stdout) as { datasources: { fetch: object[] }[] }).datasources
    expect(planned!.fetch).toMatchObject([
      { kind: "added", rows: 1, way: "data nodes" },
      { kind: "new", way: "broker" },
    ])
    const text = (await desk.run("plan --config $c --out $out")).stdout
    expect(text).toContain("1 row of them from data nodes, the rest through the broker")
    for (const node of nodes) node.type = "indexer-executor"
    expect((await desk.run("plan --config $c --out $out")).stdout).toContain("all through the broker")
    for (const node of nodes) await node.stop()
  }, 20_000)
})
