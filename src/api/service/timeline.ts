/** The timeline: where MACs were, what happened, what differs, who moves most. Times come as people write them. */
import type { TimelineControl } from "../../fib/index.js";
import { parseTime, TIME_EXAMPLES } from "../../util/time-text.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { page, text, unary, type FieldRules, type Operation, type PageInput } from "./operation.js";

interface Stretch {
  readonly from?: string;
  readonly to?: string;
}

interface Filters {
  readonly mac?: string;
  readonly domain?: string;
  readonly pe?: string;
}

interface AtInput {
  readonly mac?: string;
  readonly ip?: string;
  readonly time: string;
  readonly domain?: string;
}

const STRETCH: FieldRules = { from: text(64), to: text(64) };
const FILTERS: FieldRules = { mac: text(64), domain: text(128), pe: text(64) };

function timelineOf(backend: HttpBackend): TimelineControl {
  const { timeline } = backend;
  if (timeline !== undefined) return timeline;
  throw new HttpError(
    409,
    "off",
    "no timeline is kept: set fib.enabled and fib.timeline.enabled to true in the configuration and reload",
  );
}

function timeOf(name: string, word: string): number {
  const time = parseTime(word, Date.now());
  if (time !== undefined) return time;
  throw new HttpError(
    400,
    "invalid",
    `${name} "${word}" is no time; write for example ${TIME_EXAMPLES}`,
  );
}

function stretchOf({ from, to }: Stretch): { from?: number; to?: number } {
  return {
    ...(from !== undefined && { from: timeOf("from", from) }),
    ...(to !== undefined && { to: timeOf("to", to) }),
  };
}

export const TIMELINE_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetTimelineStatus",
    group: "Timeline",
    summary: "Whether the timeline is written, where, and from when on",
    role: "viewer",
    http: { method: "GET", path: "/v1/timeline/status" },
    input: "GetTimelineStatusRequest",
    output: "TimelineStatus",
    run: (backend) => timelineOf(backend).status(),
  }),
  unary({
    id: "GetMacAt",
    group: "Timeline",
    summary:
      "Where a MAC, or the MAC with an IP address, was at a time, in each domain that knew it",
    role: "viewer",
    http: { method: "GET", path: "/v1/timeline/at" },
    input: "GetMacAtRequest",
    output: "GetMacAtResponse",
    rules: {
      mac: text(64),
      ip: text(64),
      time: { required: true, ...text(64) },
      domain: text(128),
    },
    run: async (backend, { time, ...what }: AtInput) => ({
      macs: await timelineOf(backend).at({ ...what, time: timeOf("time", time) }),
    }),
  }),
  page({
    id: "ListTimeline",
    dump: "DumpTimeline",
    group: "Timeline",
    summary: "What happened, oldest first",
    role: "viewer",
    http: { method: "GET", path: "/v1/timeline/events" },
    input: "ListTimelineRequest",
    output: "ListTimelineResponse",
    rows: "events",
    row: "TimelineEvent",
    rules: { ...STRETCH, ...FILTERS, kind: text(32) },
    run: (backend, query: Stretch & Filters & PageInput & { readonly kind?: string }) =>
      timelineOf(backend).events({ ...query, from: undefined, to: undefined, ...stretchOf(query) }),
  }),
  page({
    id: "DiffTimeline",
    dump: "DumpTimelineDiff",
    group: "Timeline",
    summary: "MACs that were elsewhere at one time than at another",
    role: "viewer",
    http: { method: "GET", path: "/v1/timeline/diff" },
    input: "DiffTimelineRequest",
    output: "DiffTimelineResponse",
    rows: "differences",
    row: "MacDifference",
    rules: { ...STRETCH, from: { required: true, ...text(64) }, ...FILTERS },
    run: (backend, query: Filters & PageInput & { readonly from: string; readonly to?: string }) =>
      timelineOf(backend).diff({
        ...query,
        from: timeOf("from", query.from),
        to: query.to === undefined ? Date.now() : timeOf("to", query.to),
      }),
  }),
  unary({
    id: "ListRestlessMacs",
    group: "Timeline",
    summary: "The MACs that moved most",
    role: "viewer",
    http: { method: "GET", path: "/v1/timeline/restless" },
    input: "ListRestlessMacsRequest",
    output: "ListRestlessMacsResponse",
    rules: { ...STRETCH, domain: text(128), count: { minimum: 1, maximum: 1000 } },
    run: async (
      backend,
      query: Stretch & { readonly domain?: string; readonly count?: number },
    ) => {
      const { domain, count } = query;
      const { rows, ...rest } = await timelineOf(backend).restless({
        ...stretchOf(query),
        domain,
        count,
      });
      return { macs: rows, ...rest };
    },
  }),
];
