/**
 * Credentials stay where they belong (invariant I8), text from servers drives no terminal, names from Druid and the config
 * go nowhere but into their place. The program runs as a process of its own; everything that it leaves is searched.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { Desk, fill, filled, fingerprint } from "../crash/support.ts"
import { execute, query, tableNames } from "../support/conformance/duckdb.ts"
import { bunSource, inProcess, type Running } from "../support/conformance/runner.ts"
import { errors, type FakeDruid, hang, reply, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { authority } from "../support/nginx/pki.ts"

const PASSWORD = "Grünkohl-4711-secret"
const TOKEN = "tok.en-0815-secret~"
const PASSPHRASE = "phrase-2342-secret"
const basic = (user: string) => Buffer.from(`${user}:${PASSWORD}`).toString("base64")
/** Every form of a credential that may be found somewhere. */
const FORMS = [
  PASSWORD,
  TOKEN,
  PASSPHRASE,
  basic("reader"),
  encodeURIComponent(PASSWORD),
  "4711-secret",
  "0815-secret",
]
const ENV = { DRUID_PASSWORD: PASSWORD, DRUID_TOKEN: TOKEN, DRUID_PASSPHRASE: PASSPHRASE }
const PASSWORD_CONFIG = { username: "reader", password: { env: "DRUID_PASSWORD" } }
const TOKEN_CONFIG = { token: { env: "DRUID_TOKEN" } }

let fake: FakeDruid
let desk: Desk
let out: string

beforeAll(async () => {
  fake = await startFakeDruid()
})
afterAll(() => fake.stop())
beforeEach(() => {
  fake.reset()
  fill(fake, "w", 2, 500)
  desk = new Desk()
  out = desk.path("copy.duckdb")
})
afterEach(() => desk.close())

/** Everything that lies in a folder, and its path. */
function* filesIn(folder: string): Generator<string> {
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name)
    if (lstatSync(path).isFile()) yield path
  }
}

/** Where one of the forms is found: in the texts, or in the name or the bytes of a file of the folder. */
function found(texts: Readonly<Record<string, string>>): string[] {
  const places: string[] = []
  for (const form of FORMS) {
    for (const [name, text] of Object.entries(texts))
      if (text.includes(form)) places.push(`${form} in ${name}`)
    for (const path of filesIn(desk.folder)) {
      if (path.includes(form) || readFileSync(path).includes(form)) places.push(`${form} in ${path}`)
    }
  }
  return places
}

/** Runs the program, verbose, and looks at its arguments on the way. */
async function run(running: Running) {
  const commandLine = readFileSync(`/proc/${running.pid}/cmdline`, "utf8")
  const result = await running.result
  return { ...result, places: found({ stdout: result.stdout, stderr: result.stderr, commandLine }) }
}

const start = (...more: string[]) => bunSource().start(desk.args(out, "--verbose", ...more), { env: ENV })

