/** Bodies of responses, piece by piece and as a whole. */

/** The pieces of a body as they come; none where the response has no body. */
export function piecesOf(response: Response): AsyncIterable<Uint8Array> {
  // The types of the runtimes do not agree on it: a web stream can be iterated in all of them.
  const body = response.body ?? new ReadableStream({ start: (controller) => controller.close() })
  return body as unknown as AsyncIterable<Uint8Array>
}

/** The body as text; no more than the piece that reaches the limit is read. */
export async function textOf(response: Response, limitBytes = Number.POSITIVE_INFINITY): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of piecesOf(response)) {
    pieces.push(piece)
    size += piece.length
    if (size >= limitBytes) break
  }
  return Buffer.concat(pieces).toString("utf8")
}

/** Discards a body that is not read. */
export function dropBody(response: Response): void {
  response.body?.cancel().catch(() => undefined)
}
