/** `query` on real files, in this process. */
import { describe, expect, it } from "bun:test"
import { readFile, writeFile } from "node:fs/promises"
import { PassThrough } from "node:stream"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk, holding } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  await desk.sql(
    "CREATE TABLE file.wiki AS SELECT range::BIGINT + 9223372036854775800 AS big, 'page ' || range AS page FROM range(5)",
    "CREATE TABLE file._sync_state (datasource VARCHAR)",
    "COMMENT ON COLUMN file.wiki.page IS 'Druid STRING'",
    "CREATE VIEW file.pages AS SELECT 'one' AS page",
  )
})

const query = (...words: string[]) => desk.run(["query", "--out", "$out", ...words])

/** Standard input with this text in it. */
function typed(text: string) {
  const input = new PassThrough()
  input.end(text)
  return input
}

describe("druidsync query", () => {
  it("keeps 64-bit integers, decimals and nested values exact in json", async () => {
    const { stdout, code } = await query(
      "--format",
      "json",
      `SELECT big, 1.10::DECIMAL(9,2) AS d, [big, NULL] AS l, {'a': 0.1::FLOAT} AS s, 'nan'::DOUBLE AS n, '-inf'::DOUBLE AS i,
      '{"x": 18446744073709551615}'::JSON AS j, '\\xAA'::BLOB AS b, NULL AS z, '' AS e, true AS t, MAP {1: 'x'} AS m,
      -0.0::DOUBLE AS minus, TIMESTAMP '2020-01-01 00:00:00.123' AS at FROM wiki ORDER BY big DESC LIMIT 1`,
    )
    expect(code).toBe(0)
    expect(stdout).toBe(
      '[\n{"big":9223372036854775804,"d":1.10,"l":[9223372036854775804,null],"s":{"a":0.1},"n":"NaN","i":"-Infinity",' +
        '"j":{"x": 18446744073709551615},"b":"qg==","z":null,"e":"","t":true,"m":{"1":"x"},"minus":-0.0,"at":"2020-01-01 00:00:00.123"}\n]\n',
    )
    expect(() => JSON.parse(stdout)).not.toThrow()
  })

  it("writes an empty array for no rows, and tells columns of one name apart", async () => {
    expect((await query("--format", "json", "FROM wiki WHERE false")).stdout).toBe("[]\n")
    expect((await query("--format", "json", "SELECT 1 AS a, 2 AS a, 3 AS a_2")).stdout).toBe(
      '[\n{"a":1,"a_3":2,"a_2":3}\n]\n',
    )
  })

  it("writes csv in which NULL is not the empty text", async () => {
    const { stdout } = await query(
      "--format",
      "csv",
      "SELECT 'a,b' AS x, '' AS e, NULL AS n, 'say \"hi\"' AS q, E'two\\nlines' AS l, ['a'] AS list",
    )
    expect(stdout).toBe('x,e,n,q,l,list\n"a,b","",,"say ""hi""","two\nlines","[""a""]"\n')
  })

  it("writes markdown that renders as a table", async () => {
    const { stdout } = await query(
      "--format",
      "markdown",
      "SELECT 'a|b' AS x, 12 AS n, E'<b>\\n' AS h, NULL AS z",
    )
    expect(stdout).toBe(
      "| x | n | h | z |\n| --- | ---: | --- | ---: |\n| a\\|b | 12 | &lt;b><br> | NULL |\n",
    )
  })

  it("writes parquet, whole or not at all", async () => {
    const to = desk.path("r.parquet")
    const done = await query("--to", to, "FROM wiki; -- all of it")
    expect(done).toEqual({ code: 0, stdout: "", stderr: "5 rows written to /desk/r.parquet\n" })
    const read = await query(
      "--allow-files",
      "--format",
      "csv",
      `SELECT sum(big) AS s, count(*) AS c FROM '${to}'`,
    )
    expect(read.stdout).toBe("s,c\n46116860184273879010,5\n")
    const failed = await query("--to", to, "SELECT page::INT FROM wiki")
    expect(failed.code).toBe(1)
    expect(
      (await query("--allow-files", "--format", "csv", `SELECT count(*) AS c FROM '${to}'`)).stdout,
    ).toBe("c\n5\n")
    expect(desk.exists("r.parquet")).toBe(true)
  })

  it("keeps the sign of zero in parquet", async () => {
    const to = desk.path("zeros.parquet")
    await query("--to", to, "SELECT if(range % 2 = 0, 0::DOUBLE, -(0::DOUBLE)) AS z FROM range(100)")
    const read = `SELECT count(*) FILTER (WHERE signbit(z)) AS n FROM '${to}'`
    expect((await query("--allow-files", "--format", "csv", read)).stdout).toBe("n\n50\n")
  })

  it("leaves nothing half-written beside the result", async () => {
    await query("--to", desk.path("r.csv"), "SELECT 1; SELECT 2")
    await query("--to", desk.path("r.parquet"), "SELECT error('no')")
    const { readdir } = await import("node:fs/promises")
    expect((await readdir(desk.folder)).sort()).toEqual(["a.duckdb"])
  })

  it("takes the form from the extension of --to", async () => {
    const to = desk.path("r.json")
    await query("--to", to, "SELECT big FROM wiki LIMIT 1")
    expect(await readFile(to, "utf8")).toBe('[\n{"big":9223372036854775800}\n]\n')
  })

  it("never changes the file", async () => {
    for (const sql of [
      "CREATE TABLE x AS SELECT 1",
      "INSERT INTO wiki VALUES (1, 'x')",
      "DROP TABLE wiki",
      "UPDATE wiki SET big = 1",
    ]) {
      const { code, stderr } = await query(sql)
      expect(code).toBe(2)
      expect(stderr).toContain("druidsync query never changes the file")
    }
    expect((await query("--format", "csv", "SELECT count(*) AS c FROM wiki")).stdout).toBe("c\n5\n")
  })

  it("opens no other file unless it is asked to", async () => {
    const secret = desk.path("secret.csv")
    const target = desk.path("stolen.csv")
    await writeFile(secret, "a\n1\n")
    for (const sql of [
      `FROM '${secret}'`,
      `SELECT * FROM read_text('${secret}')`,
      `COPY wiki TO '${target}'`,
      `ATTACH '${desk.path("other.duckdb")}'`,
      "SET enable_external_access = true",
      "SET allowed_directories = ['/']",
      "INSTALL httpfs",
      `EXPORT DATABASE '${target}'`,
    ]) {
      expect((await query(sql)).code).toBe(2)
    }
    expect(desk.exists("stolen.csv")).toBe(false)
    expect(desk.exists("other.duckdb")).toBe(false)
    expect((await query("--allow-files", "--format", "csv", `FROM '${secret}'`)).stdout).toBe("a\n1\n")
  })

  it("may make temporary tables on the way, but loses no rows silently", async () => {
    expect((await query("--format", "csv", "CREATE TEMP TABLE t AS SELECT 42 AS a; FROM t;")).stdout).toBe(
      "a\n42\n",
    )
    const two = await query("SELECT 1; SELECT 2")
    expect(two.code).toBe(2)
    expect(two.stderr).toContain("only the last statement may give rows")
  })

  it("says where the SQL is wrong, as DuckDB does", async () => {
    const { code, stderr } = await query("SELECT pagee FROM wiki")
    expect(code).toBe(2)
    expect(stderr).toContain('Referenced column "pagee" not found')
    expect(stderr).toContain('"page"')
    expect((await query("selec 1")).stderr).toStartWith("druidsync: Parser Error: syntax error")
    expect((await query("SELECT 'x'::INT FROM wiki")).code).toBe(1)
  })

  it("reads the SQL from a file and from standard input", async () => {
    const file = desk.path("q.sql")
    await writeFile(file, "SELECT count(*) AS c\nFROM wiki -- all\n")
    expect((await query("--format", "csv", "--file", file)).stdout).toBe("c\n5\n")
    const words = ["query", "--out", "$out", "--format", "csv"]
    const piped = { stdin: typed("SELECT count(*) AS c FROM wiki;\n") }
    expect((await desk.run(words, {}, piped)).stdout).toBe("c\n5\n")
    expect((await desk.run([...words, "-"], {}, { stdin: typed("") })).stderr).toContain(
      "no SQL on standard input",
    )
    expect((await query("--file", file, "SELECT 1")).code).toBe(2)
  })

  it("lists tables with their columns where there is no SQL, druidsync's own last", async () => {
    expect((await desk.run(["query", "--out", "$out"], {}, { stdin: typed("") })).stdout).toBe(
      [
        "pages  view",
        "  page  VARCHAR",
        "",
        "wiki  5 rows",
        "  big   BIGINT",
        "  page  VARCHAR  Druid STRING",
        "",
        "_sync_state  0 rows",
        "  datasource  VARCHAR",
        "",
      ].join("\n"),
    )
    expect((await query("--format", "csv")).stdout).toBe(
      "table,column,type,comment\npages,page,VARCHAR,\nwiki,big,BIGINT,\nwiki,page,VARCHAR,Druid STRING\n_sync_state,datasource,VARCHAR,\n",
    )
  })

  it("fits the table to the terminal", async () => {
    let out = ""
    const stdout = { isTTY: true, columns: 40, write: (text: string) => (out += text) }
    await desk.run(
      ["query", "--out", "$out", "SELECT big, repeat('x', 50) AS x FROM wiki LIMIT 1"],
      { NO_COLOR: "1" },
      { stdout },
    )
    expect(out.split("\n")[2]).toBe(`9223372036854775800  ${"x".repeat(18)}…`)
  })

  it("waits out a commit of another program, and names it where that takes too long", async () => {
    const other = await holding(desk.out)
    desk.onSleep = () => other.letGo()
    const { stdout, stderr } = await query("--format", "csv", "SELECT count(*) AS c FROM wiki")
    expect(stdout).toBe("c\n5\n")
    expect(stderr).toBe(`waiting for ${other.name} to release /desk/a.duckdb\n`)
    desk.onSleep = () => undefined
    const again = await holding(desk.out)
    const late = await query("--lock-wait", "1s", "SELECT 1")
    expect(late.code).toBe(11)
    expect(late.stderr).toContain(`locked by ${again.name}`)
    await again.letGo()
  }, 30_000)

  it("lets a pull in again as soon as it has its rows", async () => {
    await query("FROM wiki")
    await desk.sql("INSERT INTO file.wiki VALUES (1, 'after')")
    expect((await query("--format", "csv", "SELECT count(*) AS c FROM wiki")).stdout).toBe("c\n6\n")
  })

  it("waits for a slow reader instead of piling up rows", async () => {
    let most = 0
    let waiting = 0
    const stdout = {
      write: (text: string) => {
        most = Math.max(most, text.length)
        return false
      },
      once: (_event: "drain", go: () => void) => {
        waiting++
        setImmediate(go)
      },
    }
    await desk.run(
      ["query", "--out", "$out", "--format", "csv", "SELECT range, repeat('x', 100) FROM range(20000)"],
      {},
      { stdout },
    )
    expect(waiting).toBeGreaterThan(20)
    expect(most).toBeLessThan(100_000)
  })

  it("refuses what cannot be meant", async () => {
    expect((await query("--format", "parquet", "SELECT 1")).stderr).toContain("needs --to")
    expect((await query("--to", "$out", "SELECT 1")).stderr).toContain("is the DuckDB file itself")
    expect((await query("")).stderr).toContain("the SQL is empty")
    expect((await query("--memory-limit", "1MB", "SELECT 1")).stderr).toContain("at least 64MB")
    expect((await desk.run(["query", "--out", desk.path("none.duckdb"), "SELECT 1"])).stderr).toContain(
      "there is no file /desk/none.duckdb",
    )
    expect((await query("--format", "xml", "SELECT 1")).code).toBe(2)
    expect((await query("--to", desk.path("no/r.csv"), "SELECT 1")).stderr).toContain(
      "there is no such folder",
    )
  })

  it("sees SQL that the shell took apart, and formats that were given as flags", async () => {
    const apart = await query("SELECT", "count(*)", "FROM", "t")
    expect(apart).toMatchObject({ code: 2, stdout: "" })
    expect(apart.stderr).toBe(
      'druidsync: unexpected argument "count(*)"\n  → put the SQL in quotes, so that the shell passes it on in one piece\n',
    )
    for (const format of ["json", "csv", "parquet"]) {
      const { code, stderr } = await query(`--${format}`, "SELECT 1")
      expect(code).toBe(2)
      expect(stderr).toBe(`druidsync: unknown flag --${format}\n  → did you mean --format ${format}?\n`)
    }
    expect((await desk.run("status --out $out json")).stderr).toContain("→ see --help\n")
  })

  it("answers about what a pull stored", async () => {
    fake.reset()
    await desk.sql("DROP TABLE file._sync_state")
    fake.world.append("edits", [{ __time: "2020-01-01", n: 9_007_199_254_740_993n, tags: ["a", "b"] }])
    await desk.configure(fake, ["edits"])
    await desk.run("pull --config $c --out $out")
    expect((await query("--format", "json", "FROM edits")).stdout).toBe(
      '[\n{"__time":"2020-01-01 00:00:00","n":9007199254740993,"tags":["a","b"]}\n]\n',
    )
  })
})