describe("credentials are left nowhere", () => {
  it("by a pull that goes well, with a password and with a token", async () => {
    fake.credentials = { user: "reader", password: PASSWORD }
    desk.config(fake.port, ["w"], PASSWORD_CONFIG)
    expect(await run(start())).toMatchObject({ exitCode: 0, places: [] })
    fake.credentials = { bearer: TOKEN }
    desk.config(fake.port, ["w"], TOKEN_CONFIG)
    expect(await run(start("--full"))).toMatchObject({ exitCode: 0, places: [] })
  }, 60_000)

  it("by a pull that dies in mid-stream: not in the spool, the lock or the database", async () => {
    fake.credentials = { user: "reader", password: PASSWORD }
    desk.config(fake.port, ["w"], { ...PASSWORD_CONFIG, sliceRows: 500 })
    const arrived = Promise.withResolvers<void>()
    fake.hooks.beforeRequest = (kind, n) => {
      if (kind !== "scan" || n < 2) return undefined
      arrived.resolve()
      return hang({ rows: 200 })
    }
    const running = start()
    await arrived.promise
    running.kill("SIGKILL")
    const { exitCode, places } = await run(running)
    expect([exitCode, places]).toEqual([null, []])
    expect([...filesIn(desk.folder)].length).toBeGreaterThan(1)
  }, 60_000)

  const refusals: [string, () => void, Readonly<Record<string, unknown>>][] = [
    [
      "401",
      () => {
        fake.credentials = { bearer: "another" }
      },
      PASSWORD_CONFIG,
    ],
    [
      "401 with a body that repeats them",
      () => {
        fake.hooks.beforeRequest = (_, __, { headers }) =>
          reply(errors.jsonReply(401, { error: `bad ${headers.authorization}, token ${TOKEN}` }))
      },
      TOKEN_CONFIG,
    ],
    [
      "500 with a plain text that repeats them",
      () => {
        fake.hooks.beforeRequest = (_, __, { headers }) =>
          reply({
            status: 500,
            headers: { "Content-Type": "text/plain" },
            body: `sent ${headers.authorization} ${PASSWORD}`,
          })
      },
      PASSWORD_CONFIG,
    ],
    [
      "a redirect to an address that holds them",
      () => {
        fake.hooks.beforeRequest = (_, __, { headers }) =>
          reply({
            status: 302,
            headers: {
              Location: `http://x/?a=${String(headers.authorization).split(" ")[1]}&p=${encodeURIComponent(PASSWORD)}`,
            },
          })
      },
      PASSWORD_CONFIG,
    ],
    [
      "an answer that is none and repeats them",
      () => {
        fake.hooks.beforeRequest = (_, __, { headers }) =>
          reply({ status: 200, body: `${JSON.stringify({ error: `no: ${headers.authorization}` })}\n\n` })
      },
      TOKEN_CONFIG,
    ],
    [
      "an answer that cannot be parsed and repeats them",
      () => {
        fake.hooks.beforeRequest = (_, __, { headers }) =>
          reply({ status: 200, body: `["${headers.authorization}", ${TOKEN}]\n\n` })
      },
      TOKEN_CONFIG,
    ],
  ]
  for (const [name, spoil, config] of refusals) {
    it(`by ${name}`, async () => {
      spoil()
      desk.config(fake.port, ["w"], config)
      const runner = inProcess()
      const { exitCode, stdout, stderr } = await runner.run(desk.args(out, "--verbose"), { env: ENV })
      expect(exitCode).toBeGreaterThan(0)
      expect(stderr.length).toBeGreaterThan(20)
      expect(found({ stdout, stderr })).toEqual([])
    }, 60_000)
  }

  it("by TLS that fails, with a client's key that has a passphrase", async () => {
    const secure = authority(desk.folder, "ca").issue("server", ["DNS:localhost"])
    const locked = desk.path("locked.key")
    const lock = ["pkcs8", "-topk8", "-in", secure.key, "-out", locked, "-passout", `pass:${PASSPHRASE}`]
    expect(spawnSync("openssl", lock).status).toBe(0)
    const server = await startFakeDruid({
      tls: { cert: readFileSync(secure.cert), key: readFileSync(secure.key) },
    })
    try {
      desk.config(server.port, ["w"], {
        ...PASSWORD_CONFIG,
        protocol: "https",
        tls: { cert: secure.cert, key: locked, passphrase: { env: "DRUID_PASSPHRASE" } },
      })
      const { exitCode, stdout, stderr } = await inProcess().run(desk.args(out, "--verbose"), { env: ENV })
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining("TLS")])
      expect(found({ stdout, stderr })).toEqual([])
    } finally {
      await server.stop()
    }
  }, 60_000)

  it("by a token that no header can carry: a configuration error that does not show it", async () => {
    const spoilt = `${TOKEN}\nX-Other: 1`
    desk.config(fake.port, ["w"], TOKEN_CONFIG)
    const { exitCode, stdout, stderr } = await inProcess().run(desk.args(out, "--verbose"), {
      env: { ...ENV, DRUID_TOKEN: spoilt },
    })
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("token")])
    expect(stderr).not.toContain("this is a bug")
    expect(found({ stdout, stderr })).toEqual([])
    expect(fake.log.entries.every((entry) => entry.headers["x-other"] === undefined)).toBe(true)
  })
})

