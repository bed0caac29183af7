/** Usage and configuration that are wrong: exit code 2, everything said at once, and Druid is asked nothing. */
import { describe, expect, it } from "bun:test"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { useFake } from "./support.ts"

const here = useFake()

/** Runs a pull that must be refused before anything happens; answers what was said. */
async function refused(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await here.stage.runner.run(
    args.length === 0 ? here.stage.args() : args,
  )
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
  expect(stderr).toStartWith("druidsync: ")
  expect(stderr).not.toContain("this is a bug")
  expect(here.fake.log.entries).toEqual([])
  expect(readdirSync(here.stage.folder).filter((name) => name !== "config.json")).toEqual([])
  return stderr
}

function write(text: string): void {
  writeFileSync(here.stage.configPath, text)
}

describe("a command line that is wrong", () => {
  it("names a missing --config", async () => {
    expect(await refused("pull", "--out", here.stage.out)).toMatch(/config/i)
  })

  it("names a missing --out", async () => {
    expect(await refused("pull", "--config", here.stage.configPath)).toMatch(/out/i)
  })

  it("guesses the flag that was meant", async () => {
    here.stage.config(["a"])
    expect(await refused(...here.stage.args("--ful"))).toContain("did you mean --full?")
  })

  it("guesses the command that was meant", async () => {
    expect(await refused("pul")).toContain('did you mean "pull"?')
  })

  it("says that a length of time is none", async () => {
    here.stage.config(["a"])
    expect(await refused(...here.stage.args("--lock-wait", "soon"))).toContain('--lock-wait "soon"')
  })
})

describe("a configuration that cannot be read", () => {
  it("says that there is no such file", async () => {
    const said = await refused()
    expect(said).toContain(`cannot read the configuration ${here.stage.configPath}: there is no such file`)
  })

  it("says that it is a folder", async () => {
    mkdirSync(join(here.stage.folder, "config.json"))
    expect(await refused()).toContain("it is a folder")
  })

  it("says that it is empty", async () => {
    write("  \n")
    expect(await refused()).toContain("is empty")
  })

  it("gives line and column where it is not JSON", async () => {
    write('{\n  "host": "localhost"\n  "port": 8888\n}')
    expect(await refused()).toContain("is not valid JSON: line 3, column 3")
  })

  it("says what it is where it is no object", async () => {
    write('["wikipedia"]')
    expect(await refused()).toContain("found an array; accepted: an object")
  })
})

describe("a configuration that is wrong", () => {
  it("names all missing keys at once", async () => {
    write("{}")
    const said = await refused()
    expect(said).toContain("host: missing")
    expect(said).toContain("datasources: missing")
  })

  it("names every problem with what was found and what is accepted", async () => {
    write(JSON.stringify({ host: "http://x/", port: 99_999, protocol: "ftp", datasources: [], sliceRows: 0 }))
    const said = await refused()
    for (const key of ["host", "port", "protocol", "datasources", "sliceRows"]) {
      expect(said).toMatch(new RegExp(`^  ${key}: found .*; accepted: `, "m"))
    }
  })

  it("guesses an unknown key", async () => {
    write(JSON.stringify({ ...here.stage.world.address, datasources: "a", concurency: 2 }))
    expect(await refused()).toContain('concurency: unknown key; did you mean "concurrency"?')
  })

  it("does not show a password", async () => {
    write(JSON.stringify({ host: "h", datasources: "a", username: "u", password: 12345678 }))
    const said = await refused()
    expect(said).toContain("password: found a number")
    expect(said).not.toContain("12345678")
  })

  it("names a secret's variable that is not set", async () => {
    write(
      JSON.stringify({ host: "h", datasources: "a", username: "u", password: { env: "NO_SUCH_VARIABLE" } }),
    )
    expect(await refused()).toContain("NO_SUCH_VARIABLE")
  })
})
