/**
 * Digests and texts that 0.1.0 made, for each form of each setting that shapes a table. Checkpoints in the files of users
 * hold them: a digest that differs makes each of those users fetch everything again.
 */
import { describe, expect, it } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseShard } from "../../src/base/shard.ts"
import type { DatasourceSettings } from "../../src/config/settings.ts"
import { changedSettings, settingsDigest, settingsText } from "../../src/config/settings-digest.ts"
import { loadWith } from "./support.ts"

interface Made {
  readonly keys: object
  readonly shard?: string
  readonly digest: string
  readonly text: string
}

const made = readFileSync(join(import.meta.dirname, "../fixtures/settings-digests-0.1.0.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Made)

describe("the digest of what shapes a table", () => {
  it("is tried with every form of each setting", () => {
    expect(made.length).toBe(72)
    expect(new Set(made.map(({ digest }) => digest)).size).toBeGreaterThan(50)
  })

  it.each(made)("is for %p what 0.1.0 made", async ({ keys, shard: share, digest, text }) => {
    const { datasources } = await loadWith({ datasources: [{ name: "a", ...keys }] })
    const shard = parseShard(share ?? "1/1")
    const one = { ...datasources[0]!, ...(shard === "whole" ? {} : { shard }) }
    expect({ digest: settingsDigest(one), text: settingsText(one) }).toEqual({ digest, text })
    expect(changedSettings(text, one)).toEqual([])
  })

  it("tells the rows that a user may see from all rows, which are those of no key", async () => {
    const { datasources } = await loadWith({
      datasources: ["a", { name: "b", rows: "all" }, { name: "c", rows: "visible" }],
    })
    const [plain, all, visible] = datasources as [DatasourceSettings, DatasourceSettings, DatasourceSettings]
    expect(settingsDigest(all)).toBe(settingsDigest(plain))
    expect(settingsDigest(visible)).not.toBe(settingsDigest(plain))
    expect(changedSettings(settingsText(plain), visible)).toEqual(["rows"])
    expect(changedSettings(settingsText(visible), plain)).toEqual(["rows"])
  })
})
