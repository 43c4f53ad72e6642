/** The `graceful-restart` option of peers and the `restart` block of the file's schema. */
import { LONG_LIVED_TIME_MOST, RESTART_TIME_MOST } from "../bgp/graceful-settings.js";
import { PEER_RESTART_DEFAULTS, RESTART_BLOCK_DEFAULTS } from "./graceful-restart.js";
import type { SchemaNode } from "./schema-node.js";

const defaults = PEER_RESTART_DEFAULTS;
const longLived = defaults["long-lived"];

function seconds(description: string, fallback: number, maximum: number): SchemaNode {
  return { type: "integer", minimum: 0, maximum, default: fallback, description };
}

export const gracefulRestartSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "What is kept when one side restarts (RFC 4724, 8538, 9494). A nearer block replaces a group's as a whole. What the peer is told changes with its next session, what is kept of it at once.",
  properties: {
    mode: {
      type: "string",
      enum: ["off", "helper", "full"],
      default: defaults.mode,
      description:
        "`helper` keeps the routes of a peer that restarts, `full` also asks the peer to keep ours while evpnd restarts, `off` keeps nothing.",
    },
    "restart-time": seconds(
      "Seconds the peer is asked to keep our routes until we are back (mode `full`).",
      defaults["restart-time"],
      RESTART_TIME_MOST,
    ),
    "restart-time-max": seconds(
      "Most seconds we wait for the peer to come back, whatever it asks for.",
      defaults["restart-time-max"],
      RESTART_TIME_MOST,
    ),
    "stale-time": {
      type: "integer",
      minimum: 1,
      maximum: 86400,
      default: defaults["stale-time"],
      description:
        "Most seconds stale routes stay once the peer is back and has not sent End-of-RIB.",
    },
    notification: {
      type: "boolean",
      default: defaults.notification,
      description:
        "Notification mode (RFC 8538): a NOTIFICATION that is no hard reset counts as a restart, if the peer has the mode as well.",
    },
    "long-lived": {
      type: "object",
      additionalProperties: false,
      description:
        "Long-lived graceful restart (RFC 9494): what is still stale after the restart time is kept as the last choice.",
      properties: {
        enabled: {
          type: "boolean",
          default: longLived.enabled,
          description: "Offer the capability and keep long-lived stale routes.",
        },
        "stale-time": seconds(
          "Seconds the peer is asked to keep our routes beyond the restart time (mode `full`).",
          longLived["stale-time"],
          LONG_LIVED_TIME_MOST,
        ),
        "stale-time-max": seconds(
          "Most seconds the peer's routes are kept beyond its restart time, whatever it asks for.",
          longLived["stale-time-max"],
          LONG_LIVED_TIME_MOST,
        ),
        "partial-deployment": {
          type: "boolean",
          default: longLived.partial,
          description:
            "iBGP peers without the capability get long-lived stale routes with NO_EXPORT and LOCAL_PREF 0; otherwise they get none.",
        },
      },
    },
  },
};

export const restartSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "evpnd as the one that restarts. Needs peers with `graceful-restart: {mode: full}`. It changes at the next start, `on-stop` at once.",
  properties: {
    "state-dir": {
      type: "string",
      minLength: 1,
      description:
        "Directory for the file that remembers which peers were up, for example `/var/lib/evpnd`. Without it every start is a cold one.",
    },
    "selection-deferral-time": {
      type: "integer",
      minimum: 1,
      maximum: 3600,
      default: RESTART_BLOCK_DEFAULTS["selection-deferral-time"],
      description:
        "Most seconds that sending waits after a restart for the End-of-RIB of the peers that were up before.",
    },
    "on-stop": {
      type: "string",
      enum: ["keep", "cease"],
      default: RESTART_BLOCK_DEFAULTS["on-stop"],
      description:
        "SIGTERM with a `state-dir`: `keep` closes sessions of mode `full` without NOTIFICATION, so that the peers keep our routes for the restart time; `cease` tells them that we are gone.",
    },
  },
};
