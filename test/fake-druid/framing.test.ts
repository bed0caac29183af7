import { beforeEach, describe, expect, it } from "bun:test"
import type { Value, World } from "../support/fake-druid/fake-druid.ts"
import { fakeDruid as fake, messageOf, rowsOf, send, sql } from "./ask.ts"

let world: World
beforeEach(() => {
  world = fake.reset()
  world.append("d", [{ __time: "2020-01-01", page: "x" }])
})

describe("how responses end", () => {
  const page = "SELECT page FROM d"
  const none = "SELECT page FROM d WHERE FALSE"
  const cases: [string, boolean, string, string, string][] = [
    ["arrayLines", true, page, '["page"]\n["x"]\n\n', "one row with a header"],
    ["arrayLines", false, page, '["x"]\n\n', "one row"],
    ["arrayLines", false, none, "\n\n", "no row"],
    ["arrayLines", true, none, '["page"]\n\n', "no row with a header"],
    ["objectLines", true, page, '{"page":null}\n{"page":"x"}\n\n', "one row with a header"],
    ["objectLines", false, none, "\n\n", "no row"],
    ["csv", true, page, "page\nx\n\n", "one row with a header"],
    ["csv", false, none, "\n", "no row"],
    ["csv", true, none, "page\n\n", "no row with a header"],
    ["array", false, page, '[["x"]]\n', "one row"],
    ["array", false, none, "[]\n", "no row"],
    ["array", true, none, '[["page"]]\n', "no row with a header"],
    ["object", false, page, '[{"page":"x"}]\n', "one row"],
    ["object", true, none, '[{"page":null}]\n', "no row with a header"],
  ]
  for (const [resultFormat, header, query, body, what] of cases)
    it(`${resultFormat}: ${what}`, async () => {
      const answer = await sql(fake, query, {
        resultFormat,
        header,
        typesHeader: false,
        sqlTypesHeader: false,
      })
      expect(answer.body).toBe(body)
    })

  it("object formats name both types in their header", async () => {
    const { body } = await sql(fake, "SELECT * FROM d LIMIT 0", { resultFormat: "objectLines" })
    expect(body).toBe(
      '{"__time":{"type":"LONG","sqlType":"TIMESTAMP"},"page":{"type":"STRING","sqlType":"VARCHAR"}}\n\n',
    )
  })

  it("the router drops trailers and gives small answers a length", async () => {
    const { headers, trailers, status } = await sql(fake, page, { context: { sqlQueryId: "abc" } })
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      "content-length": String('["page"]\n["STRING"]\n["VARCHAR"]\n["x"]\n\n'.length),
      "x-druid-sql-query-id": "abc",
      "x-druid-sql-header-included": "yes",
      "x-druid-response-context": "{}",
      "content-type": "application/json",
    })
    expect([headers.trailer, trailers]).toEqual([undefined, {}])
  })

  it("the broker says in a trailer that the response is complete", async () => {
    fake.role = "broker"
    const { headers, trailers } = await sql(fake, page)
    expect(headers).toMatchObject({ trailer: "X-Druid-Response-Complete", "transfer-encoding": "chunked" })
    expect(trailers).toEqual({ "x-druid-response-complete": "true" })
  })

  it("compresses for clients that ask", async () => {
    const response = await fetch(`${fake.url}/druid/v2/sql`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Encoding": "gzip" },
      body: JSON.stringify({ query: page, resultFormat: "arrayLines" }),
    })
    expect(response.headers.get("content-encoding")).toBe("gzip")
    expect(await response.text()).toBe('["x"]\n\n')
    fake.gzip = false
    const plain = await sql(fake, page, {}, { "Accept-Encoding": "gzip" })
    expect(plain.headers["content-encoding"]).toBeUndefined()
  })
})

