/** Routes: pages of JSON, or all of them as JSON lines. */
import type { FastifyInstance } from "fastify";
import type { SpeakerControl } from "../bgp/control.js";
import { STREAM_PAGE, checkLimit, sendLines, wantsLines } from "./lines.js";
import { PAGE_DEFAULT, routesQuerySchema, toRouteQuery } from "./query.js";
import type { RoutesQuery } from "./query.js";

export function addRouteRoutes(server: FastifyInstance, control: SpeakerControl): void {
  server.get<{ Querystring: RoutesQuery }>(
    "/v1/routes",
    { schema: { querystring: routesQuerySchema } },
    async (request, reply) => {
      const query = toRouteQuery(request.query);
      const { limit } = request.query;
      if (wantsLines(request.headers.accept)) {
        return sendLines(reply, query.cursor, limit, async (cursor, most) => {
          const page = await control.routes({
            ...query,
            ...(cursor !== undefined && { cursor }),
            limit: Math.min(STREAM_PAGE, most),
          });
          return { rows: page.routes, next: page.next };
        });
      }
      checkLimit(limit);
      const page = await control.routes({ ...query, limit: limit ?? PAGE_DEFAULT });
      return { routes: page.routes, ...(page.next !== undefined && { next: page.next }) };
    },
  );
}
