/** `init` on the fake Druid, by flags and by answers typed into a terminal that is none. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { readFile, stat, writeFile } from "node:fs/promises"
import { PassThrough } from "node:stream"
import { configSchemaText } from "../../src/config/json-schema.ts"
import { deny, type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { DataNode } from "../support/fake-druid/http/data-node.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
  for (const name of ["edits", "a b", "a-b", "_sync_state"])
    fake.world.append(name, [{ __time: "2020-01-01" }])
})

const init = (...words: string[]) =>
  desk.run(["init", "--host", fake.url, "--config", desk.path("new.json"), ...words])
const written = async (name = "new.json") => JSON.parse(await readFile(desk.path(name), "utf8"))

/** A person at a terminal: types each answer when the question that begins so is on the screen. */
async function talk(answers: readonly (readonly [question: string, answer: string])[], ...words: string[]) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  let screen = ""
  let seen = 0
  const left = [...answers]
  const stderr = {
    isTTY: true,
    columns: 80,
    write: (text: string) => {
      screen += text
      const [next] = left
      const at = next === undefined ? -1 : screen.indexOf(next[0], seen)
      if (at < 0) return
      seen = at + next![0].length
      left.shift()
      // After the question is whole, as a person would.
      setImmediate(() => (next![1] === "^D" ? stdin.end() : stdin.write(`${next![1]}\n`)))
    },
  }
  const ran = await desk.run(["init", ...words], { NO_COLOR: "1", TERM: "dumb" }, { stdin, stderr })
  return { ...ran, screen: screen.replaceAll(desk.folder, "/desk"), left }
}

describe("druidsync init by flags", () => {
  it("writes a configuration that a pull works with, private, with a schema beside it", async () => {
    const { code, stdout, stderr } = await init("--datasources", "edits")
    expect(stderr).toBe("")
    expect(code).toBe(0)
    expect(stdout).toBe(
      `/desk/new.json written: 1 datasource of ${fake.url}\n\nNext:\n  druidsync pull --config /desk/new.json --out analytics.duckdb\n`,
    )
    expect(await written()).toEqual({
      $schema: "./druidsync.schema.json",
      host: "127.0.0.1",
      port: fake.port,
      protocol: "http",
      datasources: ["edits"],
    })
    expect((await stat(desk.path("new.json"))).mode & 0o777).toBe(0o600)
    expect(await readFile(desk.path("druidsync.schema.json"), "utf8")).toBe(configSchemaText())
    const pulled = await desk.run(["pull", "--config", desk.path("new.json"), "--out", "$out"])
    expect(pulled.code).toBe(0)
  })

  it("gives datasources that would be one table, or one of ours, tables of their own", async () => {
    await init("--yes")
    expect((await written()).datasources).toEqual([
      { name: "_sync_state", table: "druid_sync_state" },
      "a b",
      { name: "a-b", table: "a_b_2" },
      "edits",
    ])
    expect((await desk.run(["plan", "--config", desk.path("new.json"), "--out", "$out"])).code).toBe(0)
  })

  it("never overwrites a configuration, but with --force", async () => {
    await writeFile(desk.path("new.json"), "mine", { mode: 0o644 })
    const refused = await init("--yes")
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain("/desk/new.json exists already")
    expect(await readFile(desk.path("new.json"), "utf8")).toBe("mine")
    expect((await init("--yes", "--force")).code).toBe(0)
    expect((await written()).host).toBe("127.0.0.1")
    expect((await stat(desk.path("new.json"))).mode & 0o777).toBe(0o600)
  })

  it("leaves another file of the schema's name alone, and does without", async () => {
    await writeFile(desk.path("druidsync.schema.json"), "{}")
    await init("--datasources", "edits")
    expect(await readFile(desk.path("druidsync.schema.json"), "utf8")).toBe("{}")
    expect(await written()).not.toHaveProperty("$schema")
  })

  it("says what is missing where there is no terminal to ask on", async () => {
    const { code, stderr } = await desk.run("init")
    expect(code).toBe(2)
    expect(stderr).toContain(
      "there is no terminal to ask on, and --host and --datasources (or --yes for all) are missing",
    )
    expect((await desk.run("init --yes")).stderr).toContain("--host is missing")
  })

  it("takes a secret by reference alone, tries it, and writes the reference", async () => {
    fake.credentials = { user: "u", password: "geheim" }
    const words = ["--username", "u", "--datasources", "edits", "--password"]
    const literal = await init(...words, "geheim")
    expect(literal.code).toBe(2)
    expect(literal.stderr).not.toContain("geheim")
    const run = (secret: string) =>
      desk.run(
        ["init", "--host", fake.url, "--config", desk.path("new.json"), ...words, "env:DRUID_PASSWORD"],
        { DRUID_PASSWORD: secret },
      )
    const wrong = await run("falsch")
    expect(wrong.code).toBe(4)
    expect(desk.exists("new.json")).toBe(false)
    expect((await run("geheim")).code).toBe(0)
    expect(await written()).toMatchObject({ username: "u", password: { env: "DRUID_PASSWORD" } })
  })

  it("takes the path of a secret's file from the current directory, wherever the configuration goes", async () => {
    fake.credentials = { bearer: "geheim" }
    await writeFile(desk.path("token"), "geheim\n")
    const { relative } = await import("node:path")
    const from = relative(process.cwd(), desk.path("token"))
    expect((await init("--datasources", "edits", "--token", `file:${from}`)).code).toBe(0)
    expect(await written()).toMatchObject({ token: { file: desk.path("token") } })
  })

  it("names a datasource that is not there, with the one that was meant", async () => {
    const { code, stderr } = await init("--datasources", "edit")
    expect(code).toBe(2)
    expect(stderr).toContain('there is no datasource "edit"')
    expect(stderr).toContain('did you mean "edits"?')
  })

  it("explains a wrong address in the words of the configuration", async () => {
    const { code, stderr } = await desk.run([
      "init",
      "--host",
      "h",
      "--port",
      "0",
      "-y",
      "-c",
      desk.path("x.json"),
    ])
    expect(code).toBe(2)
    expect(stderr).toContain("port: found 0; accepted: a whole number from 1 to 65535")
    expect((await desk.run(["init", "--host", "http://u:geheim@h", "-y"])).stderr).not.toContain("geheim")
  })

  it("refuses where Druid shows nothing", async () => {
    fake.reset()
    const { code, stderr } = await init("--yes")
    expect(code).toBe(4)
    expect(stderr).toContain("shows no datasource to this user")
  })

  it("prints one document with --json", async () => {
    const { stdout } = await init("--datasources", "edits", "--json")
    expect(JSON.parse(stdout)).toEqual({
      format: 1,
      exitCode: 0,
      config: "/desk/new.json",
      schema: "/desk/druidsync.schema.json",
      url: fake.url,
      datasources: ["edits"],
      next: "druidsync pull --config /desk/new.json --out analytics.duckdb",
    })
  })

  it("prints the JSON Schema and does nothing else", async () => {
    expect((await desk.run("init --print-schema")).stdout).toBe(configSchemaText())
    expect(fake.log.entries).toEqual([])
  })
})

