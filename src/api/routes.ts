/**
 * Routes: pages of JSON, or all of them as JSON lines. A stream takes one page at a time from the
 * speaker, waits until the client has taken it, and gives the event loop a turn in between.
 */
import type { FastifyInstance } from "fastify";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { RoutePage, RouteQuery, SpeakerControl } from "../bgp/control.js";
import { HttpError } from "./error.js";
import { PAGE_DEFAULT, PAGE_MAX, routesQuerySchema, toRouteQuery } from "./query.js";
import type { RoutesQuery } from "./query.js";

export const NDJSON = "application/x-ndjson";
/** Small enough that a page costs the BGP thread a millisecond or two. */
const STREAM_PAGE = 50;

export function addRouteRoutes(server: FastifyInstance, control: SpeakerControl): void {
  server.get<{ Querystring: RoutesQuery }>(
    "/v1/routes",
    { schema: { querystring: routesQuerySchema } },
    async (request, reply) => {
      const query = toRouteQuery(request.query);
      const { limit } = request.query;
      if (wantsLines(request.headers.accept)) {
        const most = limit ?? Number.POSITIVE_INFINITY;
        // The first page before the headers: what is wrong with a query is still a status then.
        const first = await control.routes({ ...query, limit: Math.min(STREAM_PAGE, most) });
        const lines = Readable.from(streamLines(control, query, first, most), {
          objectMode: false,
          highWaterMark: 64 * 1024,
        });
        return reply.header("content-type", NDJSON).send(lines);
      }
      if (limit !== undefined && limit > PAGE_MAX) {
        throw new HttpError(
          400,
          "invalid",
          `limit is at most ${PAGE_MAX}; take page after page with cursor, or everything with Accept: ${NDJSON}`,
        );
      }
      const page = await control.routes({ ...query, limit: limit ?? PAGE_DEFAULT });
      return { routes: page.routes, ...(page.next !== undefined && { next: page.next }) };
    },
  );
}

function wantsLines(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes(NDJSON) ?? false;
}

async function* streamLines(
  control: SpeakerControl,
  query: RouteQuery,
  first: RoutePage,
  most: number,
): AsyncGenerator<string> {
  let page = first;
  let left = most;
  for (;;) {
    const routes = page.routes.slice(0, left);
    left -= routes.length;
    if (routes.length > 0) yield routes.map((route) => `${JSON.stringify(route)}\n`).join("");
    if (page.next === undefined || left <= 0) return;
    await nextTurn();
    page = await control.routes({
      ...query,
      cursor: page.next,
      limit: Math.min(STREAM_PAGE, left),
    });
  }
}
