/** Monitoring feeds: their state, MRT files on demand, recordings as files. */
import type { RecordingFormat } from "../../bgp/control.js";
import { file, unary, type Operation } from "./operation.js";
import { ADDRESS } from "./peers.js";

const CONTENT_TYPES: Readonly<Record<RecordingFormat, string>> = {
  pcap: "application/vnd.tcpdump.pcap",
  mrt: "application/octet-stream",
};

/** In place of an address: the recordings of all peers in one file. */
const ALL = "all";

interface RecordingInput {
  readonly address: string;
  readonly format?: RecordingFormat;
}

export const FEED_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetFeeds",
    group: "Feeds",
    summary: "BMP collectors, MRT files, the recorder",
    role: "viewer",
    http: { method: "GET", path: "/v1/feeds" },
    input: "GetFeedsRequest",
    output: "FeedsState",
    run: ({ control }) => control.feeds(),
  }),
  unary({
    id: "DumpTable",
    group: "Feeds",
    summary: "Writes the whole table to a file, says which",
    role: "operator",
    http: { method: "POST", path: "/v1/mrt/dump" },
    input: "DumpTableRequest",
    output: "DumpTableResponse",
    run: async ({ control }) => {
      const { file: name, records, octets } = await control.dumpTable();
      const done = [`${name}: ${records} records, ${octets} octets`];
      return { file: name, records, octets, done };
    },
  }),
  unary({
    id: "RotateUpdates",
    group: "Feeds",
    summary: "Finishes the file of updates under way, says which",
    role: "operator",
    http: { method: "POST", path: "/v1/mrt/rotate" },
    input: "RotateUpdatesRequest",
    output: "RotateUpdatesResponse",
    run: async ({ control }) => {
      const name = await control.rotateUpdates();
      return { file: name, done: [`${name} is whole`] };
    },
  }),
  unary({
    id: "ListRecordings",
    group: "Feeds",
    summary: "Of whom messages are kept",
    role: "viewer",
    http: { method: "GET", path: "/v1/recorder" },
    input: "ListRecordingsRequest",
    output: "ListRecordingsResponse",
    run: async ({ control }) => ({ recordings: await control.recordings() }),
  }),
  file({
    id: "GetRecording",
    group: "Feeds",
    summary: "The recording of a peer as a file; of all peers with the word all for an address",
    role: "viewer",
    http: { method: "GET", path: "/v1/recorder/:address" },
    input: "GetRecordingRequest",
    rules: { ...ADDRESS, format: { enum: ["pcap", "mrt"] } },
    contentTypes: Object.values(CONTENT_TYPES),
    run: async ({ control }, { address, format = "pcap" }: RecordingInput) => ({
      contentType: CONTENT_TYPES[format],
      name: `${address.replaceAll(/[^0-9A-Za-z.]/g, "-")}.${format}`,
      content: await control.recording(address === ALL ? undefined : address, format),
    }),
  }),
];
