/** Text that others wrote, made safe to show on a terminal. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`

/**
 * Text from servers made safe to print: control characters, among them the escape sequences that drive terminals,
 * become visible escapes; line breaks become spaces.
 */
export function printable(text: string): string {
  return text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, " ").replace(CONTROL, escaped)
}

/** A word as a shell takes it: in quotes where it has to be. */
export function shellWord(word: string): string {
  return /^[\w./@%+=:,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/**
 * A value as one line of JSON, its line break included. JSON allows control characters beyond ASCII within strings, and
 * terminals obey them: here they are escaped, which means the same to every reader of JSON.
 */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(CONTROL, escaped)}\n`
}