describe("a redirect", () => {
  let elsewhere: Server
  const visitors: unknown[] = []
  beforeAll(async () => {
    elsewhere = createServer((request, response) => {
      visitors.push(request.headers)
      response.end("[]\n\n")
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve))
  })
  afterAll(() => elsewhere.close())

  for (const status of [301, 302, 303, 307, 308]) {
    it(`${status} leads nobody to another host`, async () => {
      const { port } = elsewhere.address() as AddressInfo
      fake.hooks.beforeRequest = () =>
        reply({ status, headers: { Location: `http://127.0.0.1:${port}/druid/v2/sql` } })
      desk.config(fake.port, ["w"], PASSWORD_CONFIG)
      const { exitCode, stderr } = await inProcess().run(desk.args(out), { env: ENV })
      expect([exitCode, visitors]).toEqual([4, []])
      expect(stderr).toContain("redirects")
    })
  }
})

describe("text from servers", () => {
  const EVIL = "\u001b[2J\u001b]0;owned\u0007\u009b31m\u202egnp.exe\r\nfake line\u0000"
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  const DRIVES = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

  const evil: [string, () => void][] = [
    [
      "an error message",
      () => (fake.hooks.beforeRequest = () => reply(errors.druidException(500, `boom ${EVIL}`))),
    ],
    ["a plain body", () => (fake.hooks.beforeRequest = () => reply({ status: 503, body: EVIL }))],
    [
      "a redirect",
      () => (fake.hooks.beforeRequest = () => reply({ status: 302, headers: { Location: "/\u009b31m%1b" } })),
    ],
    [
      "what should be rows",
      () => (fake.hooks.beforeRequest = () => reply({ status: 200, body: `[${EVIL}\n\n` })),
    ],
    [
      "a value of a wrong type",
      () => {
        fake.hooks.beforeRequest = (kind) =>
          kind === "scan"
            ? reply({
                status: 200,
                body: `["__time","page","n"]\n["LONG","STRING","LONG"]\n["BIGINT","VARCHAR","BIGINT"]\n${JSON.stringify([1704067200000, "x", EVIL])}\n\n`,
              })
            : undefined
      },
    ],
  ]
  for (const [name, spoil] of evil) {
    it(`does not drive the terminal: ${name}`, async () => {
      spoil()
      desk.config(fake.port, ["w"])
      for (const runner of [inProcess()]) {
        const { exitCode, stdout, stderr } = await runner.run(desk.args(out, "--verbose"))
        expect(exitCode).toBeGreaterThan(0)
        expect(stderr).not.toMatch(DRIVES)
        expect(stdout).not.toMatch(DRIVES)
        expect(stderr).not.toMatch(/^fake line/m)
      }
    }, 60_000)
  }

  it("does not drive the terminal: names of columns", async () => {
    const column = `c${EVIL.replace("\u0000", "")}`
    fake.world.define("odd", { [column]: "STRING" })
    fake.world.append("odd", [{ __time: "2024-01-01", [column]: "x" }])
    fake.world.settle("odd")
    desk.config(fake.port, ["odd"])
    expect((await inProcess().run(desk.args(out, "--verbose"))).exitCode).toBe(0)
    fake.world.define("odd", { [column]: "STRING", [`${column}2`]: "LONG" })
    fake.world.append("odd", [{ __time: "2024-01-02", [column]: "x", [`${column}2`]: 1n }])
    fake.world.settle("odd")
    const { exitCode, stdout, stderr } = await inProcess().run(desk.args(out, "--verbose"))
    expect([exitCode, stderr]).toEqual([0, expect.not.stringMatching(DRIVES)])
    expect(stdout).not.toMatch(DRIVES)
  }, 60_000)
})

