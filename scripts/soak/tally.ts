/** Counts by name, for the summary of a soak. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>()

  add(subject: string, name: string): void {
    const counts = this.#counts.get(subject) ?? new Map<string, number>()
    counts.set(name, (counts.get(name) ?? 0) + 1)
    this.#counts.set(subject, counts)
  }

  total(subject: string): number {
    return [...(this.#counts.get(subject)?.values() ?? [])].reduce((sum, count) => sum + count, 0)
  }

  /** One line per subject: `changes: 12 (new day 5, rows added 7)`. */
  lines(): string[] {
    return [...this.#counts].map(([subject, counts]) => {
      const parts = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`)
      return `${subject}: ${this.total(subject)} (${parts.join(", ")})`
    })
  }
}
