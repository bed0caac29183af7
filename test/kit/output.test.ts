import { describe, expect, it } from "bun:test"
import { show } from "../../src/kit/output.ts"
import { Pipe } from "./screen.ts"

function shown(document: object, talk: { json?: boolean; quiet?: boolean }, exitCode?: number) {
  const stdout = new Pipe()
  const code = show(
    { document, text: () => "words\n", ...(exitCode === undefined ? {} : { exitCode }) },
    talk,
    { stdout, env: {} },
  )
  return { code, text: stdout.text }
}

describe("an answer with --json", () => {
  it("is exactly one document, whatever --quiet says", () => {
    expect(shown({ exitCode: 0 }, { json: true, quiet: true })).toEqual({ code: 0, text: '{"exitCode":0}\n' })
  })
})

describe("an answer in words", () => {
  it("goes to stdout, and with --quiet only where something is wrong", () => {
    expect(shown({ exitCode: 0 }, {})).toEqual({ code: 0, text: "words\n" })
    expect(shown({ exitCode: 0 }, { quiet: true })).toEqual({ code: 0, text: "" })
    expect(shown({ exitCode: 3 }, { quiet: true })).toEqual({ code: 3, text: "words\n" })
  })

  it("has the exit code that the command gives it before that of the document", () => {
    expect(shown({ exitCode: 0 }, {}, 3).code).toBe(3)
    expect(shown({}, {}).code).toBe(0)
  })
})
