/** A fake Druid with a small datasource of every type, and a file that holds a copy of it. */

import type { VerifyReport } from "../../src/commands/verify/document.ts"
import type { VerifyRequest } from "../../src/commands/verify/verify.ts"
import { verify } from "../../src/commands/verify/verify.ts"
import type { DatasourceSettings } from "../../src/config/settings.ts"
import type { Bench, RunOptions } from "../pull/support.ts"
import type { World } from "../support/fake-druid/fake-druid.ts"
import { DEFAULT_REQUEST } from "./request.ts"

export const NAME = "every-type"
export const TABLE = "every_type"

/** `count` rows on each of the days, two in each millisecond; every kind of value there is. */
export function fill(world: World, days: readonly string[], count = 20): void {
  world.define(NAME, {
    s: "STRING",
    tags: "STRING",
    n: "LONG",
    d: "DOUBLE",
    f: "FLOAT",
    j: "COMPLEX<json>",
    words: "ARRAY<STRING>",
    longs: "ARRAY<LONG>",
    doubles: "ARRAY<DOUBLE>",
    sketch: "COMPLEX<HLLSketch>",
  })
  for (const day of days) {
    const start = Date.parse(`${day}T00:00:00Z`)
    const rows = Array.from({ length: count }, (_, i) => ({
      __time: start + Math.floor(i / 2) * 1000,
      s: i % 5 === 0 ? null : i % 5 === 1 ? "" : `text ${i} é 数 😀`,
      tags: i % 3 === 0 ? ["a", `b${i}`] : i % 3 === 1 ? "one" : null,
      n: i % 4 === 0 ? null : BigInt(i) * 4_611_686_018_427_387n,
      d: [1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, i * 0.1, null][i % 7]!,
      f: i % 6 === 0 ? null : Math.fround(i * 0.1),
      j: i % 4 === 1 ? null : `{"a":[${i},{"b":"x"}]}`,
      words: i % 4 === 2 ? null : ["x", null, `y${i}`],
      longs: i % 4 === 3 ? [] : [BigInt(i), -1n],
      doubles: [i * 0.5, 2],
      sketch: i % 2 === 0 ? null : Buffer.from(`sketch ${i}`).toString("base64"),
    }))
    world.append(NAME, rows)
  }
  world.settle(NAME)
}

export type Given = Partial<VerifyRequest> & { readonly sliceRows?: number }

/** Verifies with the defaults of the command line. */
export function check(
  bench: Bench,
  datasources: readonly DatasourceSettings[],
  given: Given = {},
  options: RunOptions = {},
): Promise<VerifyReport> {
  const { sliceRows = 1_000, ...request } = given
  return bench.with(
    datasources.map((one) => one.name),
    (ports) =>
      verify(ports, {
        ...DEFAULT_REQUEST,
        datasources,
        ...request,
        pull: { ...DEFAULT_REQUEST.pull, sliceRows },
      }),
    options,
  )
}

/** Does something to the file behind druidsync's back. */
export async function tamper(bench: Bench, ...statements: readonly string[]): Promise<void> {
  await bench.with([], ({ engine, file }) =>
    file.write(async () => {
      for (const statement of statements) await engine.run(statement)
    }),
  )
}

/** What differs, in short: `* 2020-01-01 n,s`. */
export function differences(report: VerifyReport): string[] {
  return report.datasources.flatMap((one) =>
    one.different.map(({ mark, interval, columns }) =>
      `${mark} ${interval.slice(0, 10)} ${columns.join(",")}`.trim(),
    ),
  )
}

/** What was skipped, in short: `kept 2020-01-01`. */
export function skips(report: VerifyReport): string[] {
  return report.datasources.flatMap((one) =>
    one.skipped.map(({ kind, interval }) => `${kind} ${interval.slice(0, 10)}`),
  )
}
