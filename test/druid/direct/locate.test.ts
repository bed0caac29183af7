import { describe, expect, it } from "bun:test"
import { type Candidate, candidatesIn, sharesOf } from "../../../src/druid/direct/locate.ts"

const location = (port: number, more: object = {}) => ({
  name: `10.0.0.1:${port}`,
  host: `10.0.0.1:${port}`,
  hostAndTlsPort: `10.0.0.1:${port + 200}`,
  maxSize: 20_000_000_000,
  type: "historical",
  tier: "_default_tier",
  priority: 0,
  ...more,
})
const raw = (more: object = {}) => ({
  interval: "2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z",
  version: "v1",
  partitionNumber: 3,
  size: 869_764,
  locations: [location(8083)],
  ...more,
})
const day = { start: 1466985600000n, end: 1467072000000n }

describe("what a broker would read", () => {
  it("names each segment's visible interval, version, partition and servers", () => {
    expect(candidatesIn([raw()], "http")).toEqual([
      {
        interval: day,
        version: "v1",
        partition: 3,
        sizeBytes: 869_764,
        servers: [{ address: "10.0.0.1:8083", isHistorical: true }],
      },
    ])
  })

  it("takes the port of the configured protocol, and no other", () => {
    expect(candidatesIn([raw()], "https")?.[0]?.servers).toEqual([
      { address: "10.0.0.1:8283", isHistorical: true },
    ])
    expect(
      candidatesIn([raw({ locations: [location(8083, { hostAndTlsPort: null })] })], "https"),
    ).toBeUndefined()
  })

  it("tells historicals from servers that may still take rows in", () => {
    const task = raw({ locations: [location(8100, { type: "indexer-executor" })] })
    expect(candidatesIn([task], "http")?.[0]?.servers[0]?.isHistorical).toBe(false)
  })

  it("is not believed where it is no such list", () => {
    for (const answer of [
      undefined,
      {},
      [raw({ interval: "today" })],
      [raw({ version: undefined })],
      [raw({ partitionNumber: "1" })],
      [raw({ locations: [] })],
    ])
      expect(candidatesIn(answer, "http")).toBeUndefined()
    expect(candidatesIn([], "http")).toEqual([])
  })
})

describe("who reads what", () => {
  const candidate = (partition: number, sizeBytes: number, ...ports: number[]): Candidate => ({
    interval: day,
    version: "v1",
    partition,
    sizeBytes,
    servers: ports.map((port) => ({ address: `10.0.0.1:${port}`, isHistorical: true })),
  })
  const read = (shares: ReturnType<typeof sharesOf>) =>
    Object.fromEntries(shares.map(({ address, segments }) => [address, segments.map((one) => one.partition)]))

  it("spreads the bytes over replicas", () => {
    expect(
      read(
        sharesOf([candidate(0, 10, 1, 2), candidate(1, 6, 1, 2), candidate(2, 3, 1, 2), candidate(3, 1, 1)]),
      ),
    ).toEqual({ "10.0.0.1:1": [0, 3], "10.0.0.1:2": [1, 2] })
  })

  it("goes round a server that failed, unless it is the only one", () => {
    const isAvoided = (address: string) => address === "10.0.0.1:1"
    expect(read(sharesOf([candidate(0, 10, 1, 2), candidate(1, 6, 1)], isAvoided))).toEqual({
      "10.0.0.1:2": [0],
      "10.0.0.1:1": [1],
    })
  })
})
