import { describe, expect, it } from "bun:test"
import { readAddress, readSelection } from "../../src/commands/init/selection.ts"

const NAMES = ["a", "b,c", "d e", "4", "wiki"]
const names = (text: string) => readSelection(text, NAMES)

describe("a choice from a list", () => {
  it("is made by numbers and ranges, in the list's order, each once", () => {
    expect(names("5,1-2, 2")).toEqual({ texts: ["a", "b,c", "wiki"] })
  })

  it("is made by names, also those with commas and blanks in them", () => {
    expect(names("d e")).toEqual({ texts: ["d e"] })
    expect(names("b,c")).toEqual({ texts: ["b,c"] })
    expect(names("wiki,d e")).toEqual({ texts: ["d e", "wiki"] })
  })

  it("takes a name that is a number for the name", () => {
    expect(names("4")).toEqual({ texts: ["4"] })
  })

  it("takes all", () => {
    expect(names("all")).toEqual({ texts: NAMES })
  })

  it("takes patterns as they are, and names with their special characters written as such", () => {
    expect(names("*")).toEqual({ texts: ["*"] })
    expect(names("wiki, ev*, !tmp_*, 1")).toEqual({ texts: ["a", "wiki", "ev*", "!tmp_*"] })
    expect(readSelection("a*b,1", ["a*b", "!c"])).toEqual({ texts: ["a\\*b"] })
    expect(readSelection("all", ["a*b", "!c"])).toEqual({ texts: ["a\\*b", "\\!c"] })
    expect(names("!tmp_*")).toEqual({ problem: "nothing is chosen" })
  })

  it("says what is wrong", () => {
    expect(names("7")).toEqual({ problem: "7: the numbers go from 1 to 5" })
    expect(names("3-2")).toEqual({ problem: "3-2: the numbers go from 1 to 5" })
    expect(names("0")).toEqual({ problem: "0: the numbers go from 1 to 5" })
    expect(names("wikl")).toEqual({ problem: 'there is no datasource "wikl"' })
    expect(names(" , ")).toEqual({ problem: "nothing is chosen" })
  })
})

describe("an address", () => {
  it("is taken apart where it is a URL", () => {
    expect(readAddress("https://druid.example.com:9088/proxy/druid/v2/sql")).toEqual({
      host: "druid.example.com",
      protocol: "https",
      port: 9088,
      basePath: "/proxy",
      hasLogin: false,
    })
  })

  it("has its protocol's own port where none is said", () => {
    expect(readAddress("https://druid.example.com/")).toMatchObject({ port: 443 })
    expect(readAddress("http://[::1]/unified-console.html")).toEqual({
      host: "::1",
      protocol: "http",
      port: 80,
      hasLogin: false,
    })
  })

  it("may be a host and a port", () => {
    expect(readAddress("druid:8082")).toEqual({ host: "druid", port: 8082, hasLogin: false })
  })

  it("tells that a login is in it, and not which", () => {
    expect(readAddress("http://me:geheim@druid:8888")).toEqual({
      host: "druid",
      protocol: "http",
      port: 8888,
      hasLogin: true,
    })
  })

  it("is left alone where it is a host", () => {
    expect(readAddress("druid.example.com")).toBeUndefined()
    expect(readAddress("::1")).toBeUndefined()
  })
})
