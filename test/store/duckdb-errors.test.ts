/**
 * Each expression over DuckDB's messages, provoked on the engine that is built in: where a release of DuckDB says it in
 * other words, this test fails and no user is told nonsense.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { complaintOf, lockHolder, type Says, says } from "../../src/store/duckdb-errors.ts"
import { type Engine, literal, openEngine } from "../../src/store/engine.ts"
import { Store } from "./support.ts"

let store: Store
let small: Engine
beforeAll(async () => {
  store = await Store.open()
  small = await openEngine({ memoryLimit: "50MB", threads: 1 })
  await small.run("SET temp_directory = ''")
  await store.engine.run(`ATTACH ${literal(place("ours"))} AS ours (TYPE duckdb)`)
  await store.engine.run("CREATE TABLE ours.t AS SELECT range AS n FROM range(10)")
  await store.engine.run("DETACH ours")
})
afterAll(async () => {
  small.close()
  await store.close()
})

const place = (name: string) => join(store.folder, name)

/** A file with this content. */
function written(name: string, content: string | Uint8Array): string {
  writeFileSync(place(name), content)
  return literal(place(name))
}

const attach = (path: string) => `ATTACH ${path} AS other (TYPE duckdb)`
const readJson = (path: string, maxBytes = 1_000_000) =>
  `SELECT * FROM read_json(${path}, format = 'newline_delimited', records = false, columns = {json: 'VARCHAR[]'}, maximum_object_size = ${maxBytes})`

/** A DuckDB file that says it is of a storage version of the far future, with the checksum that DuckDB wants. */
function ofTheFuture(): Uint8Array {
  const bytes = readFileSync(place("ours"))
  bytes.writeBigUInt64LE(60_000n, 12)
  let sum = 5381n
  for (let at = 8; at < 4096; at += 8)
    sum ^= BigInt.asUintN(64, bytes.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n)
  bytes.writeBigUInt64LE(sum, 0)
  return bytes
}

/** What provokes each message; the engine is the small one where memory is what must not suffice. */
const PROVOKED: Readonly<Record<Says, () => Promise<unknown>>> = {
  notDuckdb: () => store.engine.run(attach(written("text", "no database"))),
  otherVersion: () => store.engine.run(attach(written("future", ofTheFuture()))),
  // What DuckDB says where fcntl() fails with ENOLCK, EOPNOTSUPP or ENOSYS (tried with 1.5.6); such a disk is not at hand.
  noLocks: () =>
    Promise.reject(
      new Error('IO Error: Could not set lock on file "/x": No locks available. See also https://duckdb.org'),
    ),
  cannotOpen: () => store.engine.run(attach(literal(store.folder))),
  io: () => store.engine.run("SELECT * FROM read_csv('/none.csv')"),
  outOfMemory: () => small.run("CREATE TABLE big AS SELECT repeat('x', 1000000) || range FROM range(1000)"),
  // Takes a program that is killed: test/store/killed.test.ts does so. It leaves an engine that answers nothing any more.
  damagedIndex: () =>
    Promise.reject(
      new Error(
        "FATAL Error: Invalid Input Error: Failed to delete all rows from index. Only deleted 1517 out of 1877 rows.",
      ),
    ),
  noFile: () => store.engine.run(readJson("'/none.jsonl'")),
  lineTooLong: () =>
    store.engine.run(readJson(written("long", `${JSON.stringify(["x".repeat(40_000_000)])}\n`))),
  notJson: () => store.engine.run(readJson(written("cut", '["a"\n'))),
  unfit: () => store.engine.run("SELECT 'x'::BIGINT"),
  unfitTime: () => store.engine.run("SELECT epoch_ms(9223372036854775807)"),
  otherColumns: () => store.engine.run("SELECT none FROM (SELECT 1 AS one)"),
  ofTable: () =>
    store.engine.run("CREATE TABLE x (a INTEGER); CREATE INDEX i ON x (a); ALTER TABLE x RENAME TO y"),
  constraint: async () => {
    await store.engine.run("CREATE TABLE k (a INTEGER PRIMARY KEY)")
    await store.engine.run("INSERT INTO k SELECT 1 FROM range(2)")
  },
  unreadable: () => store.engine.run(`FROM read_parquet(${written("no.parquet", "PAR1 and no more")})`),
  own: () => store.engine.run("SELECT 1/"),
  wrongSql: () => store.engine.run("SELEC 1"),
  readOnly: async () => {
    await store.engine.run(`ATTACH ${literal(place("ours"))} AS closed (TYPE duckdb, READ_ONLY)`)
    try {
      await store.engine.run("DELETE FROM closed.t")
    } finally {
      await store.engine.run("DETACH closed")
    }
  },
  filesForbidden: async () => {
    await small.run("SET enable_external_access = false")
    await small.run("FROM read_csv('/etc/hosts')")
  },
  noTable: () => store.engine.run("FROM nowhere"),
}

