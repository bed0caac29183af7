import { describe, expect, it } from "bun:test"
import { errors, type FakeDruid, reply, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
  fake.world.append("w", [
    { __time: "2016-06-27", page: "x" },
    { __time: "2016-06-28T01:02:03.004", page: "y" },
  ])
})

/** sizes of responses are the fake's own */
const neutral = (text: string) => text.replace(/\(\d+ B\)/g, "(N B)")

describe("what druidsync pull says", () => {
  it("is one line per datasource, on stderr", async () => {
    await desk.configure(fake, ["w"])
    const first = await desk.run("pull --config $c --out $out")
    expect(neutral(first.stderr)).toBe(
      "w: 2 rows fetched (N B) in 0.0 s; 2 rows in table w, newest 2016-06-28 01:02:03.004\n",
    )
    expect(first).toMatchObject({ code: 0, stdout: "" })
    const second = await desk.run("pull --config $c --out $out")
    expect(second.stderr).toBe("w: nothing new in 0.0 s; 2 rows in table w, newest 2016-06-28 01:02:03.004\n")
  }, 20_000)

  it("is nothing with --quiet, unless something is wrong", async () => {
    await desk.configure(fake, ["w"])
    expect(await desk.run("pull --config $c --out $out --quiet")).toEqual({ code: 0, stdout: "", stderr: "" })
    fake.world.append("w", [{ __time: "2016-06-29", page: "z" }], { loaded: false })
    const ran = await desk.run("pull --config $c --out $out --quiet")
    expect(ran).toMatchObject({ code: 3, stdout: "" })
    expect(ran.stderr).toStartWith(
      "w: INCOMPLETE: 2016-06-29: 1 of 1 segments in this interval are published but served by no historical now; nothing fetched in 20 s; 2 rows",
    )
  }, 20_000)

  it("tells of a retry when it happens", async () => {
    await desk.configure(fake, ["w"])
    fake.hooks.beforeRequest = (kind, n) =>
      kind === "scan" && n === 1 ? reply(errors.coordinatorDown()) : undefined
    const { stderr, code } = await desk.run("pull --config $c --out $out")
    expect(code).toBe(0)
    expect(stderr).toMatch(/^trying again in 2 s \(1 of 3\): fetching "w": .+\nw: 2 rows fetched/)
  }, 20_000)

  it("is exactly one document on stdout with --json", async () => {
    await desk.configure(fake, ["w", "nope"])
    const { stdout, stderr, code } = await desk.run("pull --config $c --out $out --json")
    expect(code).toBe(4)
    expect(stdout.trim().split("\n")).toHaveLength(1)
    const report = JSON.parse(stdout)
    expect(Object.keys(report)).toEqual([
      "format",
      "runId",
      "out",
      "outcome",
      "exitCode",
      "started",
      "durationMs",
      "requests",
      "rowsFetched",
      "datasources",
    ])
    expect(report).toMatchObject({ format: 1, outcome: "failed", exitCode: 4, rowsFetched: 2 })
    expect(report.datasources.map((one: { outcome: string }) => one.outcome)).toEqual(["complete", "failed"])
    expect(stderr).toContain("nope: FAILED: Druid lists no segment")
    expect(stderr).toContain("2 datasources: 1 complete, 1 failed; 2 rows in ")
  }, 20_000)

  it("is a document with outcome, exit code and error also where Druid is not there at all", async () => {
    const gone = await startFakeDruid()
    await desk.configure(gone, ["w"])
    await gone.stop()
    const { stdout, stderr, code } = await desk.run("pull --config $c --out $out --json")
    expect(code).toBe(1)
    expect(stdout.trim().split("\n")).toHaveLength(1)
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({ format: 1, outcome: "failed", exitCode: 1, error: { code: "connect" } })
    expect(document.error.message).toContain("refused the connection")
    expect(document.error.hint).toBeString()
    expect(stderr).toContain("refused the connection")
  }, 20_000)
})
