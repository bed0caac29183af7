/** Servers that are not there, are not Druid, or refuse: each with its own sentence and exit code, nothing lost. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readTable } from "../support/conformance/duckdb.ts"
import { COLUMNS, daysOf } from "../support/conformance/rows-of.ts"
import { bunSource, denoSource, type Runner } from "../support/conformance/runner.ts"
import { deny, errors, type FakeDruid, reply, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { useFake } from "./support.ts"

const here = useFake()

/** A pull that fails: its exit code and what was said. */
async function failed(settings: Record<string, unknown> = {}, runner: Runner = here.stage.runner) {
  here.stage.config(["a"], settings)
  const { exitCode, stderr } = await runner.run(here.stage.args("--settle-wait", "0s"))
  expect(stderr).not.toContain("this is a bug")
  return { exitCode, stderr }
}

async function load(name = "a"): Promise<void> {
  await here.stage.world.create(name, daysOf(["2024-01-01", "2024-01-02"], 10), { columns: COLUMNS })
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

describe("no connection", () => {
  it("says that the port refuses, after three more tries", async () => {
    const port = await closedPort()
    const { exitCode, stderr } = await failed({ port })
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`127.0.0.1:${port} refused the connection`)
    expect(stderr).toContain('check "host" and "port"')
    expect(stderr.match(/trying again/g)).toHaveLength(3)
  })

  it("says that the host was not found", async () => {
    const { exitCode, stderr } = await failed({ host: "no-such-host.invalid" })
    expect(exitCode).toBe(1)
    expect(stderr).toContain("host no-such-host.invalid was not found")
  })

  it("leaves no file behind", async () => {
    await failed({ port: await closedPort() })
    expect(readdirSync(here.stage.folder)).toEqual(["config.json"])
  })

  it("leaves a file of an earlier pull as it was, but for the history", async () => {
    await load()
    here.stage.config(["a"])
    await here.stage.pullExactly()
    const before = await readTable(here.stage.out, "a")
    await failed({ port: await closedPort() })
    const after = await readTable(here.stage.out, "a")
    expect(after.rows.size).toBe(before.rows.size)
    await here.stage.expectTruthfulState("a")
  })
})

describe("TLS", () => {
  let folder: string
  let secure: FakeDruid
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "druidsync-tls-"))
    const { status, stderr } = spawnSync(
      "openssl",
      // biome-ignore format: one option and its value a line would be forty lines
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", join(folder, "key.pem"), "-out", join(folder, "ca.pem")],
      { encoding: "utf8" },
    )
    if (status !== 0) throw new Error(`openssl: ${stderr}`)
    const tls = { cert: readFileSync(join(folder, "ca.pem")), key: readFileSync(join(folder, "key.pem")) }
    secure = await startFakeDruid({ tls })
  })
  afterAll(async () => {
    await secure.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it("against a port that speaks plain HTTP, says so and how to ask for it", async () => {
    const { exitCode, stderr } = await failed({ protocol: "https" })
    expect(exitCode).toBe(1)
    expect(stderr).toContain("TLS with 127.0.0.1")
    expect(stderr).toContain('the port speaks plain HTTP; set "protocol": "http"')
  })

  it("is asked for where plain HTTP meets a TLS port", async () => {
    const { exitCode, stderr } = await failed({ port: secure.port, protocol: "http" })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('"protocol": "https"')
  })

  it("is asked for where a proxy says that its port speaks TLS", async () => {
    const body = "<html><h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port</html>"
    here.fake.hooks.beforeRequest = () =>
      reply({ status: 400, headers: { "content-type": "text/html" }, body })
    const { exitCode, stderr } = await failed()
    expect(exitCode).toBe(1)
    expect(stderr).toContain('"protocol": "https"')
    expect(here.fake.log.entries).toHaveLength(1)
  })

  it("with a self-signed certificate, names the key that helps", async () => {
    const { exitCode, stderr } = await failed({ port: secure.port, protocol: "https" })
    expect(exitCode).toBe(1)
    expect(stderr).toContain('"tls": { "ca": "ca.pem" }')
  })

  it("works with that certificate as authority", async () => {
    secure.world.append("a", [{ __time: "2024-01-01", n: 1n }])
    const { exitCode, stderr } = await failed({
      port: secure.port,
      protocol: "https",
      tls: { ca: join(folder, "ca.pem") },
    })
    expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect((await readTable(here.stage.out, "a")).rows.size).toBe(1)
  })

  // A runtime of its own names the same thing in its own way. Plain HTTP on a TLS port is tried again, in real time.
  for (const runner of [bunSource(), denoSource()]) {
    it(`says the same in ${runner.name}`, async () => {
      expect((await failed({ protocol: "https" }, runner)).stderr).toContain("the port speaks plain HTTP")
      expect((await failed({ port: secure.port, protocol: "http" }, runner)).stderr).toContain(
        '"protocol": "https"',
      )
      expect((await failed({ port: secure.port, protocol: "https" }, runner)).stderr).toContain('"ca"')
    })
  }
})

