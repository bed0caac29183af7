import { describe, expect, it } from "bun:test"
import { type CommandPage, commandHelp, helpWidth, overviewText } from "../../src/kit/help.ts"
import { pullArgs } from "../../src/kit/pull-flags.ts"
import { displayWidth } from "../../src/kit/text/width.ts"

const PAGE: CommandPage = {
  name: "copy",
  about: "bring it here",
  args: {
    from: { type: "string", alias: "f", required: true, valueHint: "FILE", description: "where it is" },
    to: {
      type: "string",
      valueHint: "DIR",
      default: "/tmp",
      description: "where it goes, in rather many words that need a second line",
    },
    dry: { type: "boolean", default: false, description: "only look" },
    as: { type: "enum", options: ["csv", "json"], description: "how" },
    what: { type: "positional", required: false, description: "one of them" },
  },
  notes: ["A paragraph that is longer than the width of fifty cells and goes on."],
  examples: [
    ["The usual", "druidsync copy --from x"],
    ["Another", "druidsync copy --from y --dry"],
  ],
}

describe("the help of a command", () => {
  it("is aligned, wrapped, and says what is required and what the defaults are", () => {
    expect(commandHelp(PAGE, 60)).toBe(`druidsync copy: bring it here

Usage: druidsync copy --from FILE [WHAT] [OPTIONS]

A paragraph that is longer than the width of fifty cells and
goes on.

Options:
  -f, --from FILE    where it is; required
      --to DIR       where it goes, in rather many words
                     that need a second line (default: /tmp)
      --dry          only look
      --as csv|json  how
  WHAT               one of them
  -h, --help         show this

Examples:
  # The usual
  druidsync copy --from x

  # Another
  druidsync copy --from y --dry
`)
  })

  it("names every flag and fits the width, examples apart", () => {
    for (const width of [50, 80, 100]) {
      const text = commandHelp({ ...PAGE, args: pullArgs }, width)
      for (const flag of Object.keys(pullArgs)) expect(text).toContain(`--${flag}`)
      for (const line of text.split("Examples:")[0]!.split("\n"))
        expect(displayWidth(line)).toBeLessThanOrEqual(width)
    }
  })

  it("follows the terminal between narrow and hard to read", () => {
    const sink = { write: () => undefined }
    expect([
      helpWidth(sink),
      helpWidth({ ...sink, columns: 20 }),
      helpWidth({ ...sink, columns: 300 }),
    ]).toEqual([80, 50, 100])
  })
})

describe("the overview", () => {
  it("aligns the commands", () => {
    const text = overviewText("1.0.0", { a: { about: "first" }, longer: { about: "second" } }, 80)
    expect(text).toContain("Commands:\n  a       first\n  longer  second\n")
  })
})
