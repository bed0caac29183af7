/** Questions to a person at a terminal, however they are shown. */
import { DruidsyncError } from "../../base/errors.ts"

export interface Prompter {
  /** shows a text */
  say(text: string): void
  /** one line, without the spaces around it. @param fallback what an empty line means; without it an empty line is asked again */
  text(question: string, fallback?: string): Promise<string>
  /** one line that is not shown; may be empty */
  secret(question: string): Promise<string>
  /** one of several. @returns its index */
  choice(question: string, options: readonly string[]): Promise<number>
  yes(question: string, fallback: boolean): Promise<boolean>
  /** any number of several, to begin with all but those that are off. @returns undefined if they are better typed */
  several(
    question: string,
    options: readonly { readonly name: string; readonly about: string; readonly isOff?: boolean }[],
  ): Promise<readonly string[] | undefined>
  close(): void
}

/** What a question throws where the person or a signal ends it. */
export function interrupted(message: string): DruidsyncError {
  return new DruidsyncError("interrupted", message)
}
