import { describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { VERBS } from "../../src/commands/index.ts"
import { manPage, text } from "../../src/commands/man/command.ts"
import { Desk } from "./support.ts"

async function page(): Promise<string> {
  const desk = await Desk.open()
  try {
    return (await desk.run("man")).stdout
  } finally {
    await desk.close()
  }
}

describe("the manual page", () => {
  it("has every command with every flag", async () => {
    const roff = await page()
    const desk = await Desk.open()
    for (const [name, verb] of Object.entries(VERBS)) {
      expect(roff).toContain(`.SS druidsync ${name}`)
      const { args } = await verb.load()
      for (const [flag, arg] of Object.entries(args)) {
        if (arg.type !== "positional") expect(roff).toContain(`\\fB${text(`--${flag}`)}\\fR`)
      }
    }
    await desk.close()
  })

  it("is the same text for the same program", async () => {
    expect(await page()).toBe(await page())
  })

  it("prints what looks like roff as it is", () => {
    expect(text(".TH it's a \\backslash -x ~ `")).toBe("\\&.TH it\\(aqs a \\ebackslash \\-x \\(ti \\(ga")
    const roff = manPage("1", [
      {
        name: "x",
        about: "'quoted",
        args: {},
        notes: [".SH not a heading"],
        examples: [["why", "echo '\\n'"]],
      },
    ])
    expect(roff).not.toContain("\n.SH not")
    expect(roff).toContain("\necho \\(aq\\en\\(aq\n")
  })

  it("is read by man without a complaint, where there is one", async () => {
    const roff = await page()
    const found = spawnSync("man", ["--warnings=w", "-E", "UTF-8", "-l", "-"], {
      input: roff,
      env: { ...process.env, MANWIDTH: "100", LC_ALL: "C.UTF-8" },
    })
    if (found.error !== undefined || found.status !== 0) return
    expect(found.stderr.toString()).toBe("")
    const shown = found.stdout.toString()
    expect(shown).toContain("druidsync pull --out FILE [OPTIONS]")
    expect(shown).toContain("EXIT STATUS")
    expect(shown).toContain("jq -r '.datasources[] | select(.status != \"complete\") | .datasource'")
  })
})