describe("druidsync init and lookups", () => {
  beforeEach(() => void fake.world.lookups.set("countries", { DE: "Germany" }).set("teams", {}))

  it.each([
    ["*", "*"],
    ["countries, teams", ["countries", "teams"]],
  ])("writes those of --lookups %s", async (text, lookups) => {
    expect((await init("--yes", "--lookups", text)).code).toBe(0)
    expect((await written()).lookups).toEqual(lookups)
  })

  it.each([
    ["y", "*"],
    ["n", undefined],
  ])("offers those that Druid has: %s", async (answer, lookups) => {
    const questions = [
      ["Which to copy?", "edits"],
      ["Copy them, too", answer],
    ] as const
    const { code, screen } = await talk(questions, "--host", fake.url, "--config", desk.path("new.json"))
    expect(code).toBe(0)
    expect(screen).toContain("Druid has 2 lookups: countries, teams")
    expect((await written()).lookups).toEqual(lookups)
  })
})

describe("druidsync init by questions", () => {
  describe("where the cluster names data nodes", () => {
    const chosen = [["Which to copy?", "edits"]] as const
    const answered = (answer: string) =>
      talk(
        [...chosen, ["Fetch from data nodes (direct)?", answer]],
        "--host",
        fake.url,
        "--config",
        desk.path("new.json"),
      )
    let node: DataNode
    beforeEach(async () => {
      node = await DataNode.start(fake)
    })
    afterEach(() => node.stop())

    it("offers direct, names them, and asks none of them before the user has agreed", async () => {
      const { code, screen, left } = await answered("n")
      expect([code, left]).toEqual([0, []])
      expect(screen).toContain(`Your credentials then go to them, too: ${node.address}`)
      expect(fake.log.count("segmentScan")).toBe(0)
      expect(await written()).not.toHaveProperty("direct")
    })

    it("writes it where they answer", async () => {
      expect((await answered("y")).code).toBe(0)
      expect(await written()).toMatchObject({ direct: true, datasources: ["edits"] })
      expect(fake.log.of("segmentScan").map((one) => one.rowsSent)).toEqual([1])
    })

    it("leaves it off, with the reason, where they do not let us in", async () => {
      fake.hooks.beforeRequest = (kind) => (kind === "segmentScan" ? deny("_sync_state") : undefined)
      const { code, screen } = await answered("y")
      expect(code).toBe(0)
      expect(screen).toContain("direct is left off: ")
      expect(await written()).not.toHaveProperty("direct")
    })
  })

  it("asks for the address, shows what is there, and writes what was chosen", async () => {
    const { code, screen, left, stdout } = await talk(
      [
        ["Host or URL", fake.url],
        ["Which to copy?", "1,9"],
        ["Which to copy?", "edits, 2"],
      ],
      "--config",
      desk.path("new.json"),
    )
    expect(left).toEqual([])
    expect(code).toBe(0)
    expect(screen).toMatch(/4 {2}edits +1 +[\d.]+ k?B +2020-01-01\n/)
    expect(screen).toContain("9: the numbers go from 1 to 4")
    expect((await written()).datasources).toEqual(["a b", "edits"])
    expect(stdout).toContain("Next:\n  druidsync pull")
  })

  it("asks again after an address that does not answer", async () => {
    const closed = await startFakeDruid()
    const { port } = closed
    await closed.stop()
    const { code, screen, left } = await talk(
      [
        ["Host or URL", "127.0.0.1"],
        ["Encrypted", "no"],
        ["Port", String(port)],
        ["Host or URL", ""],
        ["Encrypted", "perhaps"],
        ["Encrypted", ""],
        ["Port", String(fake.port)],
      ],
      "--config",
      desk.path("new.json"),
      "--datasources",
      "all",
    )
    expect(left).toEqual([])
    expect(screen).toContain("refused the connection")
    expect(screen).toContain("type yes or no")
    expect(code).toBe(0)
    expect((await written()).port).toBe(fake.port)
  })

  it("asks for a login only where Druid wants one, never shows what is typed, and asks again", async () => {
    fake.credentials = { user: "u", password: "geheim" }
    const { code, screen, left } = await talk(
      [
        ["How", "1"],
        ["User name", "u"],
        ["Where does the password", "1"],
        ["Password", "falsch"],
        ["How", "1"],
        ["User name", "u"],
        ["Where does the password", "1"],
        ["Password", "geheim"],
        ["Which to copy?", "edits"],
      ],
      "--host",
      fake.url,
      "--config",
      desk.path("new.json"),
    )
    expect(left).toEqual([])
    expect(code).toBe(0)
    expect(screen).toContain("Druid does not accept the credentials")
    expect(screen).not.toContain("geheim")
    expect(screen).not.toContain("falsch")
    expect(await written()).toMatchObject({ username: "u", password: "geheim" })
  })

  it("keeps a token as a reference where that is wished", async () => {
    fake.credentials = { bearer: "geheim" }
    await writeFile(desk.path("token"), "geheim")
    const { code } = await talk(
      [
        ["How", "2"],
        ["Where does the token", "3"],
        ["Path of the file", "token"],
        ["Which to copy?", ""],
      ],
      "--host",
      fake.url,
      "--config",
      desk.path("new.json"),
    )
    expect(code).toBe(0)
    expect(await written()).toMatchObject({ token: { file: "token" } })
  })

  it("asks for another path where a configuration is there", async () => {
    await writeFile(desk.path("new.json"), "mine")
    const { code, screen } = await talk(
      [["Where to write", desk.path("other.json")]],
      "--host",
      fake.url,
      "--datasources",
      "edits",
      "--config",
      desk.path("new.json"),
    )
    expect(code).toBe(0)
    expect(screen).toContain("/desk/new.json exists already, and is left as it is.")
    expect((await written("other.json")).datasources).toEqual(["edits"])
    expect(await readFile(desk.path("new.json"), "utf8")).toBe("mine")
  })

  it("ends without a file where the input ends", async () => {
    const { code } = await talk([["Host or URL", "^D"]], "--config", desk.path("new.json"))
    expect(code).toBe(130)
    expect(desk.exists("new.json")).toBe(false)
  })
})
