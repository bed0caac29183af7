/** `npm run docs` writes the pages that are made; `npm run docs -- --check` names those that are not current, and fails. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { madePages } from "./pages.ts"

const ROOT = join(import.meta.dirname, "../..")
const isCheck = process.argv.includes("--check")

for (const [path, text] of await madePages()) {
  const file = join(ROOT, path)
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue
  if (isCheck) {
    console.error(`${path} is not what the program says: npm run docs writes it`)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log(`written: ${path}`)
  }
}
