/** `check` on the fake Druid, in this process. */
import { describe, expect, it } from "bun:test"
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { checkCertificate } from "../../src/commands/check/certificate.ts"
import type { Check } from "../../src/commands/check/document.ts"
import { deny, errors, type FakeDruid, reply, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { DataNode } from "../support/fake-druid/http/data-node.ts"
import { authority } from "../support/nginx/pki.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk, holding } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  fake.world.append("edits", [
    { __time: "2020-01-01", n: 1n },
    { __time: "2020-01-02", n: 2n },
  ])
  await desk.configure(fake, ["edits"])
})

interface Answer {
  readonly exitCode: number
  readonly checks: readonly Check[]
}

/** @returns the document, checked against the exit code of the process */
async function check(...words: string[]): Promise<Answer> {
  const { code, stdout } = await desk.run(["check", "--config", "$c", "--json", ...words])
  const answer = JSON.parse(stdout) as Answer
  expect(answer.exitCode).toBe(code)
  return answer
}

const failures = ({ checks }: Answer) => checks.filter((one) => one.status === "failed")

describe("druidsync check", () => {
  it("names a chunk of whose core set a partition is missing, as a warning", async () => {
    const rows = [1n, 2n, 3n].map((n) => ({ __time: `2020-02-01T0${n}:00`, n }))
    fake.world.overwrite("edits", "2020-02-01/2020-02-02", rows, { partitions: 3 })
    fake.world.dropPartition("edits", "2020-02-01/2020-02-02", 1)
    const { exitCode, checks } = await check()
    expect(exitCode).toBe(0)
    const warnings = checks.filter((one) => one.status === "warning" && one.subject === "edits")
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining(
        "2020-02-01T00:00:00.000Z/2020-02-02T00:00:00.000Z: partition 1 of 3 is not among the used segments",
      ),
    ])
  })

  it("says a line for each thing that is well, and that a pull can work", async () => {
    const { code, stdout, stderr } = await desk.run("check --config $c --out $out")
    expect(stderr).toBe("")
    expect(code).toBe(0)
    expect(stdout.split("\n").map((line) => line.slice(0, 15).trim())).toEqual(
      ["config", "name", "port", "login", "version", "segments", "datasource", "file", "disk"]
        .map((name) => `✓ ${name}`)
        .concat("ready", ""),
    )
    expect(stdout).toContain("edits: about 2 rows in 2 segments, all of them served")
    expect(stdout).toContain("Druid 33.0.0")
    expect(desk.exists("a.duckdb")).toBe(false)
  })

  describe("with direct", () => {
    const direct = ({ checks }: Answer) => checks.find((one) => one.check === "direct")

    it("reads a row of each data node", async () => {
      const nodes = [await DataNode.start(fake), await DataNode.start(fake)]
      await desk.configure(fake, ["edits"], { direct: true })
      expect(direct(await check())).toMatchObject({ status: "ok", subject: "edits" })
      await desk.configure(fake, ["edits"])
      expect(direct(await check("--direct"))?.message).toMatch(
        /^2 data nodes can be asked: .*; all rows can come from there$/,
      )
      expect(fake.log.of("segmentScan").every((one) => one.rowsSent === 1)).toBe(true)
      for (const node of nodes) await node.stop()
    })

    it("says that all goes through the broker where the release does not name the columns", async () => {
      fake.explainsColumns = false
      await desk.configure(fake, ["edits"], { direct: true })
      expect(direct(await check())).toMatchObject({ status: "warning", exitCode: 0 })
    })

    it("says how much can come from data nodes, and which column sends all of it through the broker", async () => {
      const node = await DataNode.start(fake)
      await desk.configure(fake, ["edits"], { direct: true })
      fake.world.stream("edits", [{ __time: "2016-07-27T01:00", n: 1n }])
      expect(direct(await check())?.message).toMatch(/; about \d+% of the rows can come from there$/)
      fake.world.append("edits", [{ __time: "2016-06-27T01:00", n: 1n }], { columns: { n: "LONG" } })
      fake.world.append("edits", [{ __time: "2016-06-27T01:00", n: "x" }], { columns: { n: "STRING" } })
      fake.world.settle("edits")
      expect(direct(await check())).toMatchObject({ status: "warning", exitCode: 0 })
      expect(direct(await check())?.message).toMatch(/broker: segments have column "n" as/)
      await node.stop()
    })

    it("fails where a data node does not let us in", async () => {
      const node = await DataNode.start(fake)
      await desk.configure(fake, ["edits"], { direct: true })
      fake.hooks.beforeRequest = (kind) => (kind === "segmentScan" ? deny("edits") : undefined)
      expect(direct(await check())).toMatchObject({ status: "failed", exitCode: 4 })
      await node.stop()
    })

    it("asks nothing of data nodes where the user did not ask for it", async () => {
      expect(direct(await check())).toBeUndefined()
      expect(fake.log.count("candidates")).toBe(0)
    })
  })

  it("says all that is wrong with a configuration, and stops there", async () => {
    await writeFile(desk.path("c.json"), '{"hos": "x", "port": 0}')
    const { code, stdout } = await desk.run("check --config $c")
    expect(code).toBe(2)
    expect(stdout).toStartWith("✗ config       /desk/c.json: 4 problems\n")
    expect(stdout).toContain('hos: unknown key; did you mean "host"?')
    expect(stdout).toEndWith("not ready: 1 check failed\n")
  })

  it("names the layer that fails: a name that nobody knows, a port that nobody listens on", async () => {
    await writeFile(desk.path("c.json"), '{"host": "nobody.invalid", "datasources": "x"}')
    const unknown = failures(await check())
    expect(unknown.map((one) => one.check)).toEqual(["name"])
    const closed = await startFakeDruid()
    const { port } = closed
    await closed.stop()
    await writeFile(desk.path("c.json"), JSON.stringify({ host: "127.0.0.1", port, datasources: "x" }))
    const refused = failures(await check())
    expect(refused).toMatchObject([{ check: "port", exitCode: 1 }])
    expect(refused[0]!.message).toContain("nothing listens there")
  })

  it("names wrong credentials without repeating them", async () => {
    fake.credentials = { user: "u", password: "right-one" }
    await desk.configure(fake, ["edits"], { username: "u", password: "wrong-one" })
    const answer = await check()
    expect(failures(answer)).toMatchObject([{ check: "login", exitCode: 4 }])
    expect(JSON.stringify(answer)).not.toContain("wrong-one")
  })

  it("does without the version where the server hides it", async () => {
    fake.hooks.beforeRequest = (kind) => (kind === "status" ? reply(errors.forbidden()) : undefined)
    const { exitCode, checks } = await check()
    expect(exitCode).toBe(0)
    expect(checks.find((one) => one.check === "version")).toMatchObject({ status: "ok" })
  })

  it("says when sys.segments is refused", async () => {
    fake.segments = "forbidden"
    expect(failures(await check())).toMatchObject([{ check: "segments", exitCode: 4 }])
  })

  it("looks at each datasource: unknown, not served, cold, its columns and its filter", async () => {
    const { world } = fake
    world.append("half", [{ __time: "2020-01-01" }, { __time: "2020-01-02" }])
    world.setAvailable("half", "2020-01-01/2020-01-02", false)
    world.append("cold", [{ __time: "2020-01-01" }, { __time: "2020-01-02" }])
    world.setCold("cold", "2020-01-01/2020-01-02", true)
    world.setAvailable("cold", "2020-01-01/2020-01-02", false)
    await desk.configure(fake, ["Edits", "half", "cold", { name: "edits", table: "a", columns: ["nn"] }])
    const { checks, exitCode } = await check()
    const lines = checks.filter((one) => one.check === "datasource")
    expect(lines.map((one) => [one.subject, one.status, one.exitCode])).toEqual([
      ["Edits", "failed", 4],
      ["half", "failed", 3],
      ["cold", "warning", 0],
      ["edits", "failed", 2],
    ])
    expect(lines[0]!.hint).toContain('did you mean "edits"?')
    expect(lines[1]!.message).toContain("1 segment not loaded")
    expect(lines[3]!.message).toBe('Druid has no column "nn"')
    expect(exitCode).toBe(2)
  })

  it("says that a filter is not SQL", async () => {
    await desk.configure(fake, [{ name: "edits", filter: "n = = 2" }])
    const [line] = failures(await check())
    expect(line).toMatchObject({ check: "datasource", exitCode: 2 })
    expect(line!.message).toStartWith('Druid does not accept the "filter": ')
  })

  it("says that nothing is loaded, without asking for columns that Druid does not know then", async () => {
    fake.world.setAvailable("edits", undefined, false)
    const [line, ...rest] = failures(await check())
    expect(rest).toEqual([])
    expect(line).toMatchObject({ check: "datasource", exitCode: 3 })
  })

  it("names the program that has the file open, and does not wait for it", async () => {
    await desk.run("pull --config $c --out $out")
    expect((await check("--out", "$out")).exitCode).toBe(0)
    const other = await holding(desk.out)
    const started = desk.nowMs
    const [line] = failures(await check("--out", "$out"))
    await other.letGo()
    expect(line).toMatchObject({ check: "file", exitCode: 11 })
    expect(line!.message).toContain(other.name)
    expect(desk.nowMs).toBe(started)
  }, 30_000)

  it("says when the file is something else, or its folder is not there", async () => {
    await writeFile(desk.out, "hello".repeat(1000))
    expect(failures(await check("--out", "$out"))).toMatchObject([{ check: "file", exitCode: 2 }])
    expect(await readFile(desk.out, "utf8")).toStartWith("hello")
    const [line] = failures(await check("--out", desk.path("no/a.duckdb")))
    expect(line!.message).toContain("/no is not there")
  })

  it("passes on what the configuration warns of", async () => {
    await desk.configure(fake, ["edits"], { username: "u", password: "p" })
    await chmod(desk.path("c.json"), 0o644)
    const { checks, exitCode } = await check()
    const warning = checks.find((one) => one.check === "config" && one.status === "warning")
    expect(warning!.message).toContain("other users can read it")
    expect(warning!.hint).toStartWith("run: chmod 600")
    expect(exitCode).toBe(0)
  })
})

