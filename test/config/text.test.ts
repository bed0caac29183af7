import { describe, expect, it } from "bun:test"
import { fold } from "../../src/base/names.ts"
import { nearest } from "../../src/base/nearest.ts"
import { parseDuration, parseInstant, parseSize } from "../../src/config/quantities.ts"
import { isOwnTable, tableName } from "../../src/config/table-name.ts"

describe("a duration", () => {
  it.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["3d", 259_200_000],
    ["2w", 1_209_600_000],
    ["0s", 0],
    ["PT30S", 30_000],
    ["PT0.25S", 250],
    ["P3D", 259_200_000],
    ["P1DT12H", 129_600_000],
    ["P2W", 1_209_600_000],
    ["PT1H30M", 5_400_000],
  ])("reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each([
    "",
    "30",
    "30 s",
    "s",
    "-1s",
    "1y",
    "P",
    "PT",
    "P1M",
    "P1Y",
    "P1DT",
    "1e3s",
    "forever",
    "99999999999999w",
  ])("refuses %p", (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

describe("a size", () => {
  it.each([
    ["1GB", 1e9],
    ["1 GB", 1e9],
    ["1gb", 1e9],
    ["512MiB", 536_870_912],
    ["1.5kb", 1500],
    ["2TiB", 2_199_023_255_552],
    ["10B", 10],
  ])("reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(["", "1", "GB", "1G", "1GiBs", "-1GB", "1,5GB", "99999999TB"])("refuses %p", (text) => {
    expect(parseSize(text)).toBeUndefined()
  })
})

describe("an instant", () => {
  it.each([
    ["1970-01-01", 0n],
    ["2024-01-31", 1706659200000n],
    ["2024-01-31T12:00", 1706702400000n],
    ["2024-01-31 12:00:00", 1706702400000n],
    ["2024-01-31T12:00:00Z", 1706702400000n],
    ["2024-01-31T14:00:00+02:00", 1706702400000n],
    ["2024-01-31T12:00:00.5Z", 1706702400500n],
    ["2024-01-31T12:00:00.123Z", 1706702400123n],
    ["1969-12-31T23:59:59.999Z", -1n],
    ["0001-01-01", -62135596800000n],
    ["0099-03-01", BigInt(Date.parse("0099-03-01T00:00:00Z"))],
    ["-000001-01-01", BigInt(Date.parse("-000001-01-01T00:00:00Z"))],
    ["+012024-01-01", BigInt(Date.parse("+012024-01-01T00:00:00Z"))],
    ["2024-02-29", 1709164800000n],
  ])("reads %s", (text, ms) => {
    expect(parseInstant(text)).toBe(ms)
  })

  it.each([
    "",
    "yesterday",
    "2024",
    "2024-1-1",
    "2023-02-29",
    "2024-02-30",
    "2024-13-01",
    "2024-00-01",
    "2024-01-00",
    "2024-01-01T24:00:00Z",
    "2024-01-01T12:60:00Z",
    "2024-01-01T12:00:60Z",
    "2024-01-01T12:00:00.1234Z",
    "2024-01-01T12",
    "2024-01-01Z",
    "2024-01-01T12:00:00+99:00",
    "01/02/2024",
    "1706659200000",
    "+999999-01-01",
  ])("refuses %p", (text) => {
    expect(parseInstant(text)).toBeUndefined()
  })
})

describe("the nearest word", () => {
  const words = ["host", "port", "datasources", "basePath", "password", "username", "requestTimeout", "tls"]

  it.each([
    ["hosst", "host"],
    ["prot", "port"],
    ["datasource", "datasources"],
    ["base_path", "basePath"],
    ["base-path", "basePath"],
    ["BASEPATH", "basePath"],
    ["passwrod", "password"],
    ["user", "username"],
    ["pass", "password"],
    ["reqestTimeot", "requestTimeout"],
    ["hostname", "host"],
  ])("to %s is %s", (word, near) => {
    expect(nearest(word, words)).toBe(near)
  })

  it.each(["", "x", "completely", "é", "a".repeat(10_000)])("to %p is none", (word) => {
    expect(nearest(word.slice(0, 20_000), words)).toBeUndefined()
  })
})

describe("a table's name", () => {
  it.each([
    ["wikipedia", "wikipedia"],
    ["koalas-to-the-max", "koalas_to_the_max"],
    ["my.datasource name", "my_datasource_name"],
    ["Ünïcode-日本語", "Ünïcode_日本語"],
    ["a😀b", "a_b"],
    ["q\"uo'te;--", "q_uo_te___"],
    ["1day", "1day"],
    ["---", "___"],
  ])("of %s is %s", (datasource, table) => {
    expect(tableName(datasource)).toBe(table)
  })

  it("is compared as DuckDB does: ASCII letters without case, all else as it is", () => {
    expect(fold("FooÉ")).toBe("fooÉ")
  })

  it.each(["_sync_state", "_SYNC_chunks", "_sync_whatever"])("%s is one of our own", (table) => {
    expect(isOwnTable(table)).toBe(true)
  })

  it.each(["_sync", "sync_state", "_synch"])("%s is free", (table) => {
    expect(isOwnTable(table)).toBe(false)
  })
})
