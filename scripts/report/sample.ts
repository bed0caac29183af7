/**
 * A DuckDB file as a few weeks of pulls leave it, made with the fake Druid: several datasources, realtime rows, dropped
 * and missing days, drift, failed runs, verifications. For looking at `druidsync report` (`scripts/report/look.ts`).
 *
 *     bun scripts/report/sample.ts DIR
 *
 * writes DIR/analytics.duckdb and DIR/analytics.report.html.
 */
import { copyFile, mkdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { Desk } from "../../test/commands/support.ts"
import { startFakeDruid } from "../../test/support/fake-druid/fake-druid.ts"

const DAY = 86_400_000

/** A day as Druid's intervals name it. */
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/** Makes the file and its report in the folder. @returns path of the report */
export async function makeSample(folder: string): Promise<string> {
  const fake = await startFakeDruid()
  const desk = await Desk.open()
  try {
    const { world } = fake
    const today = Date.UTC(2026, 4, 20)
    const wave = (n: number) =>
      Math.round(60 + 35 * Math.sin(n / 3.5) + 18 * Math.sin(n * 2.1) + (n % 7 < 2 ? -30 : 0))
    const rows = (day: number, count: number, more: (n: number) => object = () => ({})) =>
      Array.from({ length: Math.max(3, count) }, (_, n) => ({
        __time: day + Math.floor((n * DAY) / Math.max(3, count)),
        channel: `#${["en", "de", "fr", "日本"][n % 4]}.wikipedia`,
        page: n % 9 === 0 ? null : `Page ${n}`,
        tags: n % 3 === 0 ? ["bot", "minor"] : "plain",
        added: BigInt(n * 17),
        ...more(n),
      }))
    const names = ["wikipedia", "orders.eu-west", "clicks realtime", "sensors_hourly", '<b>odd & "named"</b>']
    const pull = (line = "") => desk.run(`pull --config $c --out $out --settle-wait 0s${line}`)
    await desk.configure(fake, names.slice(0, 4))

    // First a long past.
    for (let n = 70; n > 12; n--) world.append("wikipedia", rows(today - n * DAY, wave(n)))
    for (let n = 40; n > 12; n--)
      if (n % 11 !== 0) world.append("orders.eu-west", rows(today - n * DAY, 30 + n))
    for (let n = 30; n > 12; n--) world.append("clicks realtime", rows(today - n * DAY, 25 + ((n * 7) % 20)))
    world.append(
      "sensors_hourly",
      Array.from({ length: 72 }, (_, n) => ({
        __time: today - 15 * DAY + n * 3_600_000,
        celsius: 20 + (n % 7),
      })),
      { granularity: "HOUR" },
    )
    world.settle()
    desk.nowMs = today - 12 * DAY + 6 * 3_600_000
    await pull()

    // Then a pull a day, while Druid changes.
    for (let n = 12; n > 0; n--) {
      const day = today - n * DAY
      desk.nowMs = day + DAY + 6 * 3_600_000
      world.append("wikipedia", rows(day, wave(n), n < 9 ? (i) => ({ city: `city ${i % 5}` }) : undefined))
      world.append("clicks realtime", rows(day, 30))
      if (n > 3)
        world.append("orders.eu-west", rows(day, 40, n < 8 ? (i) => ({ added: i * 0.5 }) : undefined))
      world.settle()
      if (n === 10) world.markUnused("wikipedia", `${dayOf(today - 70 * DAY)}/${dayOf(today - 61 * DAY)}`)
      if (n === 6)
        world.setAvailable("orders.eu-west", `${dayOf(today - 9 * DAY)}/${dayOf(today - 7 * DAY)}`, false)
      if (n === 5) await desk.configure(fake, [...names.slice(0, 4), names[4]!])
      if (n === 2)
        world.overwrite(
          "orders.eu-west",
          `${dayOf(today - 20 * DAY)}/${dayOf(today - 17 * DAY)}`,
          rows(today - 19 * DAY, 90),
          {
            loaded: false,
          },
        )
      await pull()
      if (n === 4) await desk.run("verify --config $c --out $out --only wikipedia")
      if (n === 3) world.append(names[4]!, rows(today - 9 * DAY, 12))
    }
    world.stream(
      "clicks realtime",
      rows(today, 12).map((row) => ({ ...row, __time: row.__time + 6_000 })),
    )
    world.append("orders.eu-west", rows(today - DAY, 22), { loaded: false })
    desk.nowMs = today + 8 * 3_600_000
    await pull()
    await desk.run("verify --config $c --out $out --deep --sample 5% --seed x --only wikipedia")
    await desk.run(["verify", "--config", "$c", "--out", "$out", "--only", "clicks realtime"])
    desk.nowMs += 20 * 60_000
    await desk.run("report --out $out")
    await mkdir(folder, { recursive: true })
    await copyFile(desk.out, join(folder, "analytics.duckdb"))
    const report = await desk.run([
      "report",
      "--out",
      join(folder, "analytics.duckdb"),
      "--to",
      join(folder, "analytics.report.html"),
    ])
    if (report.code !== 0) throw new Error(report.stderr)
    return join(folder, "analytics.report.html")
  } finally {
    await desk.close()
    await fake.stop()
  }
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) {
    console.error("give a folder: bun scripts/report/sample.ts DIR")
    process.exit(2)
  }
  console.log(await makeSample(resolve(folder)))
}
