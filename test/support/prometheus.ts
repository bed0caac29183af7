/**
 * A strict reader of Prometheus' text format (exposition formats 0.0.4), as node_exporter's textfile collector reads
 * it: throws on what that would refuse.
 */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposition {
  readonly samples: readonly Sample[]
  readonly types: ReadonlyMap<string, string>
  /** the value of the one sample with this name and, among others, these labels */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/

/** @throws Error that names the line */
export function readExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("the last line must end with a line feed")
  const types = new Map<string, string>()
  const helps = new Set<string>()
  const samples: Sample[] = []
  const seen = new Set<string>()
  const closed = new Set<string>()
  let family: string | undefined
  const enter = (name: string, line: string) => {
    if (family !== undefined && family !== name) closed.add(family)
    if (closed.has(name)) throw new Error(`the lines of ${name} are not together: ${line}`)
    family = name
  }
  for (const line of text.slice(0, -1).split("\n")) {
    const help = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\\\n]|\\\\[\\\\n])*)$`).exec(line)
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`).exec(line)
    if (help !== null) {
      enter(help[1]!, line)
      if (helps.has(help[1]!)) throw new Error(`a second HELP: ${line}`)
      helps.add(help[1]!)
      continue
    }
    if (type !== null) {
      enter(type[1]!, line)
      if (types.has(type[1]!)) throw new Error(`a second TYPE: ${line}`)
      types.set(type[1]!, type[2]!)
      continue
    }
    const sample = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`).exec(line)
    if (sample === null) throw new Error(`no sample: ${line}`)
    const [, name = "", pairs = "", value = ""] = sample
    enter(name, line)
    if (!types.has(name) || !helps.has(name)) throw new Error(`no HELP or TYPE before ${line}`)
    if (!VALUE.test(value)) throw new Error(`no number: ${line}`)
    const key = `${name}{${pairs}}`
    if (seen.has(key)) throw new Error(`twice: ${line}`)
    seen.add(key)
    const type_ = types.get(name)
    if ((type_ === "counter") !== name.endsWith("_total"))
      throw new Error(`counters alone end in _total: ${line}`)
    samples.push({ name, labels: readLabels(pairs, line), value: Number(value.replace("Inf", "Infinity")) })
  }
  return {
    samples,
    types,
    value: (name, labels = {}) => {
      const found = samples.filter(
        (one) =>
          one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
      )
      if (found.length > 1) throw new Error(`${found.length} samples of ${name}`)
      return found[0]?.value
    },
  }
}

function readLabels(pairs: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let rest = pairs
  while (rest !== "") {
    const match = LABEL.exec(rest)
    if (match === null) throw new Error(`no label at "${rest}" of ${line}`)
    const [whole, label = "", value = ""] = match
    if (Object.hasOwn(labels, label)) throw new Error(`label ${label} twice: ${line}`)
    labels[label] = value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c))
    rest = rest.slice(whole.length)
  }
  return labels
}
