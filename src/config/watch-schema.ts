/** The parts of the schema that are `slow-peers` and `audit`; `watch.ts` compiles them. */
import type { SchemaNode } from "./schema-node.js";
import { WATCH_DEFAULTS } from "./watch.js";

const SLOW = WATCH_DEFAULTS["slow-peers"];

export const slowPeersSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "When a peer counts as slow: it does not take what it is sent while most others do. Said in the log, in metrics and in `evpnctl show peers`; nothing is done to it.",
  properties: {
    enabled: { type: "boolean", default: SLOW.enabled, description: "Look for slow peers." },
    seconds: {
      type: "integer",
      minimum: 1,
      maximum: 3600,
      default: SLOW.seconds,
      description: "Seconds behind that make a peer slow.",
    },
    "recovery-seconds": {
      type: "integer",
      minimum: 1,
      maximum: 3600,
      default: SLOW["recovery-seconds"],
      description: "Seconds below half the thresholds after which it is not slow any more.",
    },
    backlog: {
      type: "integer",
      minimum: 1,
      maximum: 1_000_000_000,
      default: SLOW.backlog,
      description: "Behind: this many changes of the table that the peer has not been sent yet,",
    },
    "pending-octets": {
      type: "integer",
      minimum: 1,
      maximum: 262_144,
      default: SLOW["pending-octets"],
      description: "or this many octets that wait for the kernel to take them.",
    },
  },
};

export const auditSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "The self-audit: evpnd compares its tables with one another all the time, in slices. A difference is an error in the log with the route's key in it.",
  properties: {
    continuous: {
      type: "boolean",
      default: WATCH_DEFAULTS.audit.continuous,
      description: "Audit without being asked. `evpnctl audit` works either way.",
    },
    "cpu-percent": {
      type: "number",
      minimum: 0.01,
      maximum: 50,
      default: WATCH_DEFAULTS.audit["cpu-percent"],
      description: "Most of one core that it takes, percent.",
    },
  },
};
