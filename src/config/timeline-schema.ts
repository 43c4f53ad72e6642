/** The `fib.timeline` block of the configuration's schema. */
import { TOP_DEFAULTS } from "./file.js";
import type { SchemaNode } from "./schema-node.js";

const { timeline } = TOP_DEFAULTS;

export const timelineSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "History of the MAC FIB on disk: where every MAC was ([guide](timeline.md)). Written in a thread of its own.",
  properties: {
    enabled: {
      type: "boolean",
      default: timeline.enabled,
      description:
        "Keep a timeline. It takes 30 MB of memory for events that wait, and disk space.",
    },
    directory: {
      type: "string",
      minLength: 1,
      description:
        "Directory of its own, made if it is not there. Default: `timeline` in `restart.state-dir`.",
    },
    "max-age": {
      type: "string",
      pattern: "^[1-9][0-9]{0,4}(m|h|d)$",
      default: timeline["max-age"],
      description: "Older events go: `90m`, `12h`, `30d`.",
    },
    "max-size": {
      type: "string",
      pattern: "^[1-9][0-9]{0,6}(MiB|GiB)$",
      default: timeline["max-size"],
      description:
        "Beyond so much, the oldest events go: `512MiB`, `4GiB`. Counted before compression; the disk may hold half as much again while old events are being removed.",
    },
  },
};
