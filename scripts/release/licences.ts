/**
 * The licence texts of what a release contains, taken from the packages themselves. Complete or not at all: a package
 * without a text stops the release.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { locked, root } from "../build/packages.ts"
import type { Component } from "./components.ts"

/** Where the installed packages are: the project's folder, or one of a test. */
export interface Texts {
  /** the folder that holds `node_modules` */
  base: string
  /** Bun's own list of what it links, and DuckDB's; called only where one of them is included */
  bun: () => string
  duckdb: () => string
}

const rule = `${"=".repeat(80)}\n`

/** `THIRD-PARTY-LICENSES.txt` for these packages. @throws Error that names each package without a text */
export function licencesText(components: readonly Component[], texts: Texts): string {
  const missing: string[] = []
  const sections = components
    .toSorted((a, b) => (a.folder < b.folder ? -1 : 1))
    .map(({ name, version, license, folder }) => {
      const found = licenceFiles(join(texts.base, folder)).map((path) => readFileSync(path, "utf8").trim())
      if (found.length === 0) missing.push(`${name} ${version}`)
      return section(`${name} ${version} (${license})`, found)
    })
  if (missing.length > 0)
    throw new Error(`no licence text for ${missing.join(", ")}: a release must not leave it out`)
  return sections.join("")
}

/** The same for an executable: with Bun and with DuckDB's library, whose texts npm does not bring along. */
export function executableLicences(
  runtime: readonly Component[],
  native: { bun: string; duckdb: string },
  texts: Texts,
): string {
  return [
    "The executables of druidsync contain the following works of others.\n\n",
    section(`Bun ${native.bun} (MIT, with JavaScriptCore under LGPL-2)`, [texts.bun().trim()]),
    section(`DuckDB's library in @duckdb/node-bindings ${native.duckdb} (MIT)`, [texts.duckdb().trim()]),
    licencesText(runtime, texts),
  ].join("")
}

function section(title: string, texts: readonly string[]): string {
  return `${rule}${title}\n${rule}\n${texts.map((text) => `${text.replaceAll("\r\n", "\n")}\n\n`).join("")}`
}

/** Its licences and notices, and those of what it has bundled. */
function licenceFiles(folder: string): string[] {
  const within = (path: string) =>
    existsSync(path)
      ? readdirSync(path)
          .filter((name) => /^(licen[cs]e|copying|notice|third-party-licen[cs]es)([.-].*)?$/i.test(name))
          .toSorted()
          .map((name) => join(path, name))
      : []
  return [...within(folder), ...within(join(folder, "dist"))]
}

/** The texts of the installed packages. @throws Error where Bun's list is of another version than Bun */
export function installedTexts(): Texts {
  return { base: root, bun: bunText, duckdb: duckdbText }
}

const own = (name: string) => readFileSync(join(import.meta.dirname, "texts", name), "utf8")

/** npm's packages of Bun hold no licence; its documentation, in `bun-types`, names its own and those of all it links. */
function bunText(): string {
  if (locked("bun-types").version !== locked("bun").version)
    throw new Error("bun-types, from which Bun's licences are taken, has another version than bun")
  const page = readFileSync(join(root, "node_modules/bun-types/docs/project/license.mdx"), "utf8")
  if (!page.includes("MIT-licensed"))
    throw new Error("Bun's documentation does not say any more that it is MIT-licensed")
  return [
    page.replace(/^---\n[\s\S]*?\n---\n/, "").trim(),
    `The MIT licence, for Bun:\n\n${own("MIT.txt").trim()}`,
    `The licence of JavaScriptCore and WebCore:\n\n${own("LGPL-2.0.txt").trim()}`,
    `The licence of tinycc:\n\n${own("LGPL-2.1.txt").trim()}`,
  ].join("\n\n")
}

/** Every platform package has the same text: the one of the bindings stands for it. */
function duckdbText(): string {
  const licence = readFileSync(join(root, "node_modules/@duckdb/node-bindings/LICENSE"), "utf8")
  return `${licence.trim()}\n\n${own("duckdb.txt").trim()}`
}
