/** Writes docs/sample-report.html, a report of weeks of pulls from the fake Druid: `bun scripts/docs/sample-report.ts`. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import packageJson from "../../package.json" with { type: "json" }
import { makeSample } from "../report/sample.ts"

const folder = await mkdtemp(join(tmpdir(), "druidsync-sample-"))
try {
  const html = await readFile(await makeSample(folder), "utf8")
  const shown = html
    .replaceAll(folder, "/srv")
    .replaceAll("druidsync 1.2.3", `druidsync ${packageJson.version}`)
  await writeFile(join(import.meta.dirname, "../../docs/sample-report.html"), shown)
} finally {
  await rm(folder, { recursive: true, force: true })
}
