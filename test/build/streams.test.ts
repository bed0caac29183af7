/**
 * stdout, stderr and `--to` that break, on the executable: a run goes on to its end, tidies up, writes its metrics and
 * pings, and its exit code is that of the work; a result that did not arrive whole is exit 1 with one sentence.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, setDefaultTimeout } from "bun:test"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { Desk } from "../commands/support.ts"
import { executable, executablePath } from "../support/conformance/runner.ts"
import { type FakeDruid, startFakeDruid, waitFor } from "../support/fake-druid/fake-druid.ts"

setDefaultTimeout(60_000)

let fake: FakeDruid
let desk: Desk
/** hears the pings */
let switchboard: Server
let pings: string[]
beforeAll(async () => {
  // Says how it is built where it is not there.
  executable()
  fake = await startFakeDruid()
  switchboard = createServer((request, response) => {
    pings.push(request.url!)
    response.end()
  }).listen(0, "127.0.0.1")
})
afterAll(async () => {
  switchboard.close()
  await fake.stop()
})
beforeEach(async () => {
  fake.reset()
  pings = []
  desk = await Desk.open()
  for (const day of ["2020-01-01", "2020-01-02"]) {
    fake.world.append(
      "edits",
      Array.from({ length: 500 }, (_, n) => ({ __time: `${day}T01:00`, page: `a page with a name ${n}` })),
    )
  }
  await desk.configure(fake, ["edits"])
  // A full device of our own: what replaces it by a file harms nobody. Without root it cannot be replaced.
  await shell("mknod full c 1 7 || ln -s /dev/full full")
})
afterEach(() => desk.close())

