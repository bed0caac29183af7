import { describe, expect, it } from "bun:test"
import { inspect } from "node:util"
import fc from "fast-check"
import { DruidsyncError } from "../../src/base/errors.ts"
import { configEntries, datasourceEntries, tlsEntries } from "../../src/config/schema.ts"
import { load } from "./support.ts"

const RUNS = 500
/** `bunfig.toml` has no say over the timeout of a test; the machine may be busy. */
const TIMEOUT_MS = 60_000
const MARK = "xXhunter2Xx"

/** What came of it: everything that could be printed of it. Throws what should never be thrown. */
async function outcome(config: unknown): Promise<string> {
  try {
    const settings = await load(config, { files: { "/etc/druidsync/f": "PEM?" }, env: { V: "v" } })
    return (
      inspect(settings, { depth: 20, showHidden: true }) + JSON.stringify({ ...settings, datasources: [] })
    )
  } catch (error) {
    if (!(error instanceof DruidsyncError)) throw error
    expect([error.code, error.exitCode]).toEqual(["config", 2])
    return `${inspect(error, { depth: 20 })}${error.message}${error.hint}`
  }
}

const anything = fc.jsonValue({ maxDepth: 4 })

/** Values that come near to right ones. */
const near = fc.oneof(
  anything,
  fc.string({ unit: "binary" }),
  fc.constantFrom<unknown>(
    "localhost",
    "http://a:1/b",
    8888,
    "8888",
    "5m",
    "1GB",
    true,
    "auto",
    "keep",
    1e300,
    "f",
  ),
  fc.record({ env: fc.constantFrom("V", "W") }),
  fc.record({ file: fc.constantFrom("f", "g") }),
  fc.array(fc.string({ maxLength: 3 }), { maxLength: 4 }),
)

function objectOf(
  entries: object,
  special: Record<string, fc.Arbitrary<unknown>> = {},
): fc.Arbitrary<object> {
  const keys = Object.keys(entries)
  const model = Object.fromEntries(keys.map((key) => [key, special[key] ?? near]))
  return fc.record(model, { requiredKeys: [] })
}

const datasource = fc.oneof(near, objectOf(datasourceEntries))
const config = fc
  .tuple(
    objectOf(configEntries, {
      datasources: fc.oneof(near, fc.array(datasource)),
      tls: fc.oneof(near, objectOf(tlsEntries)),
    }),
    fc.dictionary(fc.string({ maxLength: 10 }), near, { maxKeys: 2 }),
  )
  .map(([known, unknown]) => ({ ...known, ...unknown }))

/** A secret in a shape that is right or wrong, but never in a place that names something (variable, file, program). */
const secretShape = fc.constantFrom<unknown>(
  MARK,
  `${MARK}\n`,
  `Bearer ${MARK}`,
  [MARK],
  { value: MARK },
  { env: [MARK] },
  { env: "V", value: MARK },
  { file: { path: MARK } },
  { command: MARK },
  { command: [MARK, 5] },
)

describe("any JSON as a configuration", () => {
  it(
    "loads or fails with one error of exit code 2, whatever it is",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(anything, config), async (value) => {
          await outcome(value)
        }),
        { numRuns: RUNS },
      )
    },
    TIMEOUT_MS,
  )

  it(
    "never has the value of a secret printed, whatever else is wrong",
    async () => {
      const secrets = fc.record(
        {
          password: secretShape,
          token: secretShape,
          passphrase: secretShape,
          host: fc.constant(`https://u:${MARK}@h/`),
        },
        { requiredKeys: [] },
      )
      await fc.assert(
        fc.asyncProperty(config, secrets, fc.boolean(), async (rest, { passphrase, ...top }, isMinimal) => {
          const tls =
            passphrase === undefined ? {} : { tls: { ...(isMinimal ? {} : Object(rest.tls)), passphrase } }
          const base = isMinimal ? { host: "localhost", datasources: "a", username: "u" } : rest
          expect(await outcome({ ...base, ...top, ...tls })).not.toContain(MARK)
        }),
        { numRuns: RUNS },
      )
    },
    TIMEOUT_MS,
  )

  it("never has the value of a secret printed when the JSON itself is broken", async () => {
    const text = JSON.stringify({ host: "localhost", password: MARK, token: MARK, datasources: "a" })
    const { loadConfig } = await import("../../src/config/load.ts")
    const { CONFIG_PATH, inMemory } = await import("./support.ts")
    for (let cut = 0; cut < text.length; cut++) {
      for (const broken of [text.slice(0, cut), text.slice(0, cut) + text.slice(cut + 1)]) {
        const message = await loadConfig(CONFIG_PATH, inMemory(broken)).then(
          (settings) => inspect(settings, { depth: 9 }),
          (error: Error) => error.message,
        )
        expect(message).not.toContain(MARK)
      }
    }
  })
})
