import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadConfig } from "../../src/config/load.ts"
import { errorOf } from "./support.ts"

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "druidsync-config-"))
})

afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const MINIMAL = '{"host":"localhost","datasources":"a"}'

describe("the configuration's file", () => {
  it("is read from disk", async () => {
    const settings = await loadConfig(await write("plain.json", MINIMAL), { env: {} })
    expect(settings.druid.host).toBe("localhost")
  })

  it("may start with a byte order mark", async () => {
    const settings = await loadConfig(await write("bom.json", `\uFEFF${MINIMAL}`), { env: {} })
    expect(settings.druid.host).toBe("localhost")
  })

  it("may lie beside the secrets and PEM files that it names, wherever the program was started", async () => {
    await mkdir(join(folder, "sub"), { recursive: true })
    await write("sub/password", "pa ss\r\n")
    await write("sub/tool.sh", "#!/bin/sh\npwd\necho second line\n")
    await chmod(join(folder, "sub/tool.sh"), 0o755)
    const config = { host: "localhost", datasources: "a", username: "u", password: { file: "password" } }
    const fromFile = await loadConfig(await write("sub/c.json", JSON.stringify(config)), { env: {} })
    const { auth } = fromFile.druid.access
    expect(auth?.kind === "basic" && auth.password.reveal()).toBe("pa ss")
    const command = { ...config, password: { command: ["./tool.sh"] } }
    const fromCommand = await loadConfig(await write("sub/d.json", JSON.stringify(command)))
    const second = fromCommand.druid.access.auth
    expect(second?.kind === "basic" && second.password.reveal()).toEndWith("/sub")
  })

  it.each([
    ["empty.json", "", /empty\.json is empty$/],
    ["blank.json", " \n", /blank\.json is empty$/],
    ["utf16.json", new Uint8Array([0xff, 0xfe, 0x7b, 0]), /: it is UTF-16; save it as UTF-8$/],
    ["latin1.json", new Uint8Array([0x22, 0xe9, 0x22]), /: it is not UTF-8 text$/],
    ["large.json", new Uint8Array(1_048_577), /: it is larger than 1 MiB, so it cannot be the right file$/],
    [
      "cut.json",
      '{\n  "host": "localhost",\n',
      /cut\.json is not valid JSON: line 3, column 1: expected a key/,
    ],
    ["comment.json", "{} // hi", /line 1, column 4: comments are not accepted; the file is plain JSON$/],
  ])("%s is refused, and it says why", async (name, content, message) => {
    const error = await errorOf(loadConfig(await write(name, content), { env: {} }))
    expect(error.message).toMatch(message)
    expect([error.code, error.exitCode]).toEqual(["config", 2])
  })

  it.each([
    ["there is no such file", () => join(folder, "nowhere.json")],
    ["it is a folder", () => folder],
    ["a part of its path is a file, not a folder", () => join(folder, "plain.json", "x")],
  ])("is refused where %s", async (why, path) => {
    const error = await errorOf(loadConfig(path(), { env: {} }))
    expect(error.message).toBe(`cannot read the configuration ${path()}: ${why}`)
    expect(error.exitCode).toBe(2)
  })

  it.each(["", "a\0b"])("is refused where its path is %p", async (path) => {
    expect((await errorOf(loadConfig(path, { env: {} }))).exitCode).toBe(2)
  })

  it("that others can read is warned of if it holds a secret, and only then", async () => {
    const open = await write("open it's.json", '{"host":"localhost","datasources":"a","token":"abc"}')
    await chmod(open, 0o640)
    expect((await loadConfig(open, { env: {} })).warnings).toEqual([
      `${open} holds a secret and other users can read it; run: chmod 600 '${open.replace("'", "'\\''")}'`,
    ])
    await chmod(open, 0o600)
    expect((await loadConfig(open, { env: {} })).warnings).toEqual([])
    const reference = await write("ref.json", '{"host":"localhost","datasources":"a","token":{"env":"T"}}')
    await chmod(reference, 0o644)
    expect((await loadConfig(reference, { env: { T: "abc" } })).warnings).toEqual([])
  })
})

describe("configuration.example.json", () => {
  it("loads, without warnings", async () => {
    const path = join(import.meta.dir, "../../configuration.example.json")
    const { druid, datasources, warnings } = await loadConfig(path, { env: {} })
    expect(druid.url).toBe("http://localhost:8888")
    expect(datasources.length).toBeGreaterThan(1)
    expect(warnings).toEqual([])
  })
})
