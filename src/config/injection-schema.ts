/** The `injection` block of the configuration's schema. */
import { INJECTION_DEFAULTS } from "../inject/settings.js";
import type { SchemaNode } from "./schema-node.js";

const MOST = 1_000_000;

export const injectionSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description: "Routes that clients of the API have evpnd announce (`evpnctl inject`).",
  properties: {
    "max-routes": {
      type: "integer",
      minimum: 0,
      maximum: MOST,
      default: INJECTION_DEFAULTS.maxRoutes,
      description: "Most injected routes in total; 0 = nobody may inject any.",
    },
    "max-routes-per-owner": {
      type: "integer",
      minimum: 1,
      maximum: MOST,
      default: INJECTION_DEFAULTS.maxRoutesPerOwner,
      description: "Most injected routes of one owner.",
    },
  },
};
