/** `init` at a real terminal: menus by consola, and plain lines where the terminal or the person wants them. */
import { describe, expect, it } from "bun:test"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk } from "./support.ts"

const MAIN = join(import.meta.dirname, "../../src/main.ts")
const SLOW = 60_000
const [HIDE_CURSOR, SHOW_CURSOR] = ["\u001b[?25l", "\u001b[?25h"]

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
  for (const name of ["edits", "koalas", "west"]) fake.world.append(name, [{ __time: "2020-01-01" }])
})

/** Types each answer when its question is on the screen; a menu takes one key at a time. `TERM` is sent as the signal. */
async function atTerminal(answers: readonly (readonly [question: string, keys: string])[], env = {}) {
  let screen = ""
  let seen = 0
  const left = [...answers]
  const child = Bun.spawn([process.execPath, MAIN, "init"], {
    cwd: desk.folder,
    env: { ...process.env, TERM: "xterm", NO_COLOR: "1", ...env },
    terminal: {
      cols: 100,
      rows: 30,
      data(terminal, bytes) {
        screen += new TextDecoder().decode(bytes)
        const [next] = left
        const at = next === undefined ? -1 : screen.indexOf(next[0], seen)
        if (at < 0) return
        seen = at + next![0].length
        left.shift()
        if (next![1] === "TERM") child.kill("SIGTERM")
        else terminal.write(next![1])
      },
    },
  })
  const code = await child.exited
  return { code, screen, left }
}

const written = async () => JSON.parse(await readFile(desk.path("druidsync.json"), "utf8"))

describe("druidsync init at a terminal", () => {
  it(
    "lets datasources be chosen from a menu in which all are chosen at first",
    async () => {
      const { code, screen, left } = await atTerminal([
        ["Host or URL", `${fake.url}\r`],
        ["◼ west", " "],
        ["◻ edits", "\r"],
      ])
      expect(left).toEqual([])
      expect(code).toBe(0)
      expect(screen).toContain("◼ edits (1 row, 2020-01-01)")
      expect(screen.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(screen.lastIndexOf(HIDE_CURSOR))
      expect((await written()).datasources).toEqual(["koalas", "west"])
    },
    SLOW,
  )

  it(
    "has a last row for all, also future ones, which is not chosen at first",
    async () => {
      // Up from the first row is the last.
      const { code, left } = await atTerminal([
        ["Host or URL", `${fake.url}\r`],
        ["◻ *", "\u001b[A"],
        ["◻ * (all, also future ones)", " "],
        ["◼ * (all, also future ones)", "\r"],
      ])
      expect(left).toEqual([])
      expect(code).toBe(0)
      expect((await written()).datasources).toEqual(["*"])
    },
    SLOW,
  )

  it(
    "asks for a login by menus, and never shows what is typed for a secret",
    async () => {
      fake.credentials = { user: "u", password: "geheim" }
      const { code, screen, left } = await atTerminal([
        ["Host or URL", `${fake.url}\r`],
        ["token (Bearer)", "\r"],
        ["User name", "u\r"],
        ["a command that prints it", "\r"],
        ["Password", "geheim\r"],
        ["◼ west", "\r"],
      ])
      expect(left).toEqual([])
      expect(code).toBe(0)
      expect(screen).not.toContain("geheim")
      expect(await written()).toMatchObject({ username: "u", password: "geheim" })
    },
    SLOW,
  )

  for (const [name, keys] of [
    ["Ctrl-C", "\u0003"],
    ["SIGTERM", "TERM"],
  ] as const) {
    it(
      `ends at ${name} in a menu with 130, without a file, and with the cursor shown`,
      async () => {
        const { code, screen } = await atTerminal([
          ["Host or URL", `${fake.url}\r`],
          ["◼ west", keys],
        ])
        expect(code).toBe(130)
        expect(screen.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(screen.lastIndexOf(HIDE_CURSOR))
        expect(desk.exists("druidsync.json")).toBe(false)
      },
      SLOW,
    )
  }

  for (const env of [{ TERM: "dumb" }, { ACCESSIBLE: "1" }]) {
    it(
      `asks by plain lines with ${JSON.stringify(env)}`,
      async () => {
        const { code, screen, left } = await atTerminal(
          [
            ["Host or URL", `${fake.url}\r`],
            ["Which to copy?", "1,3\r"],
          ],
          env,
        )
        expect(left).toEqual([])
        expect(code).toBe(0)
        expect(screen).not.toContain(HIDE_CURSOR)
        expect((await written()).datasources).toEqual(["edits", "west"])
      },
      SLOW,
    )
  }
})
