/** The recipes for cron, systemd, launchd and Windows, read by those who know the formats. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { METRICS } from "../../src/kit/job/metrics.ts"
import { checkCall } from "./calls.ts"
import { codesIn, readPage, tableBelow } from "./pages.ts"
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

  it("are held against systemd itself, or it is said that they are not", () => {
    if (!hasSystemd) console.error("skipped: systemd-analyze is not installed (Debian: systemd)")
    expect(spawnSync("systemd-analyze", ["--version"]).status === 0).toBe(hasSystemd)
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

describe("the task for Windows", () => {
  const task = page.blocks.filter(({ language }) => language === "xml")[1]!.text

  it("is well-formed, with the parts of a task in their order, and calls druidsync as it wants to be called", async () => {
    const script = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.read())
space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
text = lambda path: root.find(path, space).text
print(json.dumps({
  "root": root.tag, "parts": [part.tag.split("}")[1] for part in root],
  "command": text("t:Actions/t:Exec/t:Command"), "arguments": text("t:Actions/t:Exec/t:Arguments"),
}))`
    const { stdout, stderr } = spawnSync("python3", ["-c", script], { input: task, encoding: "utf8" })
    expect(stderr).toBe("")
    const read = JSON.parse(stdout) as { root: string; parts: string[]; command: string; arguments: string }
    expect(read.root).toBe("{http://schemas.microsoft.com/windows/2004/02/mit/task}Task")
    expect(read.parts).toEqual(["RegistrationInfo", "Triggers", "Settings", "Actions"])
    expect(read.command).toEndWith("druidsync.exe")
    await checkCall(read.arguments.split(" "), true)
  })
})

describe("the table of metrics", () => {
  it("has every metric, and no other", () => {
    const named = tableBelow(page, "## Metrics for Prometheus").flatMap(([cell = ""]) => codesIn(cell))
    expect([...named].sort()).toEqual([...METRICS].sort())
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
