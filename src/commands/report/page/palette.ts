/** The colours of a report, for light and dark: data, so that a test can compute every contrast. */

/** Text roles stand on `page`, `card` and their own `…Tint`; marks stand on `card`; `edge` is that of controls. */
export const LIGHT = {
  page: "#f5f6f8",
  card: "#ffffff",
  line: "#dde1e7",
  edge: "#7d8896",
  text: "#1b232e",
  muted: "#525d6b",
  link: "#0a58a6",
  good: "#17663a",
  goodTint: "#e4f3e9",
  warn: "#7d4b00",
  warnTint: "#fbeed6",
  bad: "#a8241c",
  badTint: "#fbe6e4",
  idle: "#4a5563",
  idleTint: "#e9ecf1",
  complete: "#3473b5",
  provisional: "#7656b4",
  unproven: "#9c5e00",
  stale: "#667282",
  kept: "#27776a",
  missing: "#bf3127",
}

/** Colours by role. */
export type Palette = Readonly<Record<keyof typeof LIGHT, string>>

export const DARK: Palette = {
  page: "#11151b",
  card: "#1a2029",
  line: "#313a47",
  edge: "#7b8797",
  text: "#e6eaf0",
  muted: "#a5b0bf",
  link: "#84bcf7",
  good: "#86d6a2",
  goodTint: "#173324",
  warn: "#f1c071",
  warnTint: "#3a2c13",
  bad: "#ffa39b",
  badTint: "#44211f",
  idle: "#b3bdca",
  idleTint: "#29313c",
  complete: "#6caaea",
  provisional: "#b89ef1",
  unproven: "#e0a74b",
  stale: "#94a1b1",
  kept: "#5ec3ae",
  missing: "#ff8076",
}
