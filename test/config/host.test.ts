import { describe, expect, it } from "bun:test"
import { isLoopback, readBasePath, readHost, startConcurrency } from "../../src/config/host.ts"

describe("a host", () => {
  it.each([
    ["localhost", "localhost"],
    ["Druid.Example.COM", "druid.example.com"],
    ["druid_router", "druid_router"],
    ["10.0.0.1", "10.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["::1", "::1"],
    ["[::1]", "::1"],
    ["[2001:DB8::1]", "2001:db8::1"],
    ["münchen.example", "xn--mnchen-3ya.example"],
  ])("%s is read as %s", (text, host) => {
    expect(readHost(text).host).toBe(host)
  })

  it.each([
    ["http://druid:8888", '"protocol": "http", "host": "druid", "port": 8888'],
    ["https://druid.example.com:443/", '"protocol": "https", "host": "druid.example.com", "port": 443'],
    ["https://druid.example.com", '"protocol": "https", "host": "druid.example.com"'],
    [
      "https://druid.example.com/proxy/druid/v2/sql",
      '"protocol": "https", "host": "druid.example.com", "basePath": "/proxy"',
    ],
    ["druid:8888", '"host": "druid", "port": 8888'],
    ["[::1]:8888", '"host": "::1", "port": 8888'],
    ["druid/path", '"host": "druid", "basePath": "/path"'],
  ])("%s is refused with the keys to write", (text, keys) => {
    expect(readHost(text)).toEqual({ advice: `a host alone; write ${keys}` })
  })

  it.each([
    "",
    " ",
    "a b",
    "ftp://x",
    "http://",
    "a#b",
    "a\\b",
    "a%62",
    "1:2:zz",
    "[::1",
    "/path",
    "999.0.0.1",
  ])("%p is refused", (text) => {
    expect(readHost(text).advice).toStartWith("a host name or address alone")
  })

  it.each(["http://u:123@druid:8888/", "u:123@druid", "http://u:12/3@druid"])(
    "%s is refused without a part of its login",
    (text) => {
      const { advice } = readHost(text)
      expect(advice).toContain('"username" and "password" as keys')
      expect(advice).not.toContain("12")
    },
  )

  it.each(["localhost", "localhost.", "druid.localhost", "127.0.0.1", "127.8.8.8", "::1"])(
    "%s is this machine",
    (h) => {
      expect(isLoopback(h)).toBe(true)
    },
  )

  it.each(["localhost.example.com", "127.example.com", "128.0.0.1", "0.0.0.0", "::2", "mylocalhost"])(
    "%s is another machine",
    (h) => {
      expect(isLoopback(h)).toBe(false)
    },
  )
})

describe("a base path", () => {
  it.each([
    ["", ""],
    ["/", ""],
    ["druid", "/druid"],
    ["/druid/", "/druid"],
    ["//a//b/", "/a/b"],
  ])("%p is read as %p", (text, path) => {
    expect(readBasePath(text)).toBe(path)
  })

  it.each(["http://x/y", "/a?b", "/a#b", "/a b", "/a/../b", "/u:p@x"])("%p is refused", (text) => {
    expect(readBasePath(text)).toBeUndefined()
  })
})

describe("requests at the same time, where the configuration does not say", () => {
  it("are four; on this machine no more than its processors, and two at least", () => {
    expect([1, 2, 3, 4, 64].map((n) => startConcurrency("localhost", n))).toEqual([2, 2, 3, 4, 4])
    expect([1, 64].map((n) => startConcurrency("druid.example.com", n))).toEqual([4, 4])
  })
})
