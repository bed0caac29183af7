/**
 * Reads the cells of small answers strictly. What Druid always answers with one row of numbers must be one row of
 * numbers here: an answer that lost its row on the way would else count as zero, and zero rows prove anything.
 */

import { cutResponse } from "../base/errors.ts"
import { parseDruidTime } from "../base/time.ts"

type Row = readonly unknown[]

/** The single row of an answer that has exactly one. @throws DruidsyncError `response-cut` (retryable) */
export function onlyRow(rows: readonly Row[], cells: number): Row {
  const [row] = rows
  if (rows.length !== 1 || row?.length !== cells) {
    throw cutResponse(`one row of ${cells} values was expected, ${rows.length} rows came`)
  }
  return row
}

/** Checks that a row has all its cells. @throws DruidsyncError `response-cut` (retryable) */
export function wholeRow(row: Row, cells: number): Row {
  if (row.length !== cells) throw cutResponse(`a row has ${row.length} of ${cells} values`)
  return row
}

/** @throws DruidsyncError `response-cut` if the cell is no text */
export function textCell(value: unknown): string {
  if (typeof value !== "string") throw cutResponse("a text was expected in it")
  return value
}

/** @throws DruidsyncError `response-cut` if the cell is no whole number that JavaScript holds exactly */
export function integerCell(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw cutResponse("a number was expected in it")
  return value
}

/** A time in milliseconds that Druid wrote as text, since it may not fit a number. @throws DruidsyncError `response-cut` */
export function millisCell(value: unknown): bigint {
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) throw cutResponse("a time was expected in it")
  return BigInt(value)
}

/** A time in Druid's ISO form, to milliseconds. @throws DruidsyncError `response-cut` */
export function isoCell(value: unknown): bigint {
  try {
    return parseDruidTime(textCell(value))
  } catch (error) {
    throw cutResponse("a time was expected in it", error)
  }
}
