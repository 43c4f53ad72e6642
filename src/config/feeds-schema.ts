/** The `bmp`, `mrt` and `recorder` blocks of the configuration's schema. All of them change live. */
import { MONITORED_RIBS } from "../bgp/feeds/settings.js";
import { FEEDS_DEFAULTS } from "./feeds.js";
import type { SchemaNode } from "./schema-node.js";

function whole(
  minimum: number,
  maximum: number,
  value: number | undefined,
  description: string,
): SchemaNode {
  return {
    type: "integer",
    minimum,
    maximum,
    ...(value !== undefined && { default: value }),
    description,
  };
}

const WEEK = 7 * 86400;
const TEBIBYTE = 1024 ** 4;

const collector: SchemaNode = {
  type: "object",
  required: ["address"],
  additionalProperties: false,
  properties: {
    name: {
      type: "string",
      pattern: "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$",
      description: "Name in log, views and metrics. Default: address and port.",
    },
    address: { type: "string", format: "ip", description: "The collector's address." },
    port: whole(1, 65535, FEEDS_DEFAULTS.port, "Its TCP port; evpnd connects."),
    monitor: {
      type: "array",
      minItems: 1,
      uniqueItems: true,
      items: { type: "string", enum: [...MONITORED_RIBS] },
      default: FEEDS_DEFAULTS.monitor,
      description:
        "What it is told: Adj-RIB-In as received (pre) or as import policy left it (post), Adj-RIB-Out before (pre) and after (post) everything that decides what a peer gets (RFC 8671), Loc-RIB (RFC 9069).",
    },
    "table-name": {
      type: "boolean",
      default: FEEDS_DEFAULTS["table-name"],
      description:
        "Name the Loc-RIB's table (`global`) in its Peer Up, an option of RFC 9069 that older decoders, TShark 4.0 among them, take for a malformed message.",
    },
    "statistics-interval": whole(
      0,
      86400,
      FEEDS_DEFAULTS["statistics-interval"],
      "Seconds between statistics reports; 0 = none.",
    ),
    "connect-retry": whole(
      1,
      3600,
      FEEDS_DEFAULTS["connect-retry"],
      "Seconds before the first new try after a lost or refused connection; doubles.",
    ),
    "connect-retry-max": whole(
      1,
      3600,
      FEEDS_DEFAULTS["connect-retry-max"],
      "Seconds that the wait grows to.",
    ),
    "local-address": {
      type: "string",
      format: "ip",
      description: "Own address of the connection.",
    },
    "password-file": {
      type: "string",
      minLength: 1,
      description: "File whose first line is the TCP MD5 key (RFC 2385) of the connection.",
    },
    "password-env": {
      type: "string",
      minLength: 1,
      description: "Environment variable with the TCP MD5 key.",
    },
    password: {
      type: "string",
      minLength: 1,
      maxLength: 80,
      description: "The TCP MD5 key itself. Allowed, but warned about.",
    },
    "ttl-security-hops": whole(
      0,
      254,
      0,
      "TTL security (RFC 5082): hops to the collector, 1 = directly connected; 0 = off.",
    ),
  },
};

export const bmpSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "Monitoring by BMP (RFC 7854). A collector that does not keep up is disconnected and starts anew; it never holds a session up.",
  properties: {
    "sys-name": {
      type: "string",
      minLength: 1,
      maxLength: 255,
      description: "Our name in Initiation. Default: the host name.",
    },
    "backlog-limit": whole(
      1024 * 1024,
      16 * 1024 ** 3,
      FEEDS_DEFAULTS["backlog-limit"],
      "Octets of changes kept for the slowest collector; all collectors share them.",
    ),
    collectors: {
      type: "array",
      items: collector,
      description: "Stations that evpnd connects to.",
    },
  },
};

function fileProperties(name: string): Readonly<Record<string, SchemaNode>> {
  return {
    directory: {
      type: "string",
      minLength: 1,
      description: "Where the files go; it must exist. Relative to the configuration file.",
    },
    name: {
      type: "string",
      pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
      default: name,
      description: "First word of the file names: NAME.20260102.030405 (UTC).",
    },
    compress: {
      type: "boolean",
      default: FEEDS_DEFAULTS.compress,
      description: "Compress with gzip; the names end in .gz.",
    },
    "keep-files": whole(
      0,
      1000000,
      FEEDS_DEFAULTS["keep-files"],
      "Most files of this name kept; 0 = no bound.",
    ),
    "keep-octets": whole(
      0,
      1024 * TEBIBYTE,
      FEEDS_DEFAULTS["keep-octets"],
      "Most octets of files of this name kept; 0 = no bound.",
    ),
    "keep-seconds": whole(
      0,
      10 * 366 * 86400,
      FEEDS_DEFAULTS["keep-seconds"],
      "Files older than this are removed; 0 = no bound.",
    ),
  };
}

export const mrtSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description:
    "MRT files (RFC 6396, 8050). A file has a hidden name until it is whole; a disk that is full or too slow costs records, never a session.",
  properties: {
    updates: {
      type: "object",
      required: ["directory"],
      additionalProperties: false,
      description: "Messages and state changes of all sessions (BGP4MP_ET).",
      properties: {
        ...fileProperties("updates"),
        direction: {
          type: "string",
          enum: ["received", "both"],
          default: FEEDS_DEFAULTS.direction,
          description: "Messages received only, or those sent as well.",
        },
        "rotate-seconds": whole(
          0,
          WEEK,
          FEEDS_DEFAULTS["rotate-seconds"],
          "A new file at each multiple of so many seconds since 1970; 0 = not by time.",
        ),
        "rotate-octets": whole(
          0,
          TEBIBYTE,
          FEEDS_DEFAULTS["rotate-octets"],
          "A new file when one has so many octets of records; 0 = not by size.",
        ),
      },
    },
    tables: {
      type: "object",
      required: ["directory"],
      additionalProperties: false,
      description: "The whole table (TABLE_DUMP_V2), a file per dump.",
      properties: {
        ...fileProperties("rib"),
        interval: whole(
          0,
          WEEK,
          FEEDS_DEFAULTS.interval,
          "Dumps at each multiple of so many seconds since 1970; 0 = on demand only (evpnctl mrt dump).",
        ),
        view: {
          type: "string",
          enum: ["pre-policy", "post-policy"],
          default: FEEDS_DEFAULTS.view,
          description: "Routes as received, or as import policy left them.",
        },
      },
    },
  },
};

const { recorder } = FEEDS_DEFAULTS;

export const recorderSchema: SchemaNode = {
  type: "object",
  additionalProperties: false,
  description: "The flight recorder: the last messages of each peer, for evpnctl recorder.",
  properties: {
    enabled: {
      type: "boolean",
      default: recorder.enabled,
      description: "Keep the last messages.",
    },
    "octets-per-peer": whole(
      4096,
      64 * 1024 * 1024,
      recorder["octets-per-peer"],
      "Octets kept of one peer, both directions together; the largest power of two within counts.",
    ),
    "octets-total": whole(
      65536,
      16 * 1024 ** 3,
      recorder["octets-total"],
      "Octets kept of all peers together.",
    ),
    "max-age": whole(60, 366 * 86400, recorder["max-age"], "Seconds that a message is kept."),
    "keep-after-down": whole(
      0,
      366 * 86400,
      recorder["keep-after-down"],
      "Seconds that the recording of a peer without a session is kept.",
    ),
  },
};
