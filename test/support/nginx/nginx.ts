/** A real nginx on loopback with a configuration of the test's own. */
import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"

export interface Nginx {
  stop(): Promise<void>
}

/** Installs nginx from Debian's packages where it is missing and may be installed. @throws Error saying what is missing */
function ensureNginx(): string {
  const found = () => {
    try {
      return execFileSync("sh", ["-c", "command -v nginx || command -v /usr/sbin/nginx"]).toString().trim()
    } catch {
      // Not there: the caller tries to install it.
      return undefined
    }
  }
  const there = found()
  if (there !== undefined) return there
  const isRoot = process.getuid?.() === 0
  try {
    if (isRoot) {
      execFileSync(
        "sh",
        ["-c", "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy nginx-light"],
        {
          stdio: "ignore",
        },
      )
    }
  } catch {
    // Said below, in words that help.
  }
  const installed = found()
  if (installed === undefined) throw new Error("nginx is missing: install Debian's package nginx-light")
  return installed
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}

/**
 * Starts nginx in the foreground of a child process.
 * @param servers `server { … }` blocks
 * @param ports waited for until they take connections
 */
export async function startNginx(folder: string, servers: string, ports: readonly number[]): Promise<Nginx> {
  const binary = ensureNginx()
  mkdirSync(join(folder, "logs"), { recursive: true })
  const config = join(folder, "nginx.conf")
  const user = process.getuid?.() === 0 ? "user root;" : ""
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, `tmp-${kind}`)};`,
  )
  writeFileSync(
    config,
    `${user}
daemon off;
worker_processes 1;
pid ${join(folder, "nginx.pid")};
error_log ${join(folder, "logs/error.log")};
events { worker_connections 256; }
http {
  access_log ${join(folder, "logs/access.log")};
  ${temporary.join("\n  ")}
  proxy_http_version 1.1;
  proxy_buffering off;
  proxy_set_header Connection "";
${servers}
}
`,
  )
  const child = spawn(binary, ["-p", folder, "-c", config], { stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  child.stderr.on("data", (piece) => {
    said += String(piece)
  })
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()))
  for (const port of ports) await listening(port, () => (child.exitCode === null ? undefined : said))
  return {
    async stop() {
      child.kill("SIGTERM")
      await ended
    },
  }
}

/** Resolves when the port takes a connection. @throws Error with what the server said when it ended instead */
async function listening(port: number, failed: () => string | undefined): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port })
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
      socket.once("connect", () => socket.destroy())
    })
    if (open) return
    const why = failed()
    if (why !== undefined) throw new Error(`nginx ended: ${why}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`nothing listens on port ${port}`)
}
