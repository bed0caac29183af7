/** `koalas-to-the-max`: clicks of a toy web page, as in Druid's demos; its name needs quotes everywhere. */
import { type Dataset, iso } from "./dataset.ts"
import { Random } from "./random.ts"

const BROWSERS = ["Chrome", "Firefox", "Safari", "Edge", "Opera", "Konqueror"]
const SYSTEMS = ["Windows", "Mac OS X", "Linux", "Android", "iOS", ""]
const CITIES = ["Roma", "Zürich", "Wien", "Łódź", "Αθήνα", "Αλεξανδρούπολη", "札幌市", null]
const EVENTS = ["PercentClear", "LayerClear", "Screen", "Session"]

/** HOUR segments over two days from 2019-08-25. */
export function koalas(options: { rows?: number; seed?: number } = {}): Dataset {
  const { rows: rowCount = 20_000, seed = 2 } = options
  const startMs = Date.parse("2019-08-25T00:00:00Z")
  return {
    datasource: "koalas-to-the-max",
    columns: [
      { name: "__time", type: "TIMESTAMP" },
      { name: "session", type: "VARCHAR" },
      { name: "number", type: "BIGINT" },
      { name: "event_type", type: "VARCHAR" },
      { name: "browser", type: "VARCHAR" },
      { name: "browser_version", type: "VARCHAR" },
      { name: "os", type: "VARCHAR" },
      { name: "city", type: "VARCHAR" },
      { name: "path", type: "VARCHAR" },
      { name: "percent_clear", type: "FLOAT" },
      { name: "session_length", type: "BIGINT" },
      { name: "loaded_image", type: "VARCHAR" },
    ],
    rowCount,
    segmentGranularity: "HOUR",
    *rows() {
      const random = new Random(seed)
      for (let i = 0; i < rowCount; i++) {
        const ms = startMs + Math.floor((i * 2 * 86_400_000) / rowCount)
        yield [
          iso(ms),
          `S${(10_000_000 + random.below(3_000)).toString(36)}`,
          random.below(16),
          random.pickSkewed(EVENTS),
          random.pickSkewed(BROWSERS),
          `${60 + random.below(20)}.0.${random.below(4_000)}`,
          random.pickSkewed(SYSTEMS),
          random.pickSkewed(CITIES),
          random.chance(0.9)
            ? "https://koalastothemax.example/"
            : `https://koalastothemax.example/?${random.below(99)}`,
          random.chance(0.2) ? null : random.below(401) / 4, // quarters: exact in 32 bits
          random.chance(0.1) ? null : random.below(9_000_000),
          random.chance(0.5) ? null : `https://img.example/${random.below(500)}.jpg`,
        ]
      }
    },
  }
}
