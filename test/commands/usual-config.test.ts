/** Where `--config` is not given: the file that `init` writes, in the folder where the user stands. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { realpathSync } from "node:fs"
import { rename, writeFile } from "node:fs/promises"
import { startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { Desk } from "./support.ts"

const COMMANDS = ["pull --out $out", "plan --out $out", "verify --out $out", "check", "schema", "datasources"]

let desk: Desk
let before: string

beforeEach(async () => {
  desk = await Desk.open()
  before = process.cwd()
  process.chdir(desk.folder)
})
afterEach(async () => {
  process.chdir(before)
  await desk.close()
})

describe("without --config", () => {
  it("every command reads druidsync.json where the user stands", async () => {
    const fake = await startFakeDruid()
    try {
      await desk.configure(fake, "nothing-there")
      await rename(desk.path("c.json"), desk.path("druidsync.json"))
      for (const command of COMMANDS) {
        const { stdout, stderr } = await desk.run(command)
        expect(stdout + stderr).not.toContain("--config")
      }
      const { stdout } = await desk.run("datasources --json")
      expect(JSON.parse(stdout)).toMatchObject({ exitCode: 0 })
    } finally {
      await fake.stop()
    }
  }, 60_000)

  it("and where there is none, each says so, and how to come by one", async () => {
    const folder = realpathSync(desk.folder)
    for (const command of COMMANDS) {
      const { code, stdout, stderr } = await desk.run(command)
      const said = (stdout + stderr).replaceAll(folder, "/desk")
      expect({ command, code }).toEqual({ command, code: 2 })
      expect(said).toContain("there is no druidsync.json in /desk, and no other file was named with --config")
      expect(said).toContain("write one with druidsync init, or name yours: --config FILE")
    }
  })

  it("a file that is named is the one that is read", async () => {
    await writeFile(desk.path("druidsync.json"), "{}")
    const { code, stderr } = await desk.run("plan --config $c --out $out")
    expect(code).toBe(2)
    expect(stderr).toContain("/desk/c.json")
  })
})
