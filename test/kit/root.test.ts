import { afterEach, beforeEach, describe, expect, it } from "bun:test"
import { Desk } from "../commands/support.ts"

let desk: Desk
beforeEach(async () => {
  desk = await Desk.open()
})
afterEach(() => desk.close())

const COMMANDS = ["pull", "status", "plan", "schema"]

describe("the command line", () => {
  it("shows the overview for --help, -h and help, and for nothing with exit code 2", async () => {
    const help = await desk.run("--help")
    expect(help.code).toBe(0)
    expect((await desk.run("-h")).stdout).toBe(help.stdout)
    expect((await desk.run("help")).stdout).toBe(help.stdout)
    for (const command of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^  ${command} +\\S`, "m"))
    expect(help.stdout).toContain("  3    some of it is incomplete; what was stored is proven\n")
  })

  it("lists every command in the overview and explains each with examples", async () => {
    const { stdout } = await desk.run("--help")
    const listed = stdout
      .split("Commands:\n")[1]!
      .split("\n\n")[0]!
      .split("\n")
      // what is indented further goes on from the line before
      .filter((line) => /^ {2}\S/.test(line))
      .map((line) => line.trim().split(" ")[0]!)
    expect(listed).toEqual(expect.arrayContaining(COMMANDS))
    for (const command of listed) {
      const page = await desk.run(`${command} --help`)
      expect(page.code).toBe(0)
      expect(page.stdout).toStartWith(`druidsync ${command}: `)
      expect(page.stdout).toContain(`\nUsage: druidsync ${command} `)
      expect(page.stdout).toMatch(new RegExp(`\nExamples:\n  # .+\n  druidsync ${command} `))
      expect((await desk.run(`help ${command}`)).stdout).toBe(page.stdout)
    }
  })

  it("shows its version", async () => {
    expect(await desk.run("--version")).toEqual({ code: 0, stdout: "druidsync 1.2.3\n", stderr: "" })
    expect((await desk.run("-V")).stdout).toBe("druidsync 1.2.3\n")
  })

  it("refuses what it does not know, and guesses what was meant", async () => {
    expect(await desk.run("statsu")).toEqual({
      code: 2,
      stdout: "",
      stderr: 'druidsync: unknown command "statsu"\n  → did you mean "status"?\n',
    })
    expect((await desk.run("--jsn")).stderr).toStartWith("druidsync: unknown flag --jsn\n")
    expect((await desk.run("status --out x --jsno")).stderr).toBe(
      "druidsync: unknown flag --jsno\n  → did you mean --json?\n",
    )
    expect(await desk.run("pull --config $c")).toMatchObject({
      code: 2,
      stderr: "druidsync: missing required argument: --out\n  → see druidsync pull --help\n",
    })
  })

  it("prints one document with --json also where a command fails before it has one", async () => {
    const ran = await desk.run("pull --config $c --out $out --json")
    expect(ran.code).toBe(2)
    expect(JSON.parse(ran.stdout)).toEqual({
      format: 1,
      outcome: "failed",
      exitCode: 2,
      error: {
        code: "config",
        message: "cannot read the configuration /desk/c.json: there is no such file",
        hint: "check --config; druidsync init writes a configuration",
      },
    })
    expect(ran.stderr).toContain("there is no such file")
  })
})
