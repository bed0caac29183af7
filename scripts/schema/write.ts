/** Writes `src/config/config.schema.json`: `bun scripts/schema/write.ts`. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeConfigSchema } from "./config-schema.ts"

const path = join(import.meta.dirname, "../../src/config/config.schema.json")
writeFileSync(path, `${JSON.stringify(makeConfigSchema(), undefined, 2)}\n`)
