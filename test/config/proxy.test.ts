import { describe, expect, it } from "bun:test"
import { isHttpAddress } from "../../src/config/host.ts"
import { type Proxies, proxiesOf, proxyFor } from "../../src/config/proxy.ts"
import { Secret } from "../../src/config/secret.ts"

const through = (proxies: Proxies, url: string) => proxyFor(proxies, new URL(url))?.reveal()
const fromEnv = (env: Record<string, string>) => proxiesOf(undefined, env)

describe("a proxy of the environment", () => {
  const both = { HTTP_PROXY: "http://plain:3128", HTTPS_PROXY: "http://secure:3128" }

  it("is taken by the protocol of the address; small letters win; a protocol may be left out", () => {
    expect(through(fromEnv(both), "http://druid:8888/")).toBe("http://plain:3128")
    expect(through(fromEnv(both), "https://druid:9088/")).toBe("http://secure:3128")
    expect(through(fromEnv({ ...both, https_proxy: "other:1" }), "https://druid/")).toBe("http://other:1")
    expect(through(fromEnv({ HTTPS_PROXY: "" }), "https://druid/")).toBeUndefined()
  })

  it("is never taken for this machine", () => {
    for (const host of ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "druid.localhost"]) {
      expect(through(fromEnv(both), `http://${host}:8888/`)).toBeUndefined()
      expect(through(proxiesOf(new Secret("http://p:1"), {}), `http://${host}:8888/`)).toBeUndefined()
    }
  })

  for (const [rule, host, isExempt] of [
    ["*", "druid.example.com", true],
    ["example.com", "druid.example.com", true],
    ["example.com", "example.com", true],
    ["example.com", "badexample.com", false],
    [".example.com", "druid.example.com", true],
    ["*.example.com", "druid.example.com", true],
    ["EXAMPLE.com", "druid.example.com", true],
    ["other.com, example.com", "druid.example.com", true],
    ["other.com example.com", "druid.example.com", true],
    ["druid.example.com:9088", "druid.example.com", true],
    ["druid.example.com:443", "druid.example.com", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/33", "10.1.2.3", false],
    ["2.3", "10.1.2.3", false],
    ["fd00::/8", "[fd00::1]", true],
    ["fd00::1", "[fd00::1]", true],
    ["[fd00::1]:9088", "[fd00::1]", true],
    ["10.0.0.0/8", "[fd00::1]", false],
  ] as const) {
    it(`NO_PROXY ${rule} ${isExempt ? "exempts" : "does not exempt"} ${host}`, () => {
      const proxies = fromEnv({ ...both, NO_PROXY: rule })
      expect(through(proxies, `https://${host}:9088/`)).toBe(isExempt ? undefined : "http://secure:3128")
    })
  }
})

describe("a proxy of the configuration", () => {
  const env = { HTTPS_PROXY: "http://secure:3128", NO_PROXY: "*" }

  it("wins over the environment, and false is none", () => {
    expect(through(proxiesOf(new Secret("http://own:1"), env), "https://druid/")).toBe("http://own:1")
    expect(through(proxiesOf(false, { HTTPS_PROXY: "http://secure:3128" }), "https://druid/")).toBeUndefined()
  })

  it("is http or https", () => {
    expect(["http://p:1", "https://u:p@p", "socks5://p:1", "p:1", ""].map(isHttpAddress)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})
