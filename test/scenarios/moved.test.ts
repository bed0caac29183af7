/** `--config` of one cluster, `--out` of another: refused before anything is touched, unless `--moved` says so (FIELD 18). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { Desk } from "../commands/support.ts"
import { query } from "../support/conformance/duckdb.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

let production: FakeDruid
let staging: FakeDruid
let desk: Desk
beforeAll(async () => {
  production = await startFakeDruid()
  staging = await startFakeDruid()
})
afterAll(() => Promise.all([production.stop(), staging.stop()]))
beforeEach(async () => {
  desk = await Desk.open()
  fill(production, [1, 2, 3])
  // The same days and as many rows, in segments of its own.
  fill(staging, [0, 0, 0])
  fill(staging, [7, 8, 9])
  await desk.configure(production, ["edits"])
  expect(await desk.run("pull -c $c -o $out")).toMatchObject({ code: 0 })
  await desk.configure(staging, ["edits"])
})
afterEach(async () => {
  await desk.close()
  production.reset()
  staging.reset()
})

/** Replaces a day for each number. */
function fill({ world }: FakeDruid, numbers: readonly number[]): void {
  for (const [i, n] of numbers.entries())
    world.overwrite("edits", `2024-01-0${i + 1}/2024-01-0${i + 2}`, [
      { __time: `2024-01-0${i + 1}T05:00`, n },
    ])
  world.settle()
}

const originOf = ({ url }: FakeDruid) => new URL(url).host
const held = async () =>
  (await query(desk.out, "SELECT n FROM edits ORDER BY __time")).map(({ n }) => Number(n))
/** All that is in the folder, byte for byte, with the times of the file. */
const everything = () => ({
  names: readdirSync(desk.folder).sort(),
  file: createHash("sha256").update(readFileSync(desk.out)).digest("hex"),
  changed: statSync(desk.out).mtimeMs,
})
const refusals = [
  "pull -c $c -o $out",
  "pull -c $c -o $out --full",
  "pull -c $c -o $out --dry-run",
  "plan -c $c -o $out",
  "verify -c $c -o $out --repair",
]

describe("the configuration of another cluster", () => {
  for (const command of refusals) {
    it(`is refused with exit 2 and both origins, and nothing is touched: ${command}`, async () => {
      const before = everything()
      const { code, stderr } = await desk.run(command)
      expect(stderr).toContain(
        `/desk/a.duckdb was pulled from ${originOf(production)}, and the configuration names ${originOf(staging)}`,
      )
      expect(stderr).toContain("--moved")
      expect({ code, ...everything() }).toEqual({ code: 2, ...before })
      expect(staging.log.count("scan")).toBe(0)
    })
  }

  it("is refused in a document, too", async () => {
    const { code, stdout } = await desk.run("pull -c $c -o $out --json")
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: "failed",
      exitCode: 2,
      error: { code: "usage", message: expect.stringContaining(originOf(production)) },
    })
  })

  it("is accepted with --moved, by plan and by pull: the file is its own from then on", async () => {
    const planned = await desk.run("plan -c $c -o $out --moved --json")
    expect(planned.code).toBe(0)
    expect(JSON.parse(planned.stdout).datasources[0].rows).toBe(3)
    expect(await held()).toEqual([1, 2, 3])
    expect(await desk.run("pull -c $c -o $out --moved")).toMatchObject({ code: 0 })
    expect(await held()).toEqual([7, 8, 9])
    expect(await desk.run("pull -c $c -o $out")).toMatchObject({ code: 0 })
    await desk.configure(production, ["edits"])
    const back = await desk.run("pull -c $c -o $out")
    expect(back.code).toBe(2)
    expect(back.stderr).toContain(`was pulled from ${originOf(staging)}`)
  })

  it("is no other cluster where it is another way to the same one", async () => {
    await desk.configure(production, ["edits"], { host: "localhost" })
    expect(await desk.run("pull -c $c -o $out")).toMatchObject({ code: 0 })
  })
})
