/** Messages between Sec-EM and gates or gateways (docs/asmn-protocol.md, "Feed"). */
import { catalog, heartbeat, hello, keys, MD5_KEY_OCTETS, refused } from "./agent-messages.js";
import type { Catalog, Heartbeat, Hello, Keys, Refused } from "./agent-messages.js";
import { defineMessage, messageSet } from "./frame.js";
import type { MessageOf } from "./frame.js";
import { name, octets, octetsUpTo, u32, u64 } from "./kinds.js";
import { field, optional } from "./struct.js";
import { READER } from "./words.js";

export const subscribe = defineMessage("subscribe", 32, {
  audience: field(1, name),
  reader: field(2, READER),
  nonce: field(3, octets(32)),
});

export const item = defineMessage("item", 34, {
  /** Signed: `verdict.ts`. */
  verdict: field(1, octetsUpTo(4096)),
  /** To gates only, where the binding is that. A secret. */
  md5Key: optional(2, octets(MD5_KEY_OCTETS)),
  /** Of the revocation that it tells; 0 = it tells none. */
  revocation: field(3, u64),
});

export const gone = defineMessage("gone", 35, {
  id: field(1, octets(32)),
  serial: field(2, u64),
});

/** The snapshot is complete: what it did not name is gone. */
export const marker = defineMessage("marker", 36, {
  items: field(1, u32),
  catalogs: field(2, u32),
  revocation: field(3, u64),
});

/** From the subscriber, behind each revocation that it has put in force. */
export const applied = defineMessage("applied", 37, { revocation: field(1, u64) });

/** A signed break-glass document (`break-glass.ts`). */
export const glass = defineMessage("glass", 39, { document: field(1, octetsUpTo(2048)) });

/** A break-glass document ends before its time. */
export const glassEnd = defineMessage("glass-end", 40, { serial: field(1, u64) });

export const feedLink = messageSet("the feed", [
  hello,
  refused,
  catalog,
  subscribe,
  heartbeat,
  item,
  gone,
  marker,
  applied,
  keys,
  glass,
  glassEnd,
]);

export type Subscribe = MessageOf<typeof subscribe>;
export type Item = MessageOf<typeof item>;
export type Gone = MessageOf<typeof gone>;
export type Marker = MessageOf<typeof marker>;
export type Applied = MessageOf<typeof applied>;
export type Glass = MessageOf<typeof glass>;
export type GlassEnd = MessageOf<typeof glassEnd>;
export type FeedMessage =
  | Hello
  | Refused
  | Catalog
  | Subscribe
  | Heartbeat
  | Item
  | Gone
  | Marker
  | Applied
  | Keys
  | Glass
  | GlassEnd;
