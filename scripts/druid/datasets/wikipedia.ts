/** The edits of Druid's tutorial, made up: 17 columns, NULLs and empty texts, any number of rows. */
import { type Column, type Dataset, iso, type Row } from "./dataset.ts"
import { Random } from "./random.ts"

/** Size and seed; times are spread evenly over `days` whole days from `start` (ISO date). */
export interface WikipediaOptions {
  rows: number
  /** Default 1. Another seed gives other rows for the same times. */
  seed?: number
  /** Default 30, so a DAY segment of a million rows has 33,000. */
  days?: number
  /** Default "2016-06-01". */
  start?: string
  datasource?: string
}

const COLUMNS: readonly Column[] = [
  { name: "__time", type: "TIMESTAMP" },
  { name: "channel", type: "VARCHAR" },
  { name: "cityName", type: "VARCHAR" },
  { name: "comment", type: "VARCHAR" },
  { name: "countryIsoCode", type: "VARCHAR" },
  { name: "countryName", type: "VARCHAR" },
  { name: "isAnonymous", type: "VARCHAR" },
  { name: "isMinor", type: "VARCHAR" },
  { name: "isRobot", type: "VARCHAR" },
  { name: "metroCode", type: "BIGINT" },
  { name: "namespace", type: "VARCHAR" },
  { name: "page", type: "VARCHAR" },
  { name: "user", type: "VARCHAR" },
  { name: "added", type: "BIGINT" },
  { name: "deleted", type: "BIGINT" },
  { name: "delta", type: "BIGINT" },
  { name: "deltaRatio", type: "DOUBLE" },
]

const CHANNELS = ["en", "vi", "de", "fr", "ru", "it", "es", "zh", "pt", "ja", "pl", "uk", "nl", "he"].map(
  (language) => `#${language}.wikipedia`,
)
const NAMESPACES = ["Main", "User talk", "User", "Talk", "Wikipedia", "Категория", "Diskussion", "File"]
const PLACES: readonly (readonly [
  country: string,
  name: string,
  city: string | null,
  metro: number | null,
])[] = [
  ["US", "United States", "New York", 501],
  ["US", "United States", "San Francisco", 807],
  ["DE", "Germany", "München", null],
  ["FR", "France", "Saint-Étienne", null],
  ["JP", "Japan", "東京", null],
  ["BR", "Brazil", "São Paulo", null],
  ["CI", "Côte d'Ivoire", null, null],
]
const WORDS =
  `revert edit by the of a new page with link fix typo source added removed section [[Help:Editing|edit]]
/* External links */ per discussion → "quoted" back\\slash tab\tinside Überarbeitung исправлено 修正 naïve 😀 cat.`
    .split(/[ \n]+/)
    .filter(Boolean)
const SUBJECTS = [
  "History",
  "List",
  "Battle",
  "River",
  "Church",
  "Municipality",
  "Season",
  "Genus",
  "Album",
  "Liste",
]

/** Wikipedia edits: DAY segments, in order of time. About 280 bytes a row as Druid's arrayLines. */
export function wikipedia(options: WikipediaOptions): Dataset {
  const { rows: rowCount, seed = 1, days = 30, start = "2016-06-01", datasource = "wikipedia" } = options
  const startMs = Date.parse(`${start}T00:00:00Z`)
  const stepMs = (days * 86_400_000) / Math.max(1, rowCount)
  return {
    datasource,
    columns: COLUMNS,
    rowCount,
    segmentGranularity: "DAY",
    *rows() {
      const random = new Random(seed)
      for (let i = 0; i < rowCount; i++) yield edit(random, Math.floor(startMs + i * stepMs))
    },
  }
}

function edit(random: Random, ms: number): Row {
  const anonymous = random.chance(0.2)
  const place = anonymous ? random.pickSkewed(PLACES) : undefined
  const robot = random.chance(0.4)
  const added = random.chance(0.3) ? 0 : random.below(random.chance(0.05) ? 200_000 : 900)
  const deleted = random.chance(0.7) ? 0 : random.below(600)
  return [
    iso(ms),
    random.pickSkewed(CHANNELS),
    place?.[2] ?? null,
    comment(random),
    place?.[0] ?? null,
    place?.[1] ?? null,
    String(anonymous),
    String(random.chance(0.3)),
    String(robot),
    place?.[3] ?? null,
    random.pickSkewed(NAMESPACES),
    page(random),
    anonymous ? `${random.below(224)}.${random.below(256)}.${random.below(256)}.x` : user(random, robot),
    added,
    deleted,
    added - deleted,
    random.chance(0.1) ? null : (added - deleted) / (1 + random.below(1_000)),
  ]
}

function comment(random: Random): string | null {
  if (random.chance(0.05)) return null
  if (random.chance(0.05)) return ""
  const words: string[] = []
  for (let n = 6 + random.below(21); n > 0; n--) words.push(random.pick(WORDS))
  return words.join(" ")
}

function page(random: Random): string {
  const subject = random.pick(SUBJECTS)
  const number = Math.floor(random.float() ** 3 * 400_000)
  return `${subject} of ${number.toString(36)} (${random.pickSkewed(NAMESPACES)} ${number % 97})`
}

function user(random: Random, robot: boolean): string {
  const number = Math.floor(random.float() ** 3 * 50_000)
  return robot ? `Lsjbot${number % 40}` : `Editor ${number.toString(36)}`
}