describe("a server that refuses", () => {
  it("401 without credentials: exit 4, once, without a retry", async () => {
    await load()
    here.fake.credentials = { user: "me", password: "right" }
    const { exitCode, stderr } = await failed()
    expect(exitCode).toBe(4)
    expect(stderr).toContain("credentials")
    expect(here.fake.log.entries).toHaveLength(1)
  })

  it("401 as a web page for wrong credentials: exit 4, and they are shown nowhere", async () => {
    await load()
    here.fake.credentials = { user: "me", password: "right" }
    const { exitCode, stderr } = await failed({ username: "me", password: "wr0ng-secret" })
    expect(exitCode).toBe(4)
    expect(stderr).toContain('check "username" and "password"')
    expect(stderr).not.toContain("wr0ng-secret")
    expect(stderr).not.toContain("<html")
  })

  it("the right credentials pass, Basic and Bearer", async () => {
    await load()
    here.fake.credentials = { user: "me", password: "right" }
    expect((await failed({ username: "me", password: "right" })).exitCode).toBe(0)
    here.fake.credentials = { bearer: "t0ken" }
    expect((await failed({ token: "t0ken" })).exitCode).toBe(0)
  })

  it("403 for the datasource: exit 4, and what was pulled before stays", async () => {
    await load()
    here.stage.config(["a"])
    await here.stage.pullExactly()
    here.fake.hooks.beforeRequest = () => reply(errors.forbidden())
    const { exitCode, stderr } = await failed()
    expect(exitCode).toBe(4)
    expect(stderr).toContain("Druid forbids it")
    expect((await readTable(here.stage.out, "a")).rows.size).toBe(20)
  })

  it("a datasource that may not be seen, or is mistyped: exit 4, the others are pulled", async () => {
    await load("a")
    await load("b")
    here.fake.hooks.beforeRequest = () => deny("a")
    here.stage.config(["a", "b"])
    const { exitCode, report } = await here.stage.pull()
    expect(exitCode).toBe(4)
    expect(report.datasources.map((one) => [one.datasource, one.outcome, one.error?.code])).toEqual([
      ["a", "failed", "unknown-datasource"],
      ["b", "complete", undefined],
    ])
    await here.stage.expectEqual("b")
  })

  it("an unknown datasource: exit 4, named, with a hint at its name and the permission", async () => {
    const { exitCode, stderr } = await failed()
    expect(exitCode).toBe(4)
    expect(stderr).toContain('"a"')
    expect(stderr).toContain("permission")
    expect(readdirSync(here.stage.folder)).toEqual(["config.json"])
  })
})

describe("servers that go away in the midst of a pull", () => {
  for (const kind of ["types", "scan"] as const) {
    it(`leave a name that the broker denies (${kind}): exit 3, no talk of its spelling, later pull completes`, async () => {
      await load()
      const body = JSON.stringify({
        error: "druidException",
        errorMessage: "Object 'a' not found (line [1], column [20])",
        persona: "USER",
        category: "INVALID_INPUT",
      })
      here.fake.hooks.beforeRequest = (asked) =>
        asked === kind
          ? reply({ status: 400, headers: { "content-type": "application/json" }, body })
          : undefined
      const { exitCode, stderr } = await failed()
      expect(exitCode).toBe(3)
      expect(stderr).toContain("no server answers for them any more")
      expect(stderr).not.toContain("check its name")
      here.fake.hooks = {}
      await here.stage.pullExactly()
    })
  }
})

describe("a server that is not Druid", () => {
  const page = (status: number) =>
    reply({
      status,
      headers: { "content-type": "text/html" },
      body: "<!doctype html><html><title>Sign in</title><form></form></html>",
    })

  it("a 200 login page: exit 4 or 1, says that a web page came, nothing stored", async () => {
    await load()
    here.fake.hooks.beforeRequest = () => page(200)
    const { exitCode, stderr } = await failed()
    expect([1, 4]).toContain(exitCode as number)
    expect(stderr).toContain("a web page")
    expect(stderr).toContain("login page")
    expect(readdirSync(here.stage.folder)).toEqual(["config.json"])
  })

  it("a login page in the midst of a pull, where rows were expected: fails, later pull completes", async () => {
    await load()
    here.fake.hooks.beforeRequest = (kind) => (kind === "scan" ? page(200) : undefined)
    const { exitCode, stderr } = await failed()
    expect([1, 4]).toContain(exitCode as number)
    expect(stderr).toContain("a web page")
    here.fake.hooks = {}
    await here.stage.pullExactly()
  })

  it("an empty 200 answer: fails", async () => {
    await load()
    here.fake.hooks.beforeRequest = () => reply({ status: 200, body: "" })
    expect((await failed()).exitCode).not.toBe(0)
  })

  it("JSON that is not Druid's: fails", async () => {
    await load()
    here.fake.hooks.beforeRequest = () =>
      reply({ status: 200, headers: { "content-type": "application/json" }, body: '{"ok":true}' })
    const { exitCode, stderr } = await failed()
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain("something else")
  })

  it("a redirect to a login page is not followed, and the credentials stay", async () => {
    await load()
    here.fake.hooks.beforeRequest = () =>
      reply({ status: 302, headers: { location: "https://login.example/" }, body: "" })
    const { exitCode, stderr } = await failed({ username: "me", password: "secret" })
    expect(exitCode).toBe(4)
    expect(stderr).toContain("https://login.example/")
    expect(here.fake.log.entries).toHaveLength(1)
  })

  it("a wrong base path: 404, exit 4, names host, port and basePath", async () => {
    await load()
    const { exitCode, stderr } = await failed({ basePath: "/nowhere" })
    expect(exitCode).toBe(4)
    expect(stderr).toContain('"basePath"')
  })

  it("502 of a proxy without a Druid behind: tried three more times, then exit 1", async () => {
    await load()
    here.fake.hooks.beforeRequest = () => reply(errors.html(502, "Bad Gateway"))
    const { exitCode, stderr } = await failed()
    expect(exitCode).toBe(1)
    expect(stderr).toContain("HTTP 502")
    expect(here.fake.log.entries).toHaveLength(4)
  })
})
