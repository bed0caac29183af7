/** The keys for pulls that nobody watches. */
import { describe, expect, it } from "bun:test"
import { loadWith, problemsWith } from "./support.ts"

describe("publish and metrics", () => {
  it("are paths from the configuration's folder", async () => {
    const { job } = await loadWith({ publish: "shown.duckdb", metrics: "/var/druidsync.prom" })
    expect(job.publish).toEndWith("/shown.duckdb")
    expect(job.publish).toStartWith("/")
    expect(job.metrics).toBe("/var/druidsync.prom")
  })
})

describe("ping", () => {
  it("is an http or https address, kept as a secret", async () => {
    for (const url of ["https://hc-ping.com/uuid?create=1", "http://127.0.0.1:3001/api/push/abc"]) {
      const { job } = await loadWith({ ping: url })
      expect(job.ping!.reveal()).toBe(url)
      expect(JSON.stringify(job)).not.toContain(url)
    }
  })

  it("is refused where it is none, and not repeated", async () => {
    for (const url of [
      "",
      "hc-ping.com/s3cret",
      "ftp://hc-ping.com/s3cret",
      "file:///etc/s3cret",
      "https://",
    ]) {
      const problems = (await problemsWith({ ping: url })).join("\n")
      expect(problems).toContain("ping: is not an address")
      expect(problems).not.toContain("s3cret")
    }
  })
})

describe("maxDuration and history", () => {
  it("have units and bounds", async () => {
    const { job } = await loadWith({ maxDuration: "50m", history: "500" })
    expect([job.maxDurationMs, job.historyRuns]).toEqual([3_000_000, 500])
    expect((await problemsWith({ maxDuration: "0s" })).join()).toContain("maxDuration")
    expect((await problemsWith({ history: 0 })).join()).toContain("history")
  })
})
