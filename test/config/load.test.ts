import { describe, expect, it } from "bun:test"
import { loadConfig } from "../../src/config/load.ts"
import {
  CONFIG_PATH,
  errorOf,
  inMemory,
  load,
  loadWith,
  MINIMAL,
  problemsOf,
  problemsWith,
} from "./support.ts"

describe("a configuration", () => {
  it("of host and datasources alone has every default filled in", async () => {
    expect(await load(MINIMAL)).toEqual({
      configPath: CONFIG_PATH,
      patterns: [],
      druid: {
        protocol: "https",
        host: "druid.example.com",
        port: 9088,
        basePath: "",
        url: "https://druid.example.com:9088",
        access: { auth: undefined, headers: {}, reread: undefined },
        proxies: { fixed: undefined, http: undefined, https: undefined, exempt: [] },
        tls: { ca: undefined, cert: undefined, key: undefined, passphrase: undefined, serverName: undefined },
        context: {},
        priority: -10,
        queryTimeoutMs: 300_000,
        connectTimeoutMs: 10_000,
        requestTimeoutMs: 30_000,
        idleTimeoutMs: 30_000,
        gzip: "auto",
        direct: false,
      },
      datasources: [
        {
          name: "wikipedia",
          table: "wikipedia",
          columns: { include: undefined, exclude: [] },
          filter: undefined,
          sinceMs: undefined,
          deletions: "keep",
          keepMs: "all",
          realtime: "include",
          multiValue: "list",
          rows: "all",
          rowHash: false,
          lookbackMs: 259_200_000,
        },
      ],
      lookups: undefined,
      pull: {
        concurrency: 8,
        startConcurrency: 4,
        sliceRows: 125_000,
        spoolDir: undefined,
        spoolLimitBytes: 1e9,
        memoryLimitBytes: undefined,
      },
      job: {
        publish: undefined,
        metrics: undefined,
        ping: undefined,
        maxDurationMs: undefined,
        historyRuns: 10_000,
      },
      warnings: [],
    })
  })

  it("has the keys of the seed exactly (S10)", async () => {
    const settings = await load({
      host: "druid.example.com",
      port: "8888",
      datasources: "wikipedia, koalas-to-the-max",
      username: "ada",
      password: "s3cret",
    })
    expect(settings.druid.port).toBe(8888)
    expect(settings.datasources.map(({ name }) => name)).toEqual(["wikipedia", "koalas-to-the-max"])
    const { auth } = settings.druid.access
    expect(auth?.kind === "basic" && [auth.username, auth.password.reveal()]).toEqual(["ada", "s3cret"])
  })

  it("takes every key", async () => {
    const { druid, pull } = await loadWith({
      $schema: "./schema.json",
      protocol: "http",
      port: 80,
      basePath: "proxy/",
      context: { useCache: false, lane: "low", maxScatterGatherBytes: 1e9 },
      priority: "-50",
      queryTimeout: "PT10M",
      connectTimeout: "1s",
      requestTimeout: "2s",
      idleTimeout: "3s",
      gzip: true,
      concurrency: 8,
      sliceRows: 1000,
      spoolDir: "spool",
      spoolLimit: "2GB",
      memoryLimit: 500_000_000,
    })
    expect(druid).toMatchObject({
      url: "http://druid.example.com:80/proxy",
      context: { useCache: false, lane: "low", maxScatterGatherBytes: 1e9 },
      priority: -50,
      queryTimeoutMs: 600_000,
      connectTimeoutMs: 1000,
      requestTimeoutMs: 2000,
      idleTimeoutMs: 3000,
      gzip: true,
    })
    expect(pull).toEqual({
      concurrency: 8,
      startConcurrency: 8,
      sliceRows: 1000,
      spoolDir: "/etc/druidsync/spool",
      spoolLimitBytes: 2e9,
      memoryLimitBytes: 5e8,
    })
  })

  it.each([
    ["druid.example.com", undefined, "https://druid.example.com:9088"],
    ["localhost", undefined, "http://localhost:8888"],
    ["127.0.0.2", undefined, "http://127.0.0.2:8888"],
    ["[::1]", undefined, "http://[::1]:8888"],
    ["localhost", "https", "https://localhost:9088"],
    ["druid.example.com", "http", "http://druid.example.com:8888"],
  ])("with host %s and protocol %p talks to %s (S8)", async (host, protocol, url) => {
    expect((await loadWith({ host, protocol })).druid.url).toBe(url)
  })

  it.each([
    [
      { host: undefined },
      "host: missing: host name or address of a Druid router or broker, without protocol and port",
    ],
    [{ host: 5 }, 'host: found 5; accepted: a host name or address, such as "druid.example.com"'],
    [{ host: null }, 'host: found null; accepted: a host name or address, such as "druid.example.com"'],
    [
      { host: "http://d:8888" },
      'host: found "http://d:8888"; accepted: a host alone; write "protocol": "http", "host": "d", "port": 8888',
    ],
    [{ port: "http" }, 'port: found "http"; accepted: a whole number from 1 to 65535, such as 8888'],
    [{ port: 0 }, "port: found 0; accepted: a whole number from 1 to 65535, such as 8888"],
    [{ port: 65_536 }, "port: found 65536; accepted: a whole number from 1 to 65535, such as 8888"],
    [{ port: 1.5 }, "port: found 1.5; accepted: a whole number from 1 to 65535, such as 8888"],
    [{ port: "8888 " }, 'port: found "8888 "; accepted: a whole number from 1 to 65535, such as 8888'],
    [{ port: [8888] }, "port: found an array; accepted: a whole number from 1 to 65535, such as 8888"],
    [{ port: true }, "port: found true; accepted: a whole number from 1 to 65535, such as 8888"],
    [{ protocol: "HTTP" }, 'protocol: found "HTTP"; accepted: "https" or "http"'],
    [{ basePath: "http://x" }, 'basePath: found "http://x"; accepted: a path alone, such as "/druid-proxy"'],
    [
      { requestTimeout: 30 },
      'requestTimeout: found 30; accepted: a duration such as "30s", "5m", "3d" or "PT30S", at most 24 days (no months or years: they vary)',
    ],
    [
      { idleTimeout: "0s" },
      'idleTimeout: found "0s"; accepted: a duration such as "30s", "5m", "3d" or "PT30S", at most 24 days (no months or years: they vary)',
    ],
    [
      { connectTimeout: "25d" },
      'connectTimeout: found "25d"; accepted: a duration such as "30s", "5m", "3d" or "PT30S", at most 24 days (no months or years: they vary)',
    ],
    [
      { memoryLimit: "1MB" },
      'memoryLimit: found "1MB"; accepted: a size such as "1GB", "512MiB" or a number of bytes, at least 64MB',
    ],
    [
      { spoolLimit: "lots" },
      'spoolLimit: found "lots"; accepted: a size such as "1GB", "512MiB" or a number of bytes, at least 1MB',
    ],
    [{ gzip: "yes" }, 'gzip: found "yes"; accepted: "auto", true or false'],
    [{ concurrency: 0 }, "concurrency: found 0; accepted: a whole number from 1 to 64, such as 4"],
    [{ rowHash: "true" }, 'rowHash: found "true"; accepted: true or false'],
    [{ deletions: "drop" }, 'deletions: found "drop"; accepted: "keep" or "mirror"'],
    [
      { keep: "12h" },
      'keep: found "12h"; accepted: "all", or a duration of at least a day such as "90d" or "P90D" (no months or years: they vary)',
    ],
    [
      { keep: "3 months" },
      'keep: found "3 months"; accepted: "all", or a duration of at least a day such as "90d" or "P90D" (no months or years: they vary)',
    ],
    [
      { keep: 90 },
      'keep: found 90; accepted: "all", or a duration of at least a day such as "90d" or "P90D" (no months or years: they vary)',
    ],
    [
      { lookups: "a" },
      'lookups: found "a"; accepted: "*", or an array of lookup names such as ["country_names"]',
    ],
    [
      { lookups: [] },
      'lookups: found an empty array; accepted: "*", or an array of lookup names such as ["country_names"]',
    ],
    [
      { lookups: ["a", 5] },
      "lookups[1]: found 5; accepted: a lookup's name in Druid, without control characters",
    ],
    [{ lookups: ["a", "a"] }, 'lookups[1]: the lookup "a" is there twice'],
    [
      { lookups: ["a b", "a-b"] },
      'lookups[1]: the lookup "a b" and the lookup "a-b" would both be the table "lookup_a_b"; leave one of them out',
    ],
    [{ realtime: "" }, 'realtime: found an empty text; accepted: "include" or "exclude"'],
    [{ context: [] }, "context: found an empty array; accepted: an object of texts, numbers and booleans"],
    [
      { context: { a: { b: 1 } } },
      "context.a: found an object; accepted: a text, a number that JavaScript holds exactly, true or false",
    ],
    [
      { context: { "a b": 2 ** 53 } },
      'context["a b"]: found 9007199254740992; accepted: a text, a number that JavaScript holds exactly, true or false',
    ],
    [{ context: { sqlOuterLimit: 5 } }, "context.sqlOuterLimit: cannot be set: it would cut results"],
    [{ context: { timeout: 5 } }, 'context.timeout: cannot be set: use the key "queryTimeout"'],
    [{ hosst: "x" }, 'hosst: unknown key; did you mean "host"?'],
    [{ "base-path": "x" }, '["base-path"]: unknown key; did you mean "basePath"?'],
    [{ somethingElse: "x" }, "somethingElse: unknown key"],
    [{ ca: "x" }, 'ca: unknown key; it belongs in "tls"'],
    [{ filter: "x" }, 'filter: unknown key; it belongs in an object in "datasources"'],
    [
      { username: "a:b", password: "x" },
      "username: found a text; accepted: a text without colons and control characters",
    ],
  ])("with %j is refused, and it says why", async (keys, line) => {
    expect(await problemsWith(keys)).toEqual([line])
  })

  it("is refused for JavaScript's own names too, which parsers like to drop", async () => {
    const text = `{"host":"localhost","datasources":"a","__proto__":{"port":1},"toString":1,"context":{"__proto__":1}}`
    const error = await errorOf(loadConfig(CONFIG_PATH, inMemory(text)))
    expect(error.message.split("\n").slice(1)).toEqual([
      '  __proto__: unknown key; did you mean "protocol"?',
      "  toString: unknown key",
      "  context.__proto__: no such key in Druid",
    ])
  })

  it("has all its problems told at once, in one error with the exit code for usage", async () => {
    const config = {
      prot: 1,
      port: "x",
      datasources: ["a", { name: "b", since: "yesterday", colums: [] }, { table: "c" }, 7, "a"],
      tls: { ca: "missing.pem", cert: 5 },
      password: { env: "NOT_SET" },
      queryTimeout: "soon",
    }
    const error = await errorOf(load(config))
    expect([error.code, error.exitCode, error.retryable]).toEqual(["config", 2, false])
    expect(error.message).toBe(
      [
        `${CONFIG_PATH}: 13 problems`,
        '  prot: unknown key; did you mean "port"?',
        "  host: missing: host name or address of a Druid router or broker, without protocol and port",
        '  port: found "x"; accepted: a whole number from 1 to 65535, such as 8888',
        '  queryTimeout: found "soon"; accepted: a duration such as "30s", "5m", "3d" or "PT30S", at most 24 days (no months or years: they vary)',
        '  datasources[1].colums: unknown key; did you mean "columns"?',
        '  datasources[1].since: found "yesterday"; accepted: a date such as "2024-01-31" or a time such as "2024-01-31T12:00:00Z" (UTC)',
        "  datasources[2].name: missing: the datasource's name in Druid, or a pattern: * is any text, ? any character",
        '  datasources[3]: found 7; accepted: a name or a pattern such as "events_*" or "!tmp_*", or an object like { "name": "wikipedia" }',
        '  datasources[4]: the datasource "a" is there twice as the table "a"; set "table", such as { "name": "a", "table": "a_2" }',
        "  tls.cert: found 5; accepted: a path to a PEM file",
        "  username: missing, but password is set",
        "  tls.key: missing, but tls.cert is set",
        "  password: the environment variable NOT_SET is not set",
        "  tls.ca: cannot read /etc/druidsync/missing.pem: there is no such file",
      ]
        .join("\n")
        .replace("13 problems", "14 problems"),
    )
  })

  it("gives flags the last word, and names them as flags where they are wrong", async () => {
    const settings = await loadWith(
      { concurrency: 2 },
      { overrides: { concurrency: "6", sliceRows: undefined } },
    )
    expect(settings.pull).toMatchObject({ concurrency: 6, sliceRows: 125_000 })
    const lines = await problemsWith(
      { memoryLimit: "1GB" },
      { overrides: { memoryLimit: "much", concurrency: 0 } },
    )
    expect(lines.map((line) => line.split(":")[0])).toEqual(["--concurrency", "--memory-limit"])
  })

  it.each([
    [[], "an empty array"],
    [null, "null"],
    ["x", '"x"'],
    [5, "5"],
  ])("that is %j is refused as not an object", async (config, found) => {
    expect(await problemsOf(config)).toEqual([`found ${found}; accepted: an object, from { to }`])
  })
})
