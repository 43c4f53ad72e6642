/** Messages between two VNFs (docs/asmn-protocol.md, "VNF to VNF"). Data frames are `channel.ts`. */
import { refused } from "./agent-messages.js";
import type { Refused } from "./agent-messages.js";
import { defineMessage, messageSet } from "./frame.js";
import type { MessageOf } from "./frame.js";
import { list, name, octets, octetsUpTo, u16, u8 } from "./kinds.js";
import { field } from "./struct.js";
import { MODE, SUITE } from "./words.js";

/** Octets of key, signature and MAC with their heads, and a tag. */
const SEALED_IDENTITY = 256;

export const greet = defineMessage("greet", 64, {
  mode: field(1, MODE),
  suites: field(2, list(SUITE, 8)),
  tenant: field(3, name),
  initiator: field(4, octets(32)),
  responder: field(5, octets(32)),
  /** What is to be carried: IP protocol and port. */
  protocol: field(6, u8),
  port: field(7, u16),
  nonce: field(8, octets(32)),
  ephemeral: field(9, octets(32)),
});

export const reply = defineMessage("reply", 65, {
  suite: field(1, SUITE),
  nonce: field(2, octets(32)),
  ephemeral: field(3, octets(32)),
  sealed: field(4, octetsUpTo(SEALED_IDENTITY)),
});

export const prove = defineMessage("prove", 66, { sealed: field(1, octetsUpTo(SEALED_IDENTITY)) });
export const accept = defineMessage("accept", 67, {
  sealed: field(1, octetsUpTo(SEALED_IDENTITY)),
});

export const peerLink = messageSet("the connection of two VNFs", [
  greet,
  reply,
  prove,
  accept,
  refused,
]);

export type Greet = MessageOf<typeof greet>;
export type Reply = MessageOf<typeof reply>;
export type Prove = MessageOf<typeof prove>;
export type Accept = MessageOf<typeof accept>;
export type PeerMessage = Greet | Reply | Prove | Accept | Refused;
