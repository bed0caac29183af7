/** The tables of docs/configuration.md: every key of the configuration, as `src/config/schema.ts` describes it. Pure. */
import type * as v from "valibot"
import {
  accessEntries,
  addressEntries,
  columnsEntries,
  configEntries,
  datasourceEntries,
  jobEntries,
  lookupEntries,
  oauth2Entries,
  pullEntries,
  queryEntries,
  sharedEntries,
  tlsEntries,
} from "../../src/config/schema.ts"
import { keyWords } from "./config-words.ts"
import { table } from "./markdown.ts"

const TABLES: Readonly<Record<string, v.ObjectEntries>> = {
  address: { ...addressEntries, datasources: configEntries.datasources, ...lookupEntries },
  access: accessEntries,
  tls: tlsEntries,
  oauth2: oauth2Entries,
  query: queryEntries,
  datasource: datasourceEntries,
  columns: columnsEntries,
  shared: sharedEntries,
  pull: pullEntries,
  job: jobEntries,
}

/** A table of keys by its name. */
export function configurationTables(): (readonly [name: string, table: string])[] {
  return Object.entries(TABLES).map(([name, entries]) => [name, keysTable(entries)])
}

function keysTable(entries: v.ObjectEntries): string {
  const rows = Object.entries(entries).map(([key, schema]) => {
    const { meaning = "", fallback, usual, accepted = "", flag } = keyWords(schema as v.GenericSchema)
    const flagText = flag === undefined ? "" : `; also \`pull --${flagName(key)} ${flag}\``
    return [`\`${key}\``, usual ?? defaultText(fallback), kindOf(accepted), `${meaning}${flagText}`]
  })
  return table(["key", "default", "value", "meaning"], rows)
}

function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Nothing where the key is empty when it is left out. */
function defaultText(fallback: unknown): string {
  if (fallback === undefined || fallback === "") return ""
  return typeof fallback === "object" ? "" : `\`${fallback}\``
}

/** Without the examples, which the page gives once for each kind. */
function kindOf(accepted: string): string {
  return accepted
    .replace(/,? such as ("[^"]*"|-?\d+)( = '[^']*')?((,| or) "[^"]*")*/g, "")
    .replace(/ \(no months.*/, "")
}
