/** Credentials that run out in the middle of a run. */
import { afterEach, describe, expect, it } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { CLIENT, TokenServer } from "../support/token-server/token-server.ts"
import { useFake } from "./support.ts"

const here = useFake()
const servers: TokenServer[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.stop()
})

/** Days of rows; Druid accepts `token-1` until the n-th request for rows, and then `after` alone. */
async function druidThatForgets(after: string, nth = 2): Promise<void> {
  const rows = Array.from({ length: 4 }, (_, day) => ({
    __time: `2024-01-0${day + 1}T00:00:00.000Z`,
    page: `page ${day}`,
  }))
  await here.stage.world.create("wiki", rows, { columns: { page: "string" } })
  here.fake.credentials = { bearer: "token-1" }
  here.fake.hooks.beforeRequest = (kind, n, request, site) => {
    if (kind === "scan" && n === nth && request.headers.authorization === "Bearer token-1") {
      site.credentials = { bearer: after }
      return { do: "reply", reply: { status: 401, body: "<html>expired</html>" } }
    }
  }
}

describe("a token that runs out in the middle of a run", () => {
  it("is read again from its file, and the run is complete", async () => {
    await druidThatForgets("token-2")
    const file = join(here.stage.folder, "token")
    writeFileSync(file, "token-1\n")
    here.stage.config(["wiki"], { token: { file }, sliceRows: 1, concurrency: 1 })
    const { beforeRequest } = here.fake.hooks
    here.fake.hooks.beforeRequest = (kind, n, request, site) => {
      if (kind === "scan" && n === 2) writeFileSync(file, "token-2\n")
      return beforeRequest?.(kind, n, request, site)
    }
    const pulled = await here.stage.pullExactly()
    expect(pulled.rows).toBe(4)
    expect(pulled.stdout + pulled.stderr).not.toContain("token-")
  })

  it("is asked for again from its program", async () => {
    await druidThatForgets("token-2")
    const file = join(here.stage.folder, "count")
    const script = `n=$(cat "${file}" 2>/dev/null || echo 0); n=$((n+1)); echo $n > "${file}"; echo token-$n`
    here.stage.config(["wiki"], {
      token: { command: ["sh", "-c", script] },
      sliceRows: 1,
      concurrency: 1,
    })
    expect((await here.stage.pullExactly()).rows).toBe(4)
  })

  it("ends the run where it still gives the same: exit 4", async () => {
    await druidThatForgets("token-2")
    const file = join(here.stage.folder, "token")
    writeFileSync(file, "token-1\n")
    here.stage.config(["wiki"], { token: { file }, sliceRows: 1, concurrency: 1 })
    const pulled = await here.stage.pull()
    expect(pulled.exitCode).toBe(4)
    expect(pulled.stdout + pulled.stderr).not.toContain("token-1")
  })

  it("comes new from a token server, and the run is complete", async () => {
    const server = await TokenServer.start()
    servers.push(server)
    server.lifetime = 2
    await druidThatForgets("token-2-of-the-server")
    here.fake.credentials = { bearer: "token-1-of-the-server" }
    here.fake.hooks.beforeRequest = (kind, n, _, site) => {
      if (kind === "scan" && n === 2) site.credentials = { bearer: "token-2-of-the-server" }
    }
    here.stage.config(["wiki"], {
      token: { oauth2: { tokenUrl: server.url, ...CLIENT } },
      sliceRows: 1,
      concurrency: 1,
    })
    const pulled = await here.stage.pullExactly()
    expect(pulled.rows).toBe(4)
    expect(pulled.stdout + pulled.stderr).not.toContain("of-the-server")
  })
})

describe("headers of the configuration", () => {
  it("go with each request, and are in no message", async () => {
    await here.stage.world.create("wiki", [{ __time: "2024-01-01T00:00:00.000Z", page: "a" }], {
      columns: { page: "string" },
    })
    writeFileSync(join(here.stage.folder, "key"), "a-key-for-druid")
    here.stage.config(["wiki"], { headers: { "X-Api-Key": { file: "key" }, Cookie: "session=1" } })
    const pulled = await here.stage.pullExactly()
    const seen = here.fake.log.entries.map(({ headers }) => [headers["x-api-key"], headers.cookie])
    expect(new Set(seen.map((one) => one.join()))).toEqual(new Set(["a-key-for-druid,session=1"]))
    expect(pulled.stdout + pulled.stderr).not.toContain("a-key")
  })

  it("that the program sets itself, or that no header can be, are refused: exit 2", async () => {
    here.stage.config(["wiki"], {
      headers: {
        Authorization: "x",
        "Content-Length": "1",
        "a b": "x",
        "X-Two": { env: "NOT_SET_ANYWHERE" },
      },
    })
    const { exitCode, stderr } = await here.stage.runner.run(here.stage.args())
    expect(exitCode).toBe(2)
    for (const said of ["Authorization", '"token"', "Content-Length", '"a b"', "NOT_SET_ANYWHERE"])
      expect(stderr).toContain(said)
  })
})
