/** Rows of the future: freshness goes by the newest row that is not after now, and what is after it is named. */
import { beforeEach, describe, expect, it } from "bun:test"
import { readFile } from "node:fs/promises"
import { Desk } from "../commands/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  // Its clock says 2026-01-01.
  await desk.configure(fake, ["w"])
})

const row = (time: string, page = "a") => ({ __time: time, page })

function give(...rows: readonly ReturnType<typeof row>[]): void {
  fake.world.append("w", rows)
  fake.world.settle()
}

const pull = (...more: string[]) => desk.run(`pull -c $c -o $out ${more.join(" ")}`.trim())

async function status() {
  const { stdout } = await desk.run("status -o $out --json")
  return (JSON.parse(stdout) as { datasources: Record<string, unknown>[] }).datasources[0]!
}

async function metric(name: string): Promise<string | undefined> {
  const text = await readFile(desk.path("m.prom"), "utf8")
  return new RegExp(`^druidsync_${name}\\{.*\\} (.*)$`, "m").exec(text)?.[1]
}

describe("a row of the far future", () => {
  const newest = Date.UTC(2025, 11, 30, 5) / 1000

  beforeEach(async () => {
    give(row("2025-12-30T05:00"), row("2025-12-29T05:00"), row("2099-06-01"))
    expect((await pull("--metrics", desk.path("m.prom"))).code).toBe(0)
  })

  it("is not what status calls the newest, and is named", async () => {
    expect(await status()).toMatchObject({
      cursor: "2099-06-01T00:00:00.000Z",
      newest: "2025-12-30T05:00:00.000Z",
      aheadRows: 1,
      isIncomplete: false,
    })
    const { stdout } = await desk.run("status -o $out")
    expect(stdout).toMatch(/^w +w +3 +\S+ kB +2025-12-30 05:00 /m)
    expect(stdout).toContain("w: 1 row after now, up to 2099-06-01 00:00: ")
    expect(stdout).not.toContain("in the future")
  })

  it("does not hide from the report how old the newest row is", async () => {
    expect((await desk.run(`report -o $out --to ${desk.path("w.html")}`)).code).toBe(0)
    const page = await readFile(desk.path("w.html"), "utf8")
    expect(page).toContain("2025-12-30 05:00")
    expect(page).toContain("<b>1 row after now, up to 2099-06-01 00:00</b>")
  })

  it("does not hide from the metrics how old the newest row is, and is counted there", async () => {
    expect([await metric("cursor_timestamp_seconds"), await metric("ahead_rows")]).toEqual([
      String(newest),
      "1",
    ])
    // As its time comes, it is the newest.
    desk.nowMs = Date.UTC(2099, 5, 2)
    expect((await pull("--metrics", desk.path("m.prom"))).code).toBe(0)
    expect([await metric("cursor_timestamp_seconds"), await metric("ahead_rows")]).toEqual([
      String(Date.UTC(2099, 5, 1) / 1000),
      "0",
    ])
    expect(await status()).not.toHaveProperty("aheadRows")
  })

  it("is all that there is: then there is no newest row", async () => {
    give(row("2098-01-01"))
    fake.world.markUnused("w", "2025-12-29/2026-01-01")
    await desk.configure(fake, ["w"], { deletions: "mirror" })
    await pull()
    expect(await status()).toMatchObject({ rows: 2, newest: null, aheadRows: 2 })
  })

  it("of a minute is a clock that differs", async () => {
    give(row("2026-01-01T00:00:30"))
    await pull()
    expect(await status()).toMatchObject({ newest: "2026-01-01T00:00:30.000Z", aheadRows: 1 })
  })
})

describe("days of the far future", () => {
  it("do not take the place of the newest days in the lookback, where Druid shows no segments", async () => {
    fake.segments = "forbidden"
    give(row("2025-12-30T05:00"), row("2099-01-01"), row("2099-01-02"), row("2099-01-03"), row("2099-01-04"))
    expect((await pull()).code).toBe(0)
    // As many rows as before: only a day within the lookback is fetched again for this.
    fake.world.overwrite("w", "2025-12-30/2025-12-31", [row("2025-12-30T05:00", "corrected")])
    fake.world.settle()
    expect((await pull()).code).toBe(0)
    const { stdout } = await desk.run([
      "query",
      "-o",
      "$out",
      "--format",
      "json",
      "SELECT page FROM w ORDER BY __time LIMIT 1",
    ])
    expect(JSON.parse(stdout)).toEqual([{ page: "corrected" }])
  })
})
