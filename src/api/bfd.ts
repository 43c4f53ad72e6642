/** BFD sessions in full. */
import type { FastifyInstance } from "fastify";
import type { SpeakerControl } from "../bgp/control.js";
import { noQuerySchema } from "./query.js";

export function addBfdRoutes(server: FastifyInstance, control: SpeakerControl): void {
  server.get("/v1/bfd", { schema: { querystring: noQuerySchema } }, () => control.bfd());
}