describe("names", () => {
  const NAMES = [
    "../../evil",
    "..",
    "a b",
    "it's",
    'say "x"',
    '"; DROP TABLE victim; --',
    "x') OR 1=1 --",
    "$(touch evil)",
    "%2e%2e%2fevil",
    "victim\u2028",
  ]
  it("of datasources and columns stay in their place: no other file, no other table, no other query", async () => {
    await execute(out, "CREATE TABLE victim (a INTEGER)", "INSERT INTO victim VALUES (42)")
    for (const name of NAMES) {
      fake.world.define(name, { [name]: "STRING", 'x" INTEGER); DROP TABLE victim; --': "LONG" })
      fake.world.append(name, [
        { __time: "2024-01-01", [name]: name, 'x" INTEGER); DROP TABLE victim; --': 7n },
      ])
      fake.world.settle(name)
    }
    const tables = NAMES.map((name, n) => ({
      name,
      table: n % 2 === 0 ? `t${n}` : `t${n}"; DROP TABLE victim; --'`,
    }))
    desk.config(fake.port, tables as never)
    const { exitCode, stderr } = await inProcess().run(desk.args(out, "--verbose"))
    expect([exitCode, stderr]).toEqual([0, expect.any(String)])
    expect(await query(out, "SELECT a FROM victim")).toEqual([{ a: 42 }])
    const names = await tableNames(out)
    for (const { name, table } of tables) {
      expect(names).toContain(table)
      const quoted = `"${table.replaceAll('"', '""')}"`
      const [row] = await query(out, `SELECT "${name.replaceAll('"', '""')}" AS v FROM ${quoted}`)
      expect(row).toEqual({ v: name })
    }
    expect(new Set(fake.log.entries.flatMap((entry) => entry.datasource ?? []))).toEqual(new Set(NAMES))
    expect(readdirSync(desk.folder).sort()).toEqual(["config.json", "copy.duckdb"])
    expect(readdirSync(join(desk.folder, "..")).filter((name) => name.includes("evil"))).toEqual([])
  }, 60_000)
})

describe("what a run makes", () => {
  it("is private to the user: database, companion folder, lock and spool", async () => {
    desk.config(fake.port, ["w"], { sliceRows: 500 })
    const arrived = Promise.withResolvers<void>()
    fake.hooks.beforeRequest = (kind, n) => {
      if (kind !== "scan" || n < 2) return undefined
      arrived.resolve()
      return hang({ rows: 300 })
    }
    const running = bunSource().start(desk.args(out))
    await arrived.promise
    const companion = `${out}.druidsync`
    const open = [
      companion,
      ...(readdirSync(companion, { recursive: true }) as string[]).map((name) => join(companion, name)),
    ]
    const modes = open.map((path) => [path, statSync(path).mode & 0o077])
    running.kill("SIGINT")
    expect((await running.result).exitCode).toBe(130)
    expect(modes.filter(([, mode]) => mode !== 0)).toEqual([])
    expect(modes.length).toBeGreaterThan(2)
    fake.hooks = {}
    expect((await bunSource().run(desk.args(out))).exitCode).toBe(0)
    expect(statSync(out).mode & 0o077).toBe(0)
    expect(await fingerprint(out, "w")).toBe(filled(2, 500))
  }, 60_000)

  it("warns of a config with a secret that others can read", async () => {
    desk.config(fake.port, ["w"], { username: "reader", password: PASSWORD })
    const config = readFileSync(desk.configPath)
    writeFileSync(desk.path("open.json"), config, { mode: 0o644 })
    const { exitCode, stderr } = await inProcess().run([
      "pull",
      "--config",
      desk.path("open.json"),
      "--out",
      out,
    ])
    expect(exitCode).toBe(0)
    expect(stderr).toContain("chmod 600")
    expect(stderr).not.toContain(PASSWORD)
  })
})
