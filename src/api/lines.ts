/**
 * Answers without end as JSON lines. A stream takes one page at a time from whoever has the rows, waits
 * until the client has taken it, and gives the event loop a turn in between.
 */
import type { FastifyReply } from "fastify";
import { Readable } from "node:stream";
import { HttpError, refusal } from "./error.js";
import { PAGE_MAX, type Rows } from "./service/operation.js";
import { nextTurn } from "../util/turn-end.js";

export const NDJSON = "application/x-ndjson";
export const EVENT_STREAM = "text/event-stream";
/** Small enough that a page costs the BGP thread a millisecond or two. */
export const STREAM_PAGE = 50;

/** The sentence for a page that is too long. */
export const PAGE_LIMIT = `limit is at most ${PAGE_MAX}; take page after page with cursor, or everything with Accept: ${NDJSON}`;

type TakePage = (cursor: string | undefined, most: number) => Promise<Rows>;

export function wantsLines(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes(NDJSON) ?? false;
}

export function wantsEvents(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes(EVENT_STREAM) ?? false;
}

/** One JSON answer has a bound; throws `HttpError` 400 beyond it. */
export function checkLimit(limit: number | undefined): void {
  if (limit === undefined || limit <= PAGE_MAX) return;
  throw new HttpError(400, "invalid", PAGE_LIMIT);
}

/** @param take gives at most `most` rows, or fewer, from `cursor` on */
export async function sendLines(
  reply: FastifyReply,
  cursor: string | undefined,
  limit: number | undefined,
  take: TakePage,
): Promise<FastifyReply> {
  const most = limit ?? Number.POSITIVE_INFINITY;
  // The first page before the headers: what is wrong with a query is still a status then.
  const first = await take(cursor, most);
  if (isHead(reply)) return reply.header("content-type", NDJSON).send();
  const lines = Readable.from(streamLines(first, most, take), {
    objectMode: false,
    highWaterMark: 64 * 1024,
  });
  return reply.header("content-type", NDJSON).send(lines);
}

/** HEAD: a stream given to it would be made to its end, for nobody, as fast as it can be. */
function isHead(reply: FastifyReply): boolean {
  return reply.request.method === "HEAD";
}

async function* streamLines(first: Rows, most: number, take: TakePage): AsyncGenerator<string> {
  let page = first;
  let left = most;
  try {
    for (;;) {
      const rows = page.rows.slice(0, left);
      left -= rows.length;
      if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(row)}\n`).join("");
      if (page.next === undefined || left <= 0) return;
      await nextTurn();
      page = await take(page.next, left);
    }
  } catch (error) {
    yield `${JSON.stringify(refusedLate(error))}\n`;
  }
}

/** The status is out already: the last line says why there is no other. */
function refusedLate(error: unknown): object {
  const refused = refusal(error);
  if (refused === undefined) throw error;
  return refused.body;
}

/**
 * Batches of a stream as JSON lines, or as server-sent events, as fast as the client reads.
 * @param batches the first one comes at once, though it may be empty: what is refused is a status then
 */
export async function sendBatches(
  reply: FastifyReply,
  batches: AsyncIterable<readonly object[]>,
  asEvents = false,
): Promise<FastifyReply> {
  const iterator = batches[Symbol.asyncIterator]();
  const first = await iterator.next();
  void reply.header("content-type", asEvents ? EVENT_STREAM : NDJSON);
  if (isHead(reply)) {
    await iterator.return?.();
    return reply.send();
  }
  const lines = Readable.from(batchLines(first, iterator, asEvents ? "data: " : ""), {
    objectMode: false,
    highWaterMark: 64 * 1024,
  });
  return reply.send(lines);
}

async function* batchLines(
  first: IteratorResult<readonly object[]>,
  iterator: AsyncIterator<readonly object[]>,
  before: string,
): AsyncGenerator<string> {
  // An event of a stream of events ends with an empty line.
  const after = before === "" ? "\n" : "\n\n";
  const lineOf = (row: object): string => before + JSON.stringify(row) + after;
  try {
    let at = first;
    while (at.done !== true) {
      if (at.value.length > 0) yield at.value.map(lineOf).join("");
      at = await iterator.next();
    }
  } catch (error) {
    yield lineOf(refusedLate(error));
  } finally {
    await iterator.return?.();
  }
}