describe("values", () => {
  const store = (type: string, values: readonly Value[]) =>
    world.append(
      "v",
      values.map((v, i) => ({ __time: i, v })),
      { columns: { v: type } },
    )
  const written = async (more: Record<string, unknown> = {}, expression = "v") =>
    (await rowsOf(sql(fake, `SELECT ${expression} FROM v`, more))).map((row) => row.slice(1, -1))

  it("DOUBLE and FLOAT: Java's digits, NaN and infinities as strings", async () => {
    store("DOUBLE", [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      -0,
      5,
      1e308,
      5e-324,
      123456789012345680,
    ])
    expect(await written()).toEqual([
      '"NaN"',
      '"Infinity"',
      '"-Infinity"',
      "-0.0",
      "5.0",
      "1.0E308",
      "4.9E-324",
      "1.2345678901234568E17",
    ])
    world.deleteDatasource("v")
    store("FLOAT", [0.1, 3.4028234663852886e38, 1.5, 2 ** -149])
    expect(await written()).toEqual(["0.1", "3.4028235E38", "1.5", "1.4E-45"])
  })

  it("BIGINT: exact", async () => {
    store("LONG", [9223372036854775807n, -9223372036854775808n, 9007199254740993n, null])
    expect(await written()).toEqual([
      "9223372036854775807",
      "-9223372036854775808",
      "9007199254740993",
      "null",
    ])
  })

  it("strings: escapes of Jackson's, empty is not null", async () => {
    store("STRING", ['\u0000\u0001\t\n\r"\\/', "\u2028\u007f", "😀", "\ud800", "", null, "\\u001f\u001f"])
    expect(await written()).toEqual([
      '"\\u0000\\u0001\\t\\n\\r\\"\\\\/"',
      '"\u2028\u007f"',
      '"\\uD83D\\uDE00"',
      '"?"',
      '""',
      "null",
      '"\\\\u001f\\u001F"',
    ])
  })

  it("multi-value strings: JSON text, unless through MV_TO_ARRAY", async () => {
    store("STRING", [["a", "b"], '["a","b"]', ["a"], null, ["", null, "b"]])
    expect(await written()).toEqual([
      '"[\\"a\\",\\"b\\"]"',
      '"[\\"a\\",\\"b\\"]"',
      '"a"',
      "null",
      '"[null,\\"\\",\\"b\\"]"',
    ])
    const context = { sqlStringifyArrays: false }
    expect(await written({ context }, "MV_TO_ARRAY(v), MV_LENGTH(v)")).toEqual([
      '["a","b"],2',
      '["[\\"a\\",\\"b\\"]"],1',
      '["a"],1',
      "null,null",
      '[null,"","b"],3',
    ])
    const { body } = await sql(fake, "SELECT v, MV_TO_ARRAY(v) AS v2 FROM v LIMIT 0")
    expect(body).toContain('["STRING","ARRAY<STRING>"]\n["VARCHAR","ARRAY"]')
  })

  it("arrays: JSON text in a string by default, arrays without sqlStringifyArrays", async () => {
    store("ARRAY<DOUBLE>", [[1.5, Number.NaN, null], [], null, [null]])
    expect(await written()).toEqual(['"[1.5,\\"NaN\\",null]"', '"[]"', "null", '"[null]"'])
    expect(await written({ context: { sqlStringifyArrays: false } })).toEqual([
      '[1.5,"NaN",null]',
      "[]",
      "null",
      "[null]",
    ])
  })

  it("stringified arrays escape once, inside and outside", async () => {
    store("ARRAY<STRING>", [[null, "", "é😀"]])
    expect(await written()).toEqual(['"[null,\\"\\",\\"é\\uD83D\\uDE00\\"]"'])
  })

  it("COMPLEX<json>: JSON text in a string, keys in their order; sketches: base64 with quotes of its own", async () => {
    store("COMPLEX<json>", ['{"b":1,"a":{"c":[1,{"d":null}]}}', "5", '"str"', null])
    expect(await written()).toEqual([
      '"{\\"b\\":1,\\"a\\":{\\"c\\":[1,{\\"d\\":null}]}}"',
      '"5"',
      '"\\"str\\""',
      "null",
    ])
    world.deleteDatasource("v")
    store("COMPLEX<HLLSketch>", ["AgEHDAMIAQDgua8H"])
    expect(await written()).toEqual(['"\\"AgEHDAMIAQDgua8H\\""'])
    const type = "SELECT DATA_TYPE FROM INFORMATION_SCHEMA.COLUMNS WHERE COLUMN_NAME = 'v'"
    expect(await rowsOf(sql(fake, type))).toEqual(['["COMPLEX<HLLSketch>"]'])
    expect((await sql(fake, "SELECT v FROM v LIMIT 0")).body).toBe(
      '["v"]\n["COMPLEX<HLLSketch>"]\n["OTHER"]\n\n',
    )
  })

  it("__time: as Joda prints it, or as an exact BIGINT", async () => {
    world.append("v", [{ __time: -4611686018427387904n }, { __time: "10000-01-01" }], { granularity: "ALL" })
    expect(await written({}, "__time, TIMESTAMP_TO_MILLIS(__time)")).toEqual([
      '"-146136543-09-08T08:23:32.096Z",-4611686018427387904',
      '"10000-01-01T00:00:00.000Z",253402300800000',
    ])
  })
})

