/** How the lines on stderr look: for people, or for those who collect logs. */
export const LOG_FORMATS = ["text", "json"] as const
export type LogFormat = (typeof LOG_FORMATS)[number]
