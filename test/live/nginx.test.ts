/**
 * A real nginx before the real Druid: TLS with an authority of our own, Basic and Bearer authentication, client
 * certificates; each works, and each failure has a message of its own. Credentials never leave for another host.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { readTable } from "../support/conformance/duckdb.ts"
import { executable, type Result } from "../support/conformance/runner.ts"
import { freePort, type Nginx, startNginx } from "../support/nginx/nginx.ts"
import { authority, type Certificate } from "../support/nginx/pki.ts"
import { loadedDruid } from "./support.ts"

const PASSWORD = "p4ss-of-the-reader-7c1e"
const TOKEN = "t0ken-of-the-reader-9f2d"
const DATASOURCE = "my.datasource name"
const ROWS = 3_000

let folder: string
let nginx: Nginx
let elsewhere: Server
const seenElsewhere: string[] = []
let ca: Certificate
let client: Certificate
let stranger: Certificate
const port: Record<
  "basic" | "bearer" | "mutual" | "expired" | "misnamed" | "redirect" | "login" | "plain",
  number
> = {
  basic: 0,
  bearer: 0,
  mutual: 0,
  expired: 0,
  misnamed: 0,
  redirect: 0,
  login: 0,
  plain: 0,
}
let run = 0
let out: string

beforeAll(async () => {
  const druid = await loadedDruid()
  folder = mkdtempSync(join(tmpdir(), "druidsync-nginx-"))
  const own = authority(folder, "own-ca")
  const other = authority(folder, "other-ca")
  ca = own
  const names = ["DNS:localhost", "IP:127.0.0.1"]
  const good = own.issue("server", names)
  const expired = own.issue("expired", names, { from: "20200101000000Z", to: "20200201000000Z" })
  const misnamed = own.issue("misnamed", ["DNS:druid.example.org"])
  client = own.issue("reader", [])
  stranger = other.issue("stranger", [])
  const hash = execFileSync("openssl", ["passwd", "-apr1", PASSWORD]).toString().trim()
  writeFileSync(join(folder, "htpasswd"), `reader:${hash}\n`)
  for (const name of Object.keys(port) as (keyof typeof port)[]) port[name] = await freePort()
  elsewhere = createServer((request, response) => {
    seenElsewhere.push(JSON.stringify(request.headers))
    response.end("[]")
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", () => resolve()))
  const elsewherePort = (elsewhere.address() as { port: number }).port
  const listen = (at: number, certificate: Certificate) =>
    `listen 127.0.0.1:${at} ssl; ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key};`
  const proxy = `proxy_pass ${druid.routerUrl};`
  const servers = `
  server { ${listen(port.basic, good)}
    location /behind/ { auth_basic "Druid"; auth_basic_user_file ${join(folder, "htpasswd")}; proxy_pass ${druid.routerUrl}/; }
  }
  server { ${listen(port.bearer, good)}
    location / { if ($http_authorization != "Bearer ${TOKEN}") { return 401; } ${proxy} }
  }
  server { ${listen(port.mutual, good)}
    ssl_client_certificate ${own.cert}; ssl_verify_client on;
    location / { ${proxy} }
  }
  server { ${listen(port.expired, expired)} location / { ${proxy} } }
  server { ${listen(port.misnamed, misnamed)} location / { ${proxy} } }
  server { ${listen(port.redirect, good)} location / { return 307 http://localhost:${elsewherePort}$request_uri; } }
  server { ${listen(port.login, good)}
    location / { default_type text/html; return 200 "<!doctype html><title>Sign in</title>"; }
  }
  server { listen 127.0.0.1:${port.plain}; location / { ${proxy} } }
`
  nginx = await startNginx(folder, servers, Object.values(port))
}, 400_000)

afterAll(async () => {
  await nginx?.stop()
  elsewhere?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

beforeEach(() => {
  out = join(folder, `copy-${++run}.duckdb`)
})

function pull(config: Record<string, unknown>): Promise<Result> {
  const path = join(folder, `config-${run}.json`)
  writeFileSync(
    path,
    JSON.stringify({ host: "localhost", protocol: "https", datasources: [DATASOURCE], ...config }),
  )
  chmodSync(path, 0o600)
  return executable().run(["pull", "--config", path, "--out", out, "--verbose"], {
    env: { SECRET_PASSWORD: PASSWORD, SECRET_TOKEN: TOKEN },
  })
}

async function expectPulled(result: Result): Promise<void> {
  expect(result.stderr).toContain("3,000 rows")
  expect(result.exitCode).toBe(0)
  expect((await readTable(out, "my_datasource_name")).rows.size).toBe(ROWS)
}

/** Nothing that the run left or said holds a secret, in plain text or as Basic authentication sends it. */
function expectNoSecret(result: Result): void {
  const secrets = [PASSWORD, TOKEN, Buffer.from(`reader:${PASSWORD}`).toString("base64")]
  const left = readdirSync(folder).filter((name) => name.startsWith(`copy-${run}.`))
  const texts = [result.stdout, result.stderr]
  for (const name of left) {
    const path = join(folder, name)
    if (statSync(path).isFile()) texts.push(readFileSync(path, "latin1"))
  }
  for (const text of texts) for (const secret of secrets) expect(text.includes(secret)).toBe(false)
}

