/**
 * Looks at a report in a real headless Chromium: screenshots at the widths of a phone and a desktop, light and dark,
 * and whether the page asked for anything, overflowed, or complained. Chromium has to be installed (`chromium` on PATH,
 * or CHROMIUM in the environment); without it this says so and ends with 2.
 *
 *     bun scripts/report/look.ts REPORT.html DIR [AXE.js]
 *
 * With the path of axe-core's one file (`axe.min.js`, got from npm into a folder elsewhere) it also runs that, at both
 * widths and in both schemes.
 */
import { spawn } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

const [page, folder, axe] = process.argv.slice(2)
if (page === undefined || folder === undefined) {
  console.error("give a page and a folder: bun scripts/report/look.ts REPORT.html DIR [axe.min.js]")
  process.exit(2)
}

const WIDTHS = { phone: 360, desktop: 1440 } as const
const SCHEMES = ["light", "dark"] as const

/** Chromium and its devtools socket. */
async function startChromium() {
  const profile = await mkdtemp(join(tmpdir(), "druidsync-look-"))
  const program = process.env.CHROMIUM ?? "chromium"
  const flags =
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars --remote-debugging-port=0"
  const child = spawn(program, [...flags.split(" "), `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
  })
  const url = await new Promise<string>((done, fail) => {
    child.on("error", () =>
      fail(new Error(`${program} cannot be started: install chromium to look at a report`)),
    )
    child.on("exit", (code) => fail(new Error(`${program} ended with ${code} before it could be spoken to`)))
    let said = ""
    child.stderr.on("data", (bytes) => {
      said += bytes
      const found = /DevTools listening on (ws:\S+)/.exec(said)
      if (found !== null) done(found[1]!)
    })
  })
  return {
    url,
    async stop() {
      const over = new Promise((done) => child.once("exit", done))
      child.removeAllListeners("exit")
      child.once("exit", () => undefined)
      child.kill("SIGTERM")
      await Promise.race([over, new Promise((done) => setTimeout(done, 3_000))])
      child.kill("SIGKILL")
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

type Params = Record<string, unknown>
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Params
  readonly result?: Params
  readonly error?: { message: string }
}

/** The devtools protocol over one socket. */
async function devtools(url: string) {
  const socket = new WebSocket(url)
  await new Promise((done, fail) => {
    socket.addEventListener("open", done)
    socket.addEventListener("error", fail)
  })
  let next = 0
  const waiting = new Map<number, (message: Message) => void>()
  const events: Message[] = []
  const listeners: ((message: Message) => void)[] = []
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    else {
      events.push(message)
      for (const listener of listeners) listener(message)
    }
  })
  return {
    events,
    send: (method: string, params: Params = {}, sessionId?: string) =>
      new Promise<Params>((done, fail) => {
        const id = ++next
        waiting.set(id, (message) =>
          message.error === undefined
            ? done(message.result ?? {})
            : fail(new Error(`${method}: ${message.error.message}`)),
        )
        socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
      }),
    event: (method: string) =>
      new Promise<Message>((done) => {
        listeners.push((message) => message.method === method && done(message))
      }),
    close: () => socket.close(),
  }
}

const chromium = await startChromium().catch((error: Error) => {
  console.error(error.message)
  process.exit(2)
})
const problems: string[] = []
try {
  await mkdir(folder, { recursive: true })
  const tools = await devtools(chromium.url)
  const { targetId } = await tools.send("Target.createTarget", { url: "about:blank" })
  const { sessionId } = await tools.send("Target.attachToTarget", { targetId, flatten: true })
  const send = (method: string, params: Params = {}) => tools.send(method, params, sessionId as string)
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { value: unknown }).value
  }
  for (const domain of ["Page", "Runtime", "Network", "Log"]) await send(`${domain}.enable`)
  for (const scheme of SCHEMES) {
    for (const [name, width] of Object.entries(WIDTHS)) {
      const label = `${name}-${scheme}`
      await send("Emulation.setDeviceMetricsOverride", {
        width,
        height: 900,
        deviceScaleFactor: 1,
        mobile: name === "phone",
      })
      await send("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value: scheme }],
      })
      tools.events.length = 0
      const loaded = tools.event("Page.loadEventFired")
      await send("Page.navigate", { url: pathToFileURL(resolve(page)).href })
      await loaded
      for (const { method, params } of tools.events) {
        if (method === "Network.requestWillBeSent") {
          const { url } = params!.request as { url: string }
          if (!url.startsWith("file:") && !url.startsWith("data:"))
            problems.push(`${label}: asked for ${url}`)
        }
        if (method === "Log.entryAdded")
          problems.push(`${label}: ${(params!.entry as { text: string }).text}`)
        if (method === "Runtime.exceptionThrown") problems.push(`${label}: ${JSON.stringify(params)}`)
      }
      const shoot = async (file: string) => {
        const height = Number(await evaluate("document.documentElement.scrollHeight"))
        const { data } = await send("Page.captureScreenshot", {
          captureBeyondViewport: true,
          clip: { x: 0, y: 0, width, height: Math.min(height, 12_000), scale: 1 },
        })
        await writeFile(join(folder, file), Buffer.from(data as string, "base64"))
      }
      await shoot(`${label}.png`)
      const wide = Number(await evaluate("document.documentElement.scrollWidth"))
      if (wide > width) problems.push(`${label}: ${wide} px wide`)
      await evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
      const open = Number(await evaluate("document.documentElement.scrollWidth"))
      if (open > width) problems.push(`${label}, all open: ${open} px wide`)
      // The arrow keys read the bars.
      const read = await evaluate(`(() => {
        const pick = document.querySelector(".pick")
        if (pick === null) return "no time line"
        pick.value = 0
        pick.dispatchEvent(new Event("input"))
        return pick.getAttribute("aria-valuetext") + " | " + document.querySelector(".readout").textContent
      })()`)
      console.log(`${label}: ${read}`)
      await shoot(`${label}-open.png`)
      if (axe !== undefined) {
        await evaluate(`${await readFile(axe, "utf8")};0`)
        const found = (await evaluate(
          "axe.run(document).then(({ violations, incomplete, passes }) => ({ passes: passes.length, violations: violations.map((one) => one.id + ': ' + one.help + ' — ' + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + ' ' + node.failureSummary).join(' | ')), incomplete: incomplete.map((one) => one.id + ' ' + one.nodes.length + ' ' + one.nodes[0].html.slice(0, 120)) }))",
        )) as { passes: number; violations: string[]; incomplete: string[] }
        console.log(
          `${label}: axe: ${found.passes} rules pass, to be judged: ${found.incomplete.join("; ") || "none"}`,
        )
        problems.push(...found.violations.map((one) => `${label}: axe: ${one}`))
      }
    }
  }
  const { data } = await send("Page.printToPDF", { printBackground: true })
  await writeFile(join(folder, "print.pdf"), Buffer.from(data as string, "base64"))
  tools.close()
} finally {
  await chromium.stop()
}
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? "nothing to complain about" : `${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
