/** What the commands print with `--json`, from the real program on the fake Druid: plain runs, and all that may be in them. */
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Desk } from "../commands/support.ts"
import type { Runner } from "../support/conformance/runner.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** By their names in `scripts/docs/documents.ts`. The first of each is a plain run, where nothing is wrong. */
export type Documents = Readonly<Record<string, readonly Json[]>>

const row = (time: string, page = "Main", n = 1) => ({ __time: time, page, n: BigInt(n) })

/** Runs a command line, where `$c` and `$out` stand for the configuration and the file. */
type Run = (line: string) => Promise<{ readonly stdout: string }>

class Printer {
  readonly printed: Record<string, Json[]> = {}
  readonly #run: Run

  constructor(run: Run) {
    this.#run = run
  }

  readonly run = async (name: string, line: string): Promise<void> => {
    const { stdout } = await this.#run(`${line} --json`)
    const list = this.printed[name] ?? []
    this.printed[name] = list
    list.push(JSON.parse(stdout) as Json)
  }
}

const both = "-c $c -o $out"

/** Each command once, where nothing is wrong, and an error. */
async function plainRuns(desk: Desk, fake: FakeDruid, run: Printer["run"]): Promise<void> {
  const { world } = fake
  world.define("wikipedia", { page: "STRING", n: "LONG" })
  world.append("wikipedia", [row("2016-06-27T01:00"), row("2016-06-27T02:00", "Talk", 2)])
  world.append("wikipedia", [row("2016-06-28T01:00"), row("2016-06-28T02:00", "Talk", 2)])
  world.settle()
  await desk.configure(fake, ["wikipedia"])
  await run("plan", `plan ${both}`)
  await run("pull", `pull ${both}`)
  await run("status", "status -o $out")
  await run("verify", `verify ${both}`)
  await run("schema", `schema ${both}`)
  await run("datasources", "datasources -c $c")
  await run("check", `check ${both}`)
  await run("init", `init -c ${desk.path("new.json")} --host ${new URL(fake.url).host} --yes`)
  await run("report", `report -o $out --to ${desk.path("page.html")}`)
  await run("export", `export -o $out --to ${desk.path("lake")}`)
  await run("verify-lake", `verify -o $out --lake ${desk.path("lake")}`)
  await run("error", `pull -c ${desk.path("none.json")} -o $out`)
}

/** What the plain runs of a program print, such as the built one. */
export async function printedBy(program: Runner): Promise<Documents> {
  const fake = await startFakeDruid()
  const desk = await Desk.open()
  try {
    const words: Readonly<Record<string, string>> = { $c: desk.path("c.json"), $out: desk.out }
    const printer = new Printer((line) => program.run(line.split(" ").map((word) => words[word] ?? word)))
    await plainRuns(desk, fake, printer.run)
    return printer.printed
  } finally {
    await desk.close()
    await fake.stop()
  }
}

/** Runs every command in good and in bad times. Takes some seconds. */
export async function printedDocuments(): Promise<Documents> {
  const fake = await startFakeDruid()
  const desk = await Desk.open()
  const { printed, run } = new Printer((line) => desk.run(line))
  const { world } = fake
  const lake = desk.path("lake")
  try {
    await plainRuns(desk, fake, run)

    // A range, a copy for readers, and one that cannot be made.
    const shown = desk.path("shown.duckdb")
    await run("pull", `pull ${both} --since 2016-06-28 --publish ${shown}`)
    await writeFile(`${shown}.wal`, "")
    world.append("wikipedia", [row("2016-06-29T01:00")])
    world.settle()
    await run("plan", `pull ${both} --dry-run --until 2016-06-30 --direct`)
    await run("verify", `verify ${both} --sample 1 --seed x`)
    await run("verify", `verify ${both}`)
    await run("pull", `pull ${both} --publish ${shown}`)

    // Rows that someone changed, and one that nothing of druidsync put there.
    await desk.sql(`UPDATE file.wikipedia SET n = 7 WHERE page = 'Talk' AND "__time" < '2016-06-28'`)
    await run("verify", `verify ${both} --deep`)
    await desk.sql("INSERT INTO file.wikipedia (\"__time\", page) VALUES ('2015-01-01', 'x')")
    await run("verify", `verify ${both}`)
    await run("verify", `verify ${both} --deep --repair`)

    // Druid: a name that is not there, a new column, realtime rows, a dropped day, days that are not served, one of whose
    // core set a partition is missing.
    world.append("wikipedia", [{ ...row("2016-07-01T01:00"), added: 5n }])
    world.append("wikipedia", [row("2016-07-02T01:00"), row("2016-07-03T01:00")])
    world.settle()
    const day = "2016-07-05/2016-07-06"
    world.overwrite("wikipedia", day, [row("2016-07-05T01:00"), row("2016-07-05T02:00")], { partitions: 2 })
    world.settle()
    world.dropPartition("wikipedia", day, 1)
    world.stream("live", [row("2016-07-04T01:00")])
    world.markUnused("wikipedia", "2016-06-27/2016-06-28")
    world.setAvailable("wikipedia", "2016-07-02/2016-07-03", false)
    world.setCold("wikipedia", "2016-07-03/2016-07-04", true)
    world.setAvailable("wikipedia", "2016-07-03/2016-07-04", false)
    await desk.configure(fake, ["wikipedia", "live", "wikipdia"])
    await run("plan", `plan ${both}`)
    await run("pull", `pull ${both} --settle-wait 0`)
    await run("status", "status -o $out")
    await run("verify", `verify ${both}`)
    await run("schema", `schema ${both}`)
    await run("check", `check ${both}`)
    await desk.configure(fake, ["wikipedia", { name: "wikipedia", table: "beside" }, "live", "wikipdia"])
    await run("datasources", "datasources -c $c")
    await desk.configure(fake, ["wikipedia", "live", "wikipdia"])
    await run("export", `export -o $out --to ${lake}`)
    world.append("live", [row("2099-01-01")])
    await run("pull", `pull ${both} --settle-wait 0`)
    // States that only a run which was broken off leaves behind.
    await desk.sql(
      "UPDATE file._sync_chunks SET state = if(day(epoch_ms(start_ms)) = 28, 'stale', 'unproven')",
    )
    await run("status", "status -o $out")
    await rm(join(lake, "wikipedia/year=2016"), { recursive: true })
    await run("verify-lake", `verify -o $out --lake ${lake} --deep`)
    await run("export", `export -o $out --to ${lake} --partition day --rewrite`)

    world.lookups.set("countries", { DE: "Germany" })
    world.lookups.set("users", undefined)
    await desk.configure(fake, ["wikipedia"], { keep: "3650d", lookups: ["countries", "users", "nobody"] })
    await run("schema", `schema ${both}`)
    await run("check", `check ${both}`)
    await run("plan", `plan ${both}`)
    await run("pull", `pull ${both} --settle-wait 0`)
    await run("status", "status -o $out")
    await run("verify", `verify ${both}`)
    await run("datasources", "datasources -c $c")
    await run("export", `export -o $out --to ${desk.path("other")}`)
    // Rows that are enough for a sample of their groups.
    world.append("many", new Array(10_001).fill(row("2016-07-01T01:00")))
    world.settle()
    await desk.configure(fake, [{ name: "many", aggregate: { every: "day" } }])
    await run("plan", `plan ${both}`)
    // What a pattern matched, and is listed no more.
    world.deleteDatasource("live")
    await desk.configure(fake, ["wikipedia", "li*"])
    await run("pull", `pull ${both} --settle-wait 0`)
    return printed
  } finally {
    await desk.close()
    await fake.stop()
  }
}
