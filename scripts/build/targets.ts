/** The machines an executable can be made for, and which npm packages hold its two native parts. */

export interface Target {
  /** as Bun names it */
  bun: string
  /** holds Bun's binary for it */
  bunPackage: string
  /** holds DuckDB's library and addon for it */
  duckdbPackage: string
}

function target(name: string, bun: string, duckdb: string): [string, Target] {
  return [
    name,
    { bun: `bun-${name}`, bunPackage: `@oven/bun-${bun}`, duckdbPackage: `@duckdb/node-bindings-${duckdb}` },
  ]
}

export const targets: ReadonlyMap<string, Target> = new Map([
  target("linux-x64", "linux-x64", "linux-x64"),
  target("linux-arm64", "linux-aarch64", "linux-arm64"),
  target("linux-x64-musl", "linux-x64-musl", "linux-x64-musl"),
  target("linux-arm64-musl", "linux-aarch64-musl", "linux-arm64-musl"),
  target("darwin-x64", "darwin-x64", "darwin-x64"),
  target("darwin-arm64", "darwin-aarch64", "darwin-arm64"),
  target("windows-x64", "windows-x64", "win32-x64"),
  target("windows-arm64", "windows-aarch64", "win32-arm64"),
])
