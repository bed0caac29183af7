/** A datasource whose name Druid does not list: what was probably meant, from each command that asks Druid. */
import { describe, expect, it } from "bun:test"
import { errors, type FakeDruid, reply } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk } from "./support.ts"

const SLOW = 30_000
const GUESS = 'did you mean "wikipedia"?'
const COMMANDS = [
  "pull -c $c -o $out",
  "plan -c $c -o $out",
  "verify -c $c -o $out",
  "check -c $c",
  "schema -c $c",
]

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  fake.world.append("wikipedia", [{ __time: "2016-06-27T01:00", page: "x" }])
  fake.world.append("koalas", [{ __time: "2016-06-27T01:00" }])
  fake.world.settle()
  await desk.configure(fake, ["koalas"])
  expect((await desk.run("pull -c $c -o $out -q")).code).toBe(0)
})

describe("a mistyped datasource", () => {
  it(
    "is answered with the name that was meant, and 4, by every command, as text and as JSON",
    async () => {
      await desk.configure(fake, ["wikipdia"])
      for (const command of COMMANDS) {
        const asText = await desk.run(command)
        expect({ command, code: asText.code }).toEqual({ command, code: 4 })
        expect(asText.stdout + asText.stderr).toContain(GUESS)
        const asJson = await desk.run(`${command} --json`)
        expect({ command, code: asJson.code }).toEqual({ command, code: 4 })
        expect(JSON.stringify(JSON.parse(asJson.stdout))).toContain(JSON.stringify(GUESS).slice(1, -1))
      }
    },
    SLOW,
  )

  it(
    "that is like nothing Druid has gets no guess",
    async () => {
      await desk.configure(fake, ["zebra"])
      for (const command of COMMANDS) {
        const { code, stdout, stderr } = await desk.run(command)
        expect({ command, code }).toEqual({ command, code: 4 })
        expect(stdout + stderr).not.toContain("did you mean")
        expect(stdout + stderr).toContain("check its name and the user's permission")
      }
    },
    SLOW,
  )

  it(
    "costs one request, which is not made where nothing is wrong, and whose refusal is no news",
    async () => {
      const asked = () =>
        fake.log.entries.filter(({ sql }) => sql?.includes("INFORMATION_SCHEMA.TABLES")).length
      fake.log.clear()
      expect((await desk.run("plan -c $c -o $out")).code).toBe(0)
      expect(asked()).toBe(0)
      await desk.configure(fake, ["wikipdia", "wikipedai"])
      expect((await desk.run("plan -c $c -o $out")).code).toBe(4)
      expect(asked()).toBe(1)
      fake.hooks.beforeRequest = (_kind, _n, { sql }) =>
        sql?.includes("INFORMATION_SCHEMA.TABLES") ? reply(errors.coordinatorDown()) : undefined
      const refused = await desk.run("plan -c $c -o $out")
      expect(refused.code).toBe(4)
      expect(refused.stdout).toContain('Druid lists no segment of datasource "wikipdia"')
      expect(refused.stdout).not.toContain("did you mean")
    },
    SLOW,
  )
})