async function messageOf(provoke: () => Promise<unknown>): Promise<string> {
  return provoke().then(
    () => "it passed",
    (error: Error) => error.message,
  )
}

describe("a message of DuckDB", () => {
  it.each(Object.keys(PROVOKED) as Says[])("is known: %s", async (what) => {
    const message = await messageOf(PROVOKED[what])
    expect([message, says(message, what)]).toEqual([message, true])
  })

  it.each([
    ["a row that is not JSON of the right kind", '{"a":1}\n', "notJson"],
    ["a file that is cut", '["a","b', "notJson"],
  ] as const)("is known for %s", async (name, content, what) => {
    const message = await messageOf(() =>
      store.engine.run(readJson(written(name.replaceAll(" ", ""), content))),
    )
    expect([message, says(message, what)]).toEqual([message, true])
  })

  it.each([
    ["SELECT 9223372036854775807 + 1::BIGINT", "unfit"],
    [`SELECT from_json_strict('{"a":1}', '["BIGINT"]')`, "unfit"],
    ["SELECT from_base64('x')", "unfit"],
  ] as const)("is known for %s", async (sql, what) => {
    expect(says(await messageOf(() => store.engine.run(sql)), what)).toBe(true)
  })

  it("is not taken for somebody else's", () => {
    expect(says(new Error("write EPIPE"), "own")).toBe(false)
    expect(complaintOf(new Error("Failed to extract statements: Parser Error: x "))).toBe("Parser Error: x")
  })
})

// That of Linux is provoked by a second process in locks.test.ts.
describe("who holds a file", () => {
  const windows = 'IO Error: Cannot open file "C:\\data\\x.duckdb": '
  it.each([
    [
      'IO Error: Could not set lock on file "/x": Conflicting lock is held in /usr/bin/python3.11 (PID 4711). See also https://duckdb.org',
      "python3.11 (PID 4711)",
    ],
    [
      `${windows}The process cannot access the file because it is being used by another process.\r\n\nFile is already open in \nC:\\Program Files\\Python\\python.exe (PID 3528)`,
      "python.exe (PID 3528)",
    ],
    [
      `${windows}Der Prozess kann nicht auf die Datei zugreifen, da sie von einem anderen Prozess verwendet wird.\r\n\nFile is already open in \nC:\\Python\\python.exe (PID 3528)`,
      "python.exe (PID 3528)",
    ],
    [
      `${windows}プロセスはファイルにアクセスできません。別のプロセスが使用中です。\r\n\nFile is already open in \npython.exe (PID 3528)\njupyter.exe (PID 7)`,
      "python.exe (PID 3528)",
    ],
    [
      `${windows}The process cannot access the file because it is being used by another process.\r\n`,
      "another program",
    ],
    [`${windows}Access is denied.\r\n`, undefined],
    ...[
      "No locks available",
      "File locks are not supported for this file system, cannot",
      "Function not implemented",
    ].map((why): [string, undefined] => [
      `IO Error: Could not set lock on file "/x": ${why}. See also`,
      undefined,
    ]),
  ])("is read from %s", (message, holder) => {
    expect(lockHolder(new Error(message))).toBe(holder as string)
  })
})
