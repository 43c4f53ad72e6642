/** The MAC FIB: where MACs and addresses are, domains, segments, and why; pages of JSON, or JSON lines. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { FibControl, MacQuery, PageQuery } from "../fib/index.js";
import { HttpError } from "./error.js";
import type { Rows } from "./lines.js";
import { STREAM_PAGE, checkLimit, sendLines, wantsLines } from "./lines.js";
import { explainQuerySchema, macsQuerySchema, PAGE_DEFAULT, pageQuerySchema } from "./query.js";

interface ExplainQuery {
  readonly mac: string;
  readonly domain?: string;
}

/** @param fib gives undefined while the FIB is off: the addresses are there and say how to turn it on */
export function addFibRoutes(server: FastifyInstance, fib: () => FibControl | undefined): void {
  server.get<{ Querystring: MacQuery }>(
    "/v1/fib/macs",
    { schema: { querystring: macsQuerySchema } },
    (request, reply) =>
      answer(request, reply, "macs", (page) => on(fib()).macs({ ...request.query, ...page })),
  );

  const paged = { schema: { querystring: pageQuerySchema } };
  server.get<{ Querystring: PageQuery }>("/v1/fib/domains", paged, (request, reply) =>
    answer(request, reply, "domains", (page) => on(fib()).domains(page)),
  );
  server.get<{ Querystring: PageQuery }>("/v1/fib/segments", paged, (request, reply) =>
    answer(request, reply, "segments", (page) => on(fib()).segments(page)),
  );

  server.get<{ Querystring: ExplainQuery }>(
    "/v1/fib/explain",
    { schema: { querystring: explainQuerySchema } },
    async (request) => {
      const { mac, domain } = request.query;
      return { explanations: await on(fib()).explain(mac, domain) };
    },
  );
}

function on(fib: FibControl | undefined): FibControl {
  if (fib !== undefined) return fib;
  throw new HttpError(
    409,
    "off",
    "the MAC FIB is off: set fib.enabled: true in the configuration and reload, or start evpnd with --fib",
  );
}

async function answer(
  request: FastifyRequest<{ Querystring: PageQuery }>,
  reply: FastifyReply,
  name: string,
  take: (page: PageQuery) => Promise<Rows>,
): Promise<object> {
  const { cursor, limit } = request.query;
  if (wantsLines(request.headers.accept)) {
    return sendLines(reply, cursor, limit, (at, most) =>
      take({ cursor: at, limit: Math.min(STREAM_PAGE, most) }),
    );
  }
  checkLimit(limit);
  const { rows, next } = await take({ cursor, limit: limit ?? PAGE_DEFAULT });
  return { [name]: rows, ...(next !== undefined && { next }) };
}
