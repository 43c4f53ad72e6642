/** Watches: snapshot, marker, changes, for as long as the client stays. */
import type { WatchItem, WatchQuery, WatchTopic } from "../../fib/index.js";
import { watchOf } from "../watch.js";
import { stream, text, VNI, type FieldRules, type Operation } from "./operation.js";

const FILTER: FieldRules = {
  mac: text(64),
  domain: text(128),
  vni: VNI,
  ip: text(64),
  pe: text(64),
  esi: text(64),
  kinds: text(256),
  cursor: text(128),
};

function watch(
  topic: WatchTopic,
  row: {
    readonly id: string;
    readonly summary: string;
    readonly input: string;
    readonly rules: FieldRules;
  },
): Operation {
  return stream<Omit<WatchQuery, "topic">, WatchItem>({
    group: "Watch",
    role: "viewer",
    http: { method: "GET", path: `/v1/watch/${topic}` },
    output: "WatchItem",
    ...row,
    run: (backend, input, _caller, signal) => watchOf(backend).batches({ ...input, topic }, signal),
  });
}

export const WATCH_OPERATIONS: readonly Operation[] = [
  watch("macs", {
    id: "WatchMacs",
    summary: "Where MACs are, then where they go",
    input: "WatchMacsRequest",
    rules: FILTER,
  }),
  watch("alarms", {
    id: "WatchAlarms",
    summary: "MACs that move too often, then those that begin or cease to",
    input: "WatchMacsRequest",
    rules: FILTER,
  }),
  watch("events", {
    id: "WatchEvents",
    summary: "Events of the MAC FIB, each of them, from now on",
    input: "WatchEventsRequest",
    rules: FILTER,
  }),
  watch("peers", {
    id: "WatchPeers",
    summary: "Peers and their states, then what changes",
    input: "WatchPeersRequest",
    rules: { cursor: text(128) },
  }),
];
