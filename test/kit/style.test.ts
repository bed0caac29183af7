import { describe, expect, it } from "bun:test"
import { PLAIN, styleFor, wantsColour } from "../../src/kit/text/style.ts"
import { Pipe, Screen } from "./screen.ts"

describe("colour", () => {
  const cases: [name: string, env: Record<string, string>, onTerminal: boolean, onPipe: boolean][] = [
    ["is for terminals", {}, true, false],
    ["is off with NO_COLOR", { NO_COLOR: "1" }, false, false],
    ["is not turned off by an empty NO_COLOR", { NO_COLOR: "" }, true, false],
    ["is off on a dumb terminal", { TERM: "dumb" }, false, false],
    ["is on everywhere with FORCE_COLOR", { FORCE_COLOR: "1" }, true, true],
    ["is on with FORCE_COLOR on a dumb terminal", { FORCE_COLOR: "1", TERM: "dumb" }, true, true],
    ["is off with FORCE_COLOR=0", { FORCE_COLOR: "0" }, false, false],
    ["is off where NO_COLOR and FORCE_COLOR disagree", { NO_COLOR: "1", FORCE_COLOR: "1" }, false, false],
  ]
  for (const [name, env, onTerminal, onPipe] of cases) {
    it(name, () => {
      expect(wantsColour(new Screen(), env)).toBe(onTerminal)
      expect(wantsColour(new Pipe(), env)).toBe(onPipe)
    })
  }

  it("leaves text alone where it is off", () => {
    expect(styleFor(new Pipe(), {})).toBe(PLAIN)
    expect(PLAIN.red("x")).toBe("x")
    expect(styleFor(new Screen(), {}).red("x")).toBe("\u001b[31mx\u001b[39m")
  })
})