/** Runs a line of bash in the desk's folder; `$D` is the executable, and a pipe ends with what its first command ends with. */
async function shell(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { port } = switchboard.address() as AddressInfo
  const child = Bun.spawn(["bash", "-c", `set -o pipefail\n${line}`], {
    cwd: desk.folder,
    env: { ...process.env, D: executablePath, PING: `http://127.0.0.1:${port}/job` },
    stdout: "pipe",
    stderr: "pipe",
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  return { code, stdout, stderr }
}

const PULL = `"$D" pull -c c.json -o a.duckdb --settle-wait 0s`
const tidy = () => expect(readdirSync(desk.folder)).not.toContain("a.duckdb.druidsync")

async function pulled(): Promise<void> {
  expect((await shell(`${PULL} -q`)).code).toBe(0)
}

/** One sentence and a hint: no stack. */
function expectSentence(stderr: string): void {
  expect(stderr).toMatch(/^druidsync: [^\n]*no space left[^\n]*\n( {2}→ [^\n]+\n)?$/)
}

describe("a reader of stdout that goes away", () => {
  it("changes nothing about a pull: exit code, metrics, ping, tidiness", async () => {
    fake.world.append("edits", [{ __time: "2020-01-03T01:00", page: "late" }], { loaded: false })
    const ran = await shell(`${PULL} --json --metrics m.prom --ping "$PING" | true`)
    expect(ran.code).toBe(3)
    expect(readFileSync(desk.path("m.prom"), "utf8")).toMatch(/^druidsync_last_run_exit_code\{.*\} 3$/m)
    expect(pings).toEqual(["/job/start", "/job/fail"])
    tidy()
  })

  it("is no failure of a query, which ends early", async () => {
    await pulled()
    const ran = await shell(`"$D" query -o a.duckdb --format csv "FROM range(1000000000000)" | head -n 2`)
    expect(ran).toEqual({ code: 0, stdout: "range\n0\n", stderr: "" })
  })

  it("is no failure of status", async () => {
    await pulled()
    expect((await shell(`"$D" status -o a.duckdb | true`)).code).toBe(0)
  })
})

describe("a reader of stderr that goes away", () => {
  it("does not end a pull that logs to it", async () => {
    const ran = await shell(`${PULL} -v --log-format json 2> >(head -n 1 > first.json)`)
    expect(ran.code).toBe(0)
    expect(JSON.parse(readFileSync(desk.path("first.json"), "utf8"))).toMatchObject({ event: "looking" })
    tidy()
  })
})

describe("a full device", () => {
  it("as stdout of a query is exit 1 with a sentence", async () => {
    await pulled()
    const ran = await shell(`"$D" query -o a.duckdb "FROM edits" > full`)
    expect(ran.code).toBe(1)
    expectSentence(ran.stderr)
  })

  for (const command of ["status -o a.duckdb --json", "status -o a.duckdb", "pull --help"]) {
    it(`as stdout of ${command} is exit 1 with a sentence`, async () => {
      await pulled()
      const ran = await shell(`"$D" ${command} > full`)
      expect(ran.code).toBe(1)
      expectSentence(ran.stderr)
    })
  }

  it("as stdout of a pull is exit 1, after its metrics and its ping", async () => {
    const ran = await shell(`${PULL} -q --json --metrics m.prom --ping "$PING" > full`)
    expect(ran.code).toBe(1)
    expectSentence(ran.stderr)
    expect(readFileSync(desk.path("m.prom"), "utf8")).toMatch(/^druidsync_last_run_exit_code\{.*\} 0$/m)
    expect(pings).toEqual(["/job/start", "/job"])
    tidy()
  })

  it("as stderr changes nothing", async () => {
    expect((await shell(`${PULL} 2> full`)).code).toBe(0)
    tidy()
  })

  for (const format of ["csv", "json", "table", "parquet"]) {
    it(`as --to of a query in ${format} is exit 1 with a sentence, and stays a device`, async () => {
      await pulled()
      const ran = await shell(`"$D" query -o a.duckdb --format ${format} "FROM edits" --to full`)
      expect(ran.code).toBe(1)
      expectSentence(ran.stderr)
      expect(statSync(desk.path("full")).isCharacterDevice()).toBe(true)
    })
  }
})

describe("a file that may not grow", () => {
  it("as stdout is exit 1, though a part of the text was taken", async () => {
    await pulled()
    const ran = await shell(`ulimit -f 8; "$D" query -o a.duckdb --format csv "FROM edits" > rows.csv`)
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain("druidsync: stdout cannot be written: ")
  })

  it("as --to is exit 1, and no file is there", async () => {
    await pulled()
    const ran = await shell(`ulimit -f 8; "$D" query -o a.duckdb --format csv "FROM edits" --to rows.csv`)
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain("rows.csv cannot be written: ")
    expect(readdirSync(desk.folder).filter((name) => name.startsWith("rows.csv"))).toEqual([])
  })
})

describe("a pipe as --to", () => {
  it("gets the rows, and stays a pipe", async () => {
    await pulled()
    const ran = await shell(
      `mkfifo rows; cat rows > copy.csv & "$D" query -o a.duckdb --format csv "SELECT count(*) AS n FROM edits" --to rows; code=$?; wait; exit $code`,
    )
    expect(ran.code).toBe(0)
    expect(readFileSync(desk.path("copy.csv"), "utf8")).toBe("n\n1000\n")
    expect(statSync(desk.path("rows")).isFIFO()).toBe(true)
  })
})

describe("a closed descriptor", () => {
  it("is as good as /dev/null: the file of the copy is not taken for it", async () => {
    expect((await shell(`${PULL} --json >&- 2>&-`)).code).toBe(0)
    expect((await shell(`"$D" status -o a.duckdb --json >&-`)).code).toBe(0)
    const ran = await shell(`"$D" query -o a.duckdb --format csv "SELECT count(*) AS n FROM edits"`)
    expect(ran.stdout).toBe("n\n1000\n")
  })
})

describe("SIGHUP", () => {
  /** Starts a pull, sends the signal while its rows are asked for, and lets Druid answer then if it is still asked. */
  async function hungUp(line: string) {
    const sent = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    fake.hooks.beforeRequest = (kind) => {
      if (kind !== "scan") return undefined
      arrived.resolve()
      return waitFor(sent.promise)
    }
    const ran = shell(`${line} & echo $! > pid; wait $!`)
    await arrived.promise
    process.kill(Number(readFileSync(desk.path("pid"), "utf8")), "SIGHUP")
    return { ran, answer: () => sent.resolve() }
  }

  it("ends a pull as SIGTERM does: queries cancelled, nothing left behind, exit 130", async () => {
    const { ran, answer } = await hungUp(`${PULL} --json`)
    const { code, stdout } = await ran
    answer()
    expect(code).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "interrupted", exitCode: 130 })
    expect(fake.log.of("cancel").length).toBeGreaterThan(0)
    tidy()
  })

  it("does not end a pull that was started to outlive its terminal", async () => {
    const { ran, answer } = await hungUp(`(trap '' HUP; exec ${PULL})`)
    answer()
    expect((await ran).code).toBe(0)
  })
})
