/** Monitoring feeds: their state, MRT files on demand, recordings as files. */
import type { FastifyInstance } from "fastify";
import type { RecordingFormat, SpeakerControl } from "../bgp/control.js";
import { noQuerySchema, peerParamsSchema } from "./query.js";

interface PeerParams {
  readonly address: string;
}
interface FormatQuery {
  readonly format?: RecordingFormat;
}

const formatQuerySchema = {
  type: "object",
  additionalProperties: false,
  properties: { format: { type: "string", enum: ["pcap", "mrt"] } },
} as const;

const CONTENT_TYPES: Readonly<Record<RecordingFormat, string>> = {
  pcap: "application/vnd.tcpdump.pcap",
  mrt: "application/octet-stream",
};

/** In place of an address: the recordings of all peers in one file. */
const ALL = "all";

export function addFeedRoutes(server: FastifyInstance, control: SpeakerControl): void {
  const look = { schema: { querystring: noQuerySchema } };
  server.get("/v1/feeds", look, () => control.feeds());
  server.post("/v1/mrt/dump", look, async () => {
    const { file, records, octets } = await control.dumpTable();
    return { file, records, octets, done: [`${file}: ${records} records, ${octets} octets`] };
  });
  server.post("/v1/mrt/rotate", look, async () => {
    const file = await control.rotateUpdates();
    return { file, done: [`${file} is whole`] };
  });
  server.get("/v1/recorder", look, async () => ({ recordings: await control.recordings() }));
  const one = { schema: { querystring: formatQuerySchema, params: peerParamsSchema } };
  server.get<{ Params: PeerParams; Querystring: FormatQuery }>(
    "/v1/recorder/:address",
    one,
    async (request, reply) => {
      const { address } = request.params;
      const { format = "pcap" } = request.query;
      const octets = await control.recording(address === ALL ? undefined : address, format);
      const name = `${address.replaceAll(/[^0-9A-Za-z.]/g, "-")}.${format}`;
      return reply
        .header("content-type", CONTENT_TYPES[format])
        .header("content-disposition", `attachment; filename="${name}"`)
        .send(Buffer.from(octets.buffer, octets.byteOffset, octets.length));
    },
  );
}
