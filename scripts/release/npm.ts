/**
 * The package for npm: `bun scripts/release/npm.ts` makes release/npm and `npm pack`s it. The sources as one JavaScript file for
 * Node, Bun and Deno, with every dependency inside but DuckDB, which npm chooses for the machine it installs on.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import type { BunPlugin } from "bun"
import packageJson from "../../package.json" with { type: "json" }
import { root } from "../build/packages.ts"
import { type Component, readLock, runtimeComponents } from "./components.ts"
import { installedTexts, licencesText } from "./licences.ts"
import { output } from "./trial.ts"

const program = "druidsync.js"
const duckdb = "@duckdb/node-api"

/** What stands in the package's package.json. `private` and the scripts are the repository's own. */
export function manifest(source: typeof packageJson) {
  const { name, version, description, license, engines, dependencies } = source
  return {
    name,
    version,
    description,
    keywords: ["druid", "apache-druid", "duckdb", "sync", "etl"],
    license,
    type: "module",
    bin: { [name]: program },
    files: [program, "THIRD-PARTY-LICENSES.txt"],
    engines,
    dependencies: { [duckdb]: dependencies[duckdb] },
  }
}

/** What is bundled: everything that runs, but what npm installs beside it. */
export function bundled(runtime: readonly Component[]): Component[] {
  const beside = new Set<string>()
  const visit = (name: string) => {
    beside.add(name)
    for (const needed of runtime.find((one) => one.name === name)?.needs ?? []) visit(needed)
  }
  visit(duckdb)
  return runtime.filter(({ name }) => !beside.has(name))
}

/** Makes the package's folder and the `.tgz` in `folder`; gives back the path of that. */
export async function npmPackage(folder: string): Promise<string> {
  const work = join(folder, "npm")
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  writeFileSync(join(work, program), await bundle())
  writeFileSync(join(work, "package.json"), `${JSON.stringify(manifest(packageJson), undefined, 2)}\n`)
  for (const name of ["README.md", "LICENSE"]) copyFileSync(join(root, name), join(work, name))
  const texts = licencesText(bundled(runtimeComponents(readLock())), installedTexts())
  writeFileSync(
    join(work, "THIRD-PARTY-LICENSES.txt"),
    `${program} contains the following works of others.\n\n${texts}`,
  )
  const [{ filename }] = JSON.parse(
    await output(["npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder], work),
  )
  return join(folder, filename)
}

/** For Node, Bun would take its other form, which looks for its files at run time. */
const jsoncAsModule: BunPlugin = {
  name: "jsonc-as-module",
  setup(build) {
    const path = join(root, "node_modules/jsonc-parser/lib/esm/main.js")
    build.onResolve({ filter: /^jsonc-parser$/ }, () => ({ path }))
  },
}

/** The program as one file of JavaScript, which imports DuckDB's package. */
export async function bundle(): Promise<string> {
  const before = process.cwd()
  // The paths in the comments are relative to the working directory.
  process.chdir(root)
  try {
    const { outputs, logs } = await Bun.build({
      entrypoints: [join(root, "src/main.ts")],
      root,
      target: "node",
      format: "esm",
      external: [duckdb],
      plugins: [jsoncAsModule],
      // ofetch has a file for Node that brings a fetch along, for Node before 18, and this one for all others.
      conditions: ["wintercg"],
      banner: "#!/usr/bin/env node",
      env: "disable",
      define: {
        DRUIDSYNC_VERSION: JSON.stringify(packageJson.version),
        "process.env.NODE_ENV": '"production"',
      },
    })
    for (const log of logs) console.error(String(log))
    if (outputs.length !== 1) throw new Error(`the bundle is ${outputs.length} files, not one`)
    return await outputs[0]!.text()
  } finally {
    process.chdir(before)
  }
}

if (import.meta.main) {
  console.error(relative(process.cwd(), await npmPackage(join(root, "release"))))
}
