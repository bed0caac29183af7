/**
 * The bill of materials, CycloneDX 1.5 in JSON. Unlike `npm sbom` it names the native parts of every target, and neither a
 * serial number nor a time: the same release gives the same bytes.
 */
import type { Component, NativeComponents } from "./components.ts"

/** An executable, or the package for npm. */
export interface Artifact {
  /** its name in the release */
  name: string
  /** in hex */
  sha256: string
  /** of an executable */
  native?: NativeComponents | undefined
  /** what was taken out of the native packages, in hex */
  parts?: readonly { name: string; of: string; sha256: string }[] | undefined
}

export interface Release {
  name: string
  version: string
  description: string
  license: string
  /** names of the packages that the sources import */
  needs: readonly string[]
  /** those and what they need */
  runtime: readonly Component[]
  artifacts: readonly Artifact[]
}

/** The document's text. */
export function sbomText(release: Release): string {
  const self = `pkg:npm/${release.name}@${release.version}`
  const natives = release.artifacts.flatMap(({ native }) => (native ? [native.bun, native.duckdb] : []))
  const packages = [...new Map([...release.runtime, ...natives].map((one) => [purl(one), one])).values()]
  const byName = new Map(packages.map((one) => [one.name, one]))
  const refs = (names: readonly string[]) => names.map((name) => purl(byName.get(name)!)).toSorted()
  const document = {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        "bom-ref": self,
        type: "application",
        name: release.name,
        version: release.version,
        description: release.description,
        licenses: licences(release.license),
        purl: self,
      },
    },
    components: [
      ...packages.toSorted((a, b) => (purl(a) < purl(b) ? -1 : 1)).map(packageEntry),
      ...release.artifacts.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(artifactEntry),
    ],
    dependencies: [
      { ref: self, dependsOn: refs(release.needs) },
      ...packages
        .map((one) => ({ ref: purl(one), dependsOn: refs(one.needs) }))
        .toSorted((a, b) => (a.ref < b.ref ? -1 : 1)),
      ...release.artifacts
        .map(({ name, native }) => ({
          ref: artifactRef(name),
          dependsOn: [self, ...(native ? [purl(native.bun), purl(native.duckdb)] : [])].toSorted(),
        }))
        .toSorted((a, b) => (a.ref < b.ref ? -1 : 1)),
    ],
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

/** https://github.com/package-url/purl-spec: the `@` of a scope is written as %40 */
export function purl({ name, version }: { name: string; version: string }): string {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`
}

function packageEntry(component: Component) {
  return {
    "bom-ref": purl(component),
    type: "library",
    name: component.name,
    version: component.version,
    hashes: [{ alg: "SHA-512", content: hexOf(component.integrity) }],
    licenses: licences(component.license),
    purl: purl(component),
  }
}

const artifactRef = (name: string) => `file:${name}`

function artifactEntry({ name, sha256, parts }: Artifact) {
  return {
    "bom-ref": artifactRef(name),
    type: "file",
    name,
    hashes: [{ alg: "SHA-256", content: sha256 }],
    ...(parts === undefined || parts.length === 0
      ? {}
      : {
          components: parts.map((part) => ({
            "bom-ref": `${artifactRef(name)}#${part.name}`,
            type: "file",
            name: part.name,
            description: `from ${part.of}`,
            hashes: [{ alg: "SHA-256", content: part.sha256 }],
          })),
        }),
  }
}

/** An id where it is a single licence, else an expression: the schema wants it so. */
function licences(license: string) {
  return [/\s/.test(license) ? { expression: license } : { license: { id: license } }]
}

/** npm's integrity in hex. @throws Error where it is not one SHA-512 */
function hexOf(integrity: string): string {
  const [, base64] = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity) ?? []
  if (base64 === undefined) throw new Error(`"${integrity}" is no SHA-512 integrity`)
  return Buffer.from(base64, "base64").toString("hex")
}
