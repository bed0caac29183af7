/** What the commands print, as text and as JSON, against the fake Druid. See `golden.ts` for how to rewrite the files. */
import { describe, it } from "bun:test"
import { Desk } from "../commands/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { golden } from "./golden.ts"

const SLOW = 60_000

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  const { world } = fake
  world.define("edits", { page: "STRING", Page: "STRING", tags: "STRING", n: "LONG" })
  for (const day of ["2020-01-01", "2020-01-02", "2020-01-03"]) {
    world.append("edits", [
      { __time: day, page: "a", Page: "A", tags: ["x", "y"], n: 1n },
      { __time: `${day}T01:00`, page: null, Page: "B", tags: "z", n: 2n },
    ])
  }
  world.append("koalas-to-the-max", [{ __time: "2019-08-25T01:00", colour: "red" }])
  world.settle("edits")
  world.settle("koalas-to-the-max")
  await desk.configure(fake, ["edits", "koalas-to-the-max"])
})

/** A copy in which a chunk is out of date, one is kept, one is not served, and one differs. */
async function worn(): Promise<void> {
  const { world } = fake
  await desk.run("pull -c $c -o $out")
  world.append("edits", [{ __time: "2020-01-04T05:00", page: "late" }], { loaded: false })
  world.stream("edits", [{ __time: "2020-01-05T05:00", page: "streamed" }])
  world.markUnused("edits", "2020-01-01/2020-01-02")
  await desk.run("pull -c $c -o $out -q")
  await desk.sql(`UPDATE file.edits SET n = 7 WHERE page = 'a' AND "__time" >= '2020-01-03'`)
}

/** The words of each command, so that a new one is not forgotten. */
const HELP = [
  "--help",
  ..."init check datasources pull export query status report plan verify schema completion man"
    .split(" ")
    .map((name) => `${name} --help`),
]

describe("golden files", () => {
  it("of the overview and the help", () => golden("help", desk, fake, HELP), SLOW)

  it(
    "of words that are not understood",
    () =>
      golden("usage", desk, fake, [
        "",
        "--version",
        "statsu",
        "pull",
        "pull -o $out --jsno",
        "pull -o $out --out x",
        "query -o $out --format xml",
        "status -o $out --json=5",
        "status -o",
        "pull -c $c -o $out --only edit",
        "pull -c $c -o $out --only ,",
        "pull -c $c -o $out --since yesterday --json",
        "pull -c $c -o $out --shard 5/4",
        "pull -c nowhere.json -o $out --json --log-format json",
        "verify -c $c -o $out --seed x",
        "verify -c $c -o $out --part x",
        "verify -c $c -o $out --lake x",
        "verify -c $c -o $out --sample much",
        "query -o $out --format parquet",
        "status -o $out --json",
        "export -o $out --to lake",
        "completion tcsh",
        "init --yes",
      ]),
    SLOW,
  )

  it("of the manual page", () => golden("man", desk, fake, ["man"]), SLOW)

  it(
    "of a cluster: check, datasources, schema, plan",
    () =>
      golden("cluster", desk, fake, [
        "check -c $c -o $out",
        "check -c $c --json",
        "datasources -c $c",
        "datasources -c $c --json",
        "schema -c $c",
        "schema -c $c --only edits --json",
        "plan -c $c -o $out",
        "plan -c $c -o $out --json",
        "pull -c $c -o $out -n --quiet --only edits",
      ]),
    SLOW,
  )

  it(
    "of pulls, and of the file after them",
    () =>
      golden("pull", desk, fake, [
        "pull -c $c -o $out",
        "status -o $out",
        "pull -c $c -o $out -v",
        "pull -c $c -o $out --full --only edits --log-format json",
        "pull -c $c -o $out --json",
        "verify -c $c -o $out",
        "query -o $out",
      ]),
    SLOW,
  )

  it(
    "of a window that moves on, and of a clock that runs a year ahead",
    async () => {
      desk.nowMs = Date.parse("2020-01-03T12:00:00Z")
      await desk.configure(fake, [{ name: "edits", keep: "1d" }])
      await desk.run("pull -c $c -o $out -q")
      desk.nowMs += 86_400_000
      await golden("window", desk, fake, [
        "plan -c $c -o $out",
        "pull -c $c -o $out",
        "status -o $out",
        "status -o $out --json",
        "verify -c $c -o $out",
        "pull -c $c -o $out --until 2020-01-02",
      ])
      desk.nowMs += 31_536_000_000
      await golden("clock", desk, fake, ["plan -c $c -o $out", "pull -c $c -o $out", "status -o $out"])
    },
    SLOW,
  )

  it(
    "of a copy with something wrong",
    async () => {
      await worn()
      await golden("worn", desk, fake, [
        "plan -c $c -o $out -v",
        "pull -c $c -o $out",
        "pull -c $c -o $out --json -q",
        "status -o $out",
        "status -o $out --json --exit-code",
        "verify -c $c -o $out",
        "verify -c $c -o $out --deep --json",
        "verify -c $c -o $out --quiet --log-format json",
        "schema -c $c -o $out --only edits",
        `report -o $out --json`,
      ])
    },
    SLOW,
  )

  it(
    "of patterns, and of a datasource that becomes two tables",
    async () => {
      await desk.configure(fake, [
        "*",
        "!tmp_*",
        { name: "koalas*", since: "2019-08-01" },
        "nothing_*",
        "edits",
        { name: "edits", table: "pages", columns: ["page"] },
      ])
      fake.world.append("tmp_x", [{ __time: "2020-01-01" }])
      await golden("patterns", desk, fake, [
        "datasources -c $c",
        "check -c $c",
        "plan -c $c -o $out",
        "pull -c $c -o $out",
      ])
      fake.world.append("later", [{ __time: "2020-01-01" }])
      fake.world.deleteDatasource("koalas-to-the-max")
      await golden("patterns-later", desk, fake, [
        "plan -c $c -o $out",
        "pull -c $c -o $out --only koalas-to-the-max --json",
        "pull -c $c -o $out",
        "verify -c $c -o $out",
        "status -o $out",
      ])
    },
    SLOW,
  )

  it(
    "of the lake",
    async () => {
      await desk.run("pull -c $c -o $out")
      await golden("lake", desk, fake, [
        `export -o $out --to ${desk.path("lake")} -v`,
        `export -o $out --to ${desk.path("lake")} --json`,
        `export -o $out --to ${desk.path("lake")} --quiet`,
        `verify --lake ${desk.path("lake")} -o $out`,
        `verify --lake ${desk.path("lake")} -o $out --json`,
      ])
    },
    SLOW,
  )
})
