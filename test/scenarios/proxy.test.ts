/** A Druid that only a proxy can reach. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import http from "node:http"
import type { AddressInfo } from "node:net"
import { type ForwardProxy, startForwardProxy } from "../support/forward-proxy/forward-proxy.ts"
import { useFake } from "./support.ts"

const here = useFake()
const stops: (() => void)[] = []
let proxy: ForwardProxy
beforeEach(async () => {
  proxy = await startForwardProxy("ann:geheim-1")
  stops.push(proxy.stop)
  await here.stage.world.create("wiki", [{ __time: "2024-01-01T00:00:00.000Z", page: "a" }], {
    columns: { page: "string" },
  })
})
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

/** No name server knows the host: whoever goes directly fails. */
const ELSEWHERE = { host: "druid.test", protocol: "http" }

describe("a pull through a proxy", () => {
  it("of the configuration goes that way alone", async () => {
    here.stage.config(["wiki"], { ...ELSEWHERE, proxy: proxy.url })
    const pulled = await here.stage.pullExactly()
    expect(proxy.seen.length).toBe(here.fake.log.entries.length)
    expect(pulled.stdout + pulled.stderr).not.toContain("geheim")
  })

  it("of the environment does, too, unless it is turned off or the host is exempt", async () => {
    const run = async (settings: object, env: Record<string, string>) => {
      here.stage.config(["wiki"], { ...ELSEWHERE, connectTimeout: "2s", ...settings })
      return (await here.stage.runner.run(here.stage.args("--json"), { bareEnv: env })).exitCode
    }
    expect(await run({}, { http_proxy: proxy.url })).toBe(0)
    expect(proxy.seen.length).toBeGreaterThan(0)
    proxy.seen.length = 0
    expect(await run({}, { HTTP_PROXY: proxy.url, NO_PROXY: ".test" })).not.toBe(0)
    expect(await run({ proxy: false }, { HTTP_PROXY: proxy.url })).not.toBe(0)
    expect(proxy.seen).toEqual([])
  })

  it("warns where the proxy can read the credentials, and only then", async () => {
    const credentials = { username: "u", password: "pass-word" }
    here.fake.credentials = { user: "u", password: "pass-word" }
    here.stage.config(["wiki"], { ...ELSEWHERE, ...credentials, proxy: proxy.url })
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
    expect(exitCode).toBe(0)
    expect(stderr).toContain(
      `the password is sent to druid.test unencrypted through the proxy 127.0.0.1:${proxy.port}`,
    )
    here.stage.set({ host: "127.0.0.1" })
    expect((await here.stage.runner.run(here.stage.args())).stderr).not.toContain("unencrypted")
  })

  it("that it cannot use says so without the login", async () => {
    here.stage.config(["wiki"], { ...ELSEWHERE, proxy: `http://127.0.0.1:${proxy.port}` })
    const wanting = await here.stage.runner.run(here.stage.args())
    expect(wanting.exitCode).toBe(4)
    expect(wanting.stderr).toContain("a proxy wants a login (HTTP 407)")
    here.stage.set({ proxy: "http://ann:geheim-1@127.0.0.1:9" })
    const dead = await here.stage.runner.run(here.stage.args())
    expect(dead.exitCode).toBe(1)
    expect(dead.stderr).toContain("the proxy 127.0.0.1:9 cannot be used")
    expect(dead.stderr).not.toContain("geheim")
  })

  it("that is no address is refused before anything is asked: exit 2", async () => {
    here.stage.config(["wiki"], { ...ELSEWHERE, proxy: "socks5://ann:geheim-1@p:1" })
    const key = await here.stage.runner.run(here.stage.args())
    expect([key.exitCode, key.stderr.includes("proxy: is not the address of a proxy")]).toEqual([2, true])
    here.stage.config(["wiki"], ELSEWHERE)
    const bareEnv = { HTTP_PROXY: "socks5://ann:geheim-1@p:1" }
    const variable = await here.stage.runner.run(here.stage.args(), { bareEnv })
    expect([variable.exitCode, variable.stderr.includes("the variable HTTP_PROXY")]).toEqual([2, true])
    expect(key.stderr + variable.stderr).not.toContain("geheim")
  })
})

describe("beside the pull", () => {
  it("check looks at the proxy's port and asks Druid through it", async () => {
    here.stage.config(["wiki"], { ...ELSEWHERE, proxy: proxy.url })
    const { configPath } = here.stage
    const { exitCode, stdout } = await here.stage.runner.run(["check", "--config", configPath])
    expect(stdout).toContain(`port ${proxy.port} of the proxy 127.0.0.1 is open`)
    expect(stdout).toContain("Druid SQL answers")
    expect(exitCode).toBe(0)
  })

  it("the ping goes through the proxy", async () => {
    const switchboard = http.createServer((_, response) => response.end("OK"))
    await new Promise<void>((done) => switchboard.listen(0, "127.0.0.1", done))
    stops.push(() => switchboard.close())
    const { port } = switchboard.address() as AddressInfo
    here.stage.config(["wiki"], { ...ELSEWHERE, proxy: proxy.url, ping: `http://hc.test:${port}/uuid` })
    await here.stage.pullExactly()
    expect(proxy.seen.filter((one) => one.includes("hc.test"))).toEqual([
      `GET http://hc.test:${port}/uuid/start`,
      `GET http://hc.test:${port}/uuid`,
    ])
  })
})