async function expectRefused(result: Result, exitCode: number, ...words: (string | RegExp)[]): Promise<void> {
  for (const word of words) expect(result.stderr).toMatch(word)
  expect(result.exitCode).toBe(exitCode)
  expectNoSecret(result)
}

describe("with nginx before Druid", () => {
  const tls = () => ({ ca: ca.cert })
  const basic = () => ({ port: port.basic, basePath: "/behind", tls: tls(), username: "reader" })

  it("pulls over TLS with our own authority, Basic authentication and a base path", async () => {
    const result = await pull({ ...basic(), password: { env: "SECRET_PASSWORD" } })
    await expectPulled(result)
    expectNoSecret(result)
  }, 60_000)

  it("pulls with a Bearer token", async () => {
    const result = await pull({ port: port.bearer, tls: tls(), token: { env: "SECRET_TOKEN" } })
    await expectPulled(result)
    expectNoSecret(result)
  }, 60_000)

  it("pulls with a client certificate", async () => {
    await expectPulled(await pull({ port: port.mutual, tls: { ...tls(), ...client } }))
  }, 60_000)

  it("says that the password is wrong, asks once, and does not say the password", async () => {
    const result = await pull({ ...basic(), password: "wrong-4711" })
    await expectRefused(result, 4, /credentials/, /password/)
    expect(result.stderr).not.toContain("wrong-4711")
  }, 60_000)

  it("says that credentials are missing", async () => {
    await expectRefused(await pull({ ...basic(), username: undefined }), 4, /credentials/)
  }, 60_000)

  it("says that the authority is unknown, and how to give it", async () => {
    await expectRefused(await pull({ port: port.bearer, token: TOKEN }), 1, /TLS/, /"ca"/)
  }, 60_000)

  it("says that the certificate has expired", async () => {
    await expectRefused(await pull({ port: port.expired, tls: tls() }), 1, /TLS/, /expired/)
  }, 60_000)

  it("says that the certificate is for another name, and takes it under that name", async () => {
    await expectRefused(await pull({ port: port.misnamed, tls: tls() }), 1, /TLS/, /another name/)
    const named = { ...tls(), serverName: "druid.example.org" }
    await expectPulled(await pull({ port: port.misnamed, tls: named }))
  }, 60_000)

  it("says that a client certificate is wanted, or that the one given is not accepted", async () => {
    await expectRefused(await pull({ port: port.mutual, tls: tls() }), 1, /client certificate/)
    await expectRefused(
      await pull({ port: port.mutual, tls: { ...tls(), ...stranger } }),
      1,
      /client certificate/,
    )
  }, 60_000)

  it("says that a port with plain HTTP is no TLS port, and the other way round", async () => {
    await expectRefused(await pull({ port: port.plain }), 1, /plain HTTP/, /"protocol": "http"/)
    await expectRefused(await pull({ port: port.bearer, protocol: "http" }), 1, /TLS|https/)
  }, 60_000)

  it("never follows a redirect: credentials stay with the host they are for", async () => {
    const result = await pull({ port: port.redirect, tls: tls(), username: "reader", password: PASSWORD })
    await expectRefused(result, 4, /redirect/)
    expect(seenElsewhere).toEqual([])
  }, 60_000)

  it("knows a login page from Druid", async () => {
    await expectRefused(await pull({ port: port.login, tls: tls() }), 1, /web page/)
  }, 60_000)
})
