/** The `add-path` option of peers in the file's schema. */
import { FAMILIES, Family } from "../fast-bgp-codec/index.js";
import { ADD_PATH_DEFAULTS, ADD_PATH_MOST } from "./add-path.js";
import type { SchemaNode } from "./schema-node.js";

const ofFamily: SchemaNode = {
  type: "object",
  additionalProperties: false,
  properties: {
    send: {
      type: "boolean",
      default: ADD_PATH_DEFAULTS.send,
      description: "Send several paths of a destination, if the peer is ready to receive them.",
    },
    receive: {
      type: "boolean",
      default: ADD_PATH_DEFAULTS.receive,
      description: "Receive several paths of a destination, if the peer is ready to send them.",
    },
    limit: {
      type: "integer",
      minimum: 1,
      maximum: ADD_PATH_MOST,
      default: ADD_PATH_DEFAULTS.limit,
      description: "Most paths of a destination sent, the best first.",
    },
  },
};

export const addPathSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "Several paths of one destination (ADD-PATH, RFC 7911), by address family. Directions are settled when the session comes up: a change resets it. `limit` changes live.",
  properties: Object.fromEntries(
    FAMILIES.filter(({ family }) => family !== Family.RouteTarget).map(({ name }) => [
      name,
      { ...ofFamily, description: `Of ${name}; the family must be in \`families\`.` },
    ]),
  ),
};
