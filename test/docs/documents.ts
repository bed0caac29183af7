/** What the commands print with `--json`, from the real program on the fake Druid: plain runs, and all that may be in them. */
import { writeFile } from "node:fs/promises"
import { Desk } from "../commands/support.ts"
import { startFakeDruid } from "../support/fake-druid/fake-druid.ts"

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** By the heading of docs/json.md. The first of each is a plain run, where nothing is wrong. */
export type Documents = Readonly<Record<string, readonly Json[]>>

const row = (time: string, page = "Main", n = 1) => ({ __time: time, page, n: BigInt(n) })

/** Runs every command in good and in bad times. Takes some seconds. */
export async function printedDocuments(): Promise<Documents> {
  const fake = await startFakeDruid()
  const desk = await Desk.open()
  const printed: Record<string, Json[]> = {}
  const { world } = fake
  const run = async (name: string, line: string) => {
    const { stdout } = await desk.run(`${line} --json`)
    const list = printed[name] ?? []
    printed[name] = list
    list.push(JSON.parse(stdout) as Json)
  }
  const both = "-c $c -o $out"
  try {
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

    await run("a command that fails", `pull -c ${desk.path("none.json")} -o $out`)

    // A range, a copy for readers, and one that cannot be made.
    const shown = desk.path("shown.duckdb")
    await run("pull", `pull ${both} --since 2016-06-28 --publish ${shown}`)
    await writeFile(`${shown}.wal`, "")
    world.append("wikipedia", [row("2016-06-29T01:00")])
    world.settle()
    await run("plan", `plan ${both} --until 2016-06-30`)
    await run("verify", `verify ${both} --sample 1 --seed x`)
    await run("verify", `verify ${both}`)
    await run("pull", `pull ${both} --publish ${shown}`)

    // Rows that someone changed, and one that nothing of druidsync put there.
    await desk.sql(`UPDATE file.wikipedia SET n = 7 WHERE page = 'Talk' AND "__time" < '2016-06-28'`)
    await run("verify", `verify ${both} --deep`)
    await desk.sql("INSERT INTO file.wikipedia (\"__time\", page) VALUES ('2015-01-01', 'x')")
    await run("verify", `verify ${both} --deep --repair`)

    // Druid: a name that is not there, a new column, realtime rows, a dropped day, days that are not served.
    world.append("wikipedia", [{ ...row("2016-07-01T01:00"), added: 5n }])
    world.append("wikipedia", [row("2016-07-02T01:00"), row("2016-07-03T01:00")])
    world.settle()
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
    await run("datasources", "datasources -c $c")
    await run("check", `check ${both}`)
    return printed
  } finally {
    await desk.close()
    await fake.stop()
  }
}

/** What was seen at a path such as `datasources[].rows`. */
export interface Seen {
  readonly kinds: ReadonlySet<string>
  /** some objects that could have it do not */
  readonly isOptional: boolean
}

/** Every path of the documents. What was repaired is told as what is different. */
export function pathsOf(documents: readonly Json[]): ReadonlyMap<string, Seen> {
  const kinds = new Map<string, Set<string>>()
  const times = new Map<string, number>()
  const holders = new Map<string, number>()
  const more = (counts: Map<string, number>, path: string) => counts.set(path, (counts.get(path) ?? 0) + 1)
  const walk = (value: Json, path: string): void => {
    if (typeof value !== "object" || value === null) return
    if (Array.isArray(value)) {
      for (const one of value as readonly Json[]) walk(one, `${path}[]`)
      return
    }
    more(holders, path)
    for (const [key, inner] of Object.entries(value)) {
      const at = path === "" ? key : `${path}.${key}`
      more(times, at)
      kinds.set(at, (kinds.get(at) ?? new Set()).add(kindOf(inner)))
      if (STATES.has(at)) for (const one of Object.values(inner as object)) walk(one as Json, `${at}.*`)
      else if (!COLUMNS.has(at)) walk(inner, at.replace("repaired", "different"))
    }
  }
  for (const document of documents) walk(document, "")
  return new Map(
    [...kinds].map(([path, seen]) => {
      const holder = path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : ""
      return [path, { kinds: seen, isOptional: times.get(path)! < holders.get(holder)! }]
    }),
  )
}

/** Objects whose keys are states, and those whose keys are the user's columns. */
const STATES = new Set(["datasources[].parts"])
const COLUMNS = new Set(["datasources[].different[].examples[].row"])

/** In the words of the page. */
function kindOf(value: Json): string {
  if (value === null) return "null"
  if (Array.isArray(value)) {
    const first = value[0] as Json | undefined
    return first === undefined
      ? "list"
      : typeof first === "object"
        ? "list of objects"
        : `list of ${words(first)}`
  }
  return words(value)
}

function words(value: Json): string {
  return { string: "text", number: "number", boolean: "true or false", object: "object" }[
    typeof value as "string"
  ]!
}
