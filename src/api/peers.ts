/** Peers: look, and act on one. */
import type { FastifyInstance } from "fastify";
import type { SpeakerControl } from "../bgp/control.js";
import {
  checkedText,
  familyNumber,
  familyQuerySchema,
  noQuerySchema,
  peerParamsSchema,
  textBodySchema,
} from "./query.js";

interface PeerParams {
  readonly address: string;
}
interface FamilyQuery {
  readonly family?: string;
}
type TextBody = { readonly text?: string } | null | undefined;

export function addPeerRoutes(server: FastifyInstance, control: SpeakerControl): void {
  const look = { schema: { querystring: noQuerySchema } };
  server.get("/v1/peers", look, async () => ({ peers: await control.peers() }));

  const one = { schema: { querystring: noQuerySchema, params: peerParamsSchema } };
  server.get<{ Params: PeerParams }>("/v1/peers/:address", one, (request) =>
    control.peer(request.params.address),
  );

  const soft = { schema: { querystring: familyQuerySchema, params: peerParamsSchema } };
  for (const direction of ["in", "out"] as const) {
    server.post<{ Params: PeerParams; Querystring: FamilyQuery }>(
      `/v1/peers/:address/soft-${direction}`,
      soft,
      async (request) => {
        const { family } = request.query;
        const number = family === undefined ? undefined : familyNumber(family);
        await control.softClear(request.params.address, direction, number);
        return { done: [`soft clear ${direction} of ${request.params.address}`] };
      },
    );
  }

  const act = {
    schema: { querystring: noQuerySchema, params: peerParamsSchema, body: textBodySchema },
  };
  const actions = {
    reset: (address: string, text: string) => control.resetPeer(address, text),
    shutdown: (address: string, text: string) => control.shutdownPeer(address, text),
    enable: (address: string) => control.enablePeer(address),
  };
  for (const [verb, run] of Object.entries(actions)) {
    server.post<{ Params: PeerParams; Body: TextBody }>(
      `/v1/peers/:address/${verb}`,
      act,
      async (request) => {
        await run(request.params.address, checkedText(request.body?.text ?? ""));
        return { done: [`${verb} of ${request.params.address}`] };
      },
    );
  }
}
