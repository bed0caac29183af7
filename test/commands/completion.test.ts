/** What a shell is offered, and that the shells that are here accept the scripts. */
import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { VERBS } from "../../src/commands/index.ts"
import { Desk } from "./support.ts"

let desk: Desk

beforeEach(async () => {
  desk = await Desk.open()
  const config = {
    host: "x",
    password: { command: ["false"] },
    datasources: ["edits", { name: "my data,b" }, "east"],
  }
  await writeFile(desk.path("c.json"), JSON.stringify(config))
})
afterEach(() => desk.close())

/** Values offered after these words, and what else the shell may offer. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout, stderr, code } = await desk.run(["__complete", ...words])
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 })
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t")[0]!)
}

describe("completion", () => {
  it("offers every command, with words about it", async () => {
    expect(await offered("")).toEqual([...Object.keys(VERBS), ":none"])
    expect(await offered("help", "pu")).toEqual(["pull", ":none"])
    expect((await desk.run(["__complete", "stat"])).stdout).toBe(`status\t${VERBS.status!.about}\n:none\n`)
  })

  it("offers a command's flags, but not those that are given", async () => {
    const all = await offered("pull", "--")
    expect(all).toContain("--only")
    expect(all).toContain("--help")
    const rest = await offered("pull", "-c", "x", "--only=y", "--")
    expect(rest).not.toContain("--config")
    expect(rest).not.toContain("--only")
    expect(rest).toContain("--out")
  })

  it("offers the datasources of the configuration for --only, also after a comma", async () => {
    const config = desk.path("c.json")
    expect(await offered("pull", "--config", config, "--only", "")).toEqual([
      "edits",
      "my data,b",
      "east",
      ":none",
    ])
    expect(await offered("pull", "-c", config, "--only", "e")).toEqual(["edits", "east", ":none"])
    expect(await offered("pull", `--config=${config}`, "--only", "edits,e")).toEqual(["edits,east", ":none"])
    expect(await offered("pull", "-c", config, "--only=e")).toEqual(["--only=edits", "--only=east", ":none"])
  })

  it("understands words that bash broke at the equals sign", async () => {
    const config = desk.path("c.json")
    expect(await offered("pull", "--config", "=", config, "--only", "=", "ea")).toEqual([
      "--only=east",
      ":none",
    ])
  })

  it("says nothing where it cannot know", async () => {
    await writeFile(desk.path("c.json"), "{ broken")
    expect(await offered("pull", "--config", desk.path("c.json"), "--only", "")).toEqual([":none"])
    expect(await offered("pull", "--only", "")).toEqual([":none"])
    expect(await offered("nonsense", "")).toEqual([":files"])
  })

  it("offers choices, and leaves files to the shell", async () => {
    expect(await offered("query", "--format", "")).toEqual([
      "table",
      "csv",
      "json",
      "markdown",
      "parquet",
      ":none",
    ])
    expect(await offered("query", "--format=j")).toEqual(["--format=json", ":none"])
    expect(await offered("pull", "--config", "")).toEqual([":files"])
    expect(await offered("pull", "--spool-dir", "")).toEqual([":folders"])
    expect(await offered("completion", "")).toEqual(["bash", "zsh", "fish", "powershell", ":none"])
  })

  it("takes the two quotes that PowerShell sends for an empty word", async () => {
    expect(await offered("query", "--format", '""')).toHaveLength(6)
  })

  it("refuses a shell that it does not know", async () => {
    const { code, stderr } = await desk.run("completion tcsh")
    expect(code).toBe(2)
    expect(stderr).toContain("there is: bash, zsh, fish, powershell")
  })

  for (const shell of ["bash", "zsh", "fish", "powershell"]) {
    it(`prints a script for ${shell} that calls the program`, async () => {
      const { stdout } = await desk.run(`completion ${shell}`)
      expect(stdout).toContain("__complete")
      expect(stdout.endsWith("\n")).toBe(true)
      if (shell === "powershell") return
      // Where a shell is not here, its script is only known to be there.
      const parsed = spawnSync(shell, ["-n"], { input: stdout })
      if (parsed.error === undefined) expect(parsed.stderr.toString()).toBe("")
    })
  }

  it("works in a real bash, names with blanks quoted", async () => {
    const bin = desk.path("bin")
    await mkdir(bin)
    const main = join(import.meta.dirname, "../../src/main.ts")
    await writeFile(join(bin, "druidsync"), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`)
    await chmod(join(bin, "druidsync"), 0o755)
    await writeFile(desk.path("comp"), (await desk.run("completion bash")).stdout)
    const script = `
      source "${desk.path("comp")}"
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _druidsync; printf '[%s]' "\${COMPREPLY[@]}"; echo; }
      try druidsync que
      try druidsync pull --config "${desk.path("c.json")}" --only m
      try druidsync pull --config = "${desk.path("c.json")}" --only = ea
      try druidsync query --format ''`
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], {
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    })
    expect(stderr.toString()).toBe("")
    expect(stdout.toString().split("\n").slice(0, 4)).toEqual([
      "[query]",
      "[my\\ data,b]",
      "[east]",
      "[table][csv][json][markdown][parquet]",
    ])
  }, 30_000)
})
