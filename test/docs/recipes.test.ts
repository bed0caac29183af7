/** The recipes for cron, systemd and launchd, read by those who know the formats. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { checkCall } from "./calls.ts"
import { readPage } from "./pages.ts"
import { callsIn } from "./shell.ts"

const page = readPage("docs/how-to/schedule.md")
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-recipes-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("the systemd units", () => {
  const [service, timer] = page.blocks.filter(({ language }) => language === "ini").map(({ text }) => text)

  it("call druidsync as it wants to be called", async () => {
    expect(callsIn(service!)).toHaveLength(1)
    for (const call of callsIn(service!)) await checkCall(call, true)
  })

  it.skipIf(!hasSystemd)("are accepted by systemd-analyze verify", () => {
    const verify = (text: string) => {
      // The program must be there to be verified, and the user is made by whoever follows the recipe.
      const unit = text.replace("/usr/local/bin/druidsync", process.execPath).replace(/^User=.*\n/m, "")
      writeFileSync(join(folder, "druidsync.service"), unit)
      writeFileSync(join(folder, "druidsync.timer"), timer!)
      const names = ["druidsync.service", "druidsync.timer"].map((name) => join(folder, name))
      const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", ...names], {
        encoding: "utf8",
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
      })
      return `${stdout}${stderr}`.split("\n").filter((line) => line.includes("druidsync."))
    }
    expect(verify(service!)).toEqual([])
    expect(verify(service!.replace("Nice=10", "Nize=10")).join("\n")).toContain("Nize")
  })
})

describe("the property list for launchd", () => {
  const plist = page.blocks.find(({ language }) => language === "xml")!.text

  it("is one, and calls druidsync as it wants to be called", async () => {
    const script = "import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))"
    const { stdout, stderr } = spawnSync("python3", ["-c", script], { input: plist, encoding: "utf8" })
    expect(stderr).toBe("")
    const [program, ...words] = (JSON.parse(stdout) as { ProgramArguments: string[] }).ProgramArguments
    expect(program).toEndWith("/druidsync")
    await checkCall(words, true)
  })
})

describe("the crontab", () => {
  it("has a time and a command on each line, and no % that cron would take for the end of it", () => {
    const crontab = page.blocks.find(({ text }) => text.startsWith("MAILTO="))!.text
    const jobs = crontab.trim().split("\n").slice(1)
    expect(jobs).toHaveLength(2)
    for (const job of jobs) {
      expect(job).toMatch(/^(\d+|\*) (\d+|\*) \* \* \* {2}\/usr\/local\/bin\/druidsync /)
      expect(job).not.toMatch(/(?<!\\)%/)
    }
  })
})