describe("segmentMetadata", () => {
  const ask = (query: Record<string, unknown>) =>
    send(
      fake,
      "POST",
      "/druid/v2",
      JSON.stringify({ queryType: "segmentMetadata", analysisTypes: [], merge: true, ...query }),
    )

  it("tells which columns hold several values, of the segments in the intervals alone", async () => {
    world.append("m", [{ __time: "2020-01-01", t: "a", n: 1n }])
    world.append("m", [{ __time: "2020-01-02", t: ["a", "b"], n: 1n }])
    const t = async (day: string) => {
      const { body } = await ask({ dataSource: "m", intervals: [`2020-01-01/${day}`] })
      const [result] = JSON.parse(body)
      return [result.numRows, result.columns.t.hasMultipleValues, result.columns.n.type]
    }
    expect(await t("2020-01-02")).toEqual([1, false, "LONG"])
    expect(await t("2020-01-03")).toEqual([2, true, "LONG"])
    const { body } = await ask({ dataSource: "m", intervals: ["2020-01-01/2020-01-03"], merge: false })
    expect(JSON.parse(body).length).toBe(2)
    expect(fake.log.kinds).toBe("segmentMetadata segmentMetadata segmentMetadata")
  })

  it("makes an error column of types that disagree, and nothing of what is not there", async () => {
    world.append("m", [{ __time: 1, t: 1n }])
    world.append("m", [{ __time: 2, t: "x" }])
    const { body } = await ask({
      dataSource: { type: "table", name: "m" },
      intervals: ["1970-01-01/1970-01-02"],
    })
    expect(JSON.parse(body)[0].columns.t).toMatchObject({
      type: "STRING",
      errorMessage: "error:cannot_merge_diff_types: [LONG] and [STRING]",
    })
    expect((await ask({ dataSource: "nope", intervals: ["2020-01-01/2020-01-03"] })).body).toBe("[]")
    expect(await messageOf(ask({ queryType: "scan" }))).toContain("400 Could not resolve type id 'scan'")
  })
})

it("answers /status, /status/health, and 404, 405, 415 as Druid does", async () => {
  expect(JSON.parse((await send(fake, "GET", "/status")).body).version).toBe("33.0.0")
  expect((await send(fake, "GET", "/status/health")).body).toBe("true")
  expect((await send(fake, "GET", "/nope")).status).toBe(404)
  expect((await send(fake, "GET", "/druid/v2/sql")).status).toBe(405)
  expect((await send(fake, "POST", "/druid/v2/sql", "{}", { "Content-Type": "text/plain" })).status).toBe(415)
})