describe("the certificate", () => {
  it("is looked at before the login: trusted, unknown, for another name, plain HTTP", async () => {
    const folder = await mkdtemp(join(tmpdir(), "druidsync-check-"))
    const ours = authority(folder, "ours")
    const issued = ours.issue("server", ["DNS:localhost", "IP:127.0.0.1"])
    const foreign = ours.issue("other", ["DNS:druid.example.com"])
    const secure = async (certificate: { cert: string; key: string }) =>
      startFakeDruid({
        tls: { cert: await readFile(certificate.cert), key: await readFile(certificate.key) },
      })
    const [good, wrong] = await Promise.all([secure(issued), secure(foreign)])
    try {
      good.world.append("edits", [{ __time: "2020-01-01" }])
      const ask = async (port: number, tls?: object) => {
        const config = { host: "127.0.0.1", port, protocol: "https", datasources: "edits", tls }
        await writeFile(desk.path("c.json"), JSON.stringify(config))
        desk.nowMs = Date.now()
        return check()
      }
      const trusted = await ask(good.port, { ca: ours.cert })
      expect(failures(trusted)).toEqual([])
      expect(trusted.checks.find((one) => one.check === "certificate")!.message).toContain(
        "certificate for localhost, 127.0.0.1 by ours, valid until ",
      )
      const unknown = failures(await ask(good.port))
      expect(unknown.map((one) => one.check)).toEqual(["certificate"])
      expect(unknown[0]!.message).toContain("it is not trusted")
      expect(unknown[0]!.hint).toContain('"ca"')
      const named = failures(await ask(wrong.port, { ca: ours.cert }))
      expect(named.map((one) => one.check)).toEqual(["certificate"])
      expect(named[0]!.message).toContain("certificate for druid.example.com by ours")
      expect(named[0]!.message).toContain("it is not for 127.0.0.1")
      const plain = failures(await ask(fake.port))
      expect(plain.map((one) => one.check)).toEqual(["certificate"])
      expect(plain[0]!.hint).toContain('"protocol": "http"')
    } finally {
      await Promise.all([good.stop(), wrong.stop(), rm(folder, { recursive: true })])
    }
  }, 30_000)

  const certificate = {
    names: ["druid.example.com"],
    issuer: "Example",
    validFromMs: Date.UTC(2026, 0, 1),
    validToMs: Date.UTC(2026, 3, 1),
    protocol: "TLSv1.3",
    refusal: undefined,
  }
  const at = (nowMs: number, refusal?: string) =>
    checkCertificate({ ...certificate, refusal }, "druid.example.com", nowMs)

  it("is well until three weeks before its end", () => {
    expect(at(Date.UTC(2026, 2, 1)).status).toBe("ok")
    expect(at(Date.UTC(2026, 2, 20))).toMatchObject({ status: "warning", exitCode: 0 })
    expect(at(Date.UTC(2026, 2, 20)).message).toContain("valid until 2026-04-01: that is in 12 days")
  })

  it("fails outside its time, whatever else is wrong with it", () => {
    expect(at(Date.UTC(2026, 3, 2), "CERT_HAS_EXPIRED").message).toContain("it has expired")
    expect(at(Date.UTC(2025, 11, 31)).message).toContain("it is not valid yet")
  })
})
