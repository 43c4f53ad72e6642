/**
 * The control protocol of strongSwan's IKE daemon (VICI): in go commands with trees of sections, values and
 * lists; out come answers, streams of events that belong to an answer, and events that come by themselves.
 *
 * - `message.ts` a tree as octets; `packet.ts` packets and their framing; `client.ts` one connection.
 *
 * One command at a time on a connection: an answer has no number. Everything the daemon says is bounded in
 * size, depth and count before it is believed. Secrets go in, none comes out: errors name commands, not what
 * they carried.
 *
 * Not here: what the commands mean (`live/`), TCP (the daemon's own socket is enough), binary values in answers.
 */
export { ViciClient, type ViciClientOptions } from "./client.js";
export { ViciError, type ViciErrorCode } from "./error.js";
export {
  decodeMessage,
  encodeMessage,
  listOf,
  sectionOf,
  textOf,
  type ViciSection,
  type ViciTree,
  type ViciValue,
} from "./message.js";
export {
  encodePacket,
  decodePacket,
  MOST_SEGMENT,
  PacketType,
  SegmentReader,
  type ViciPacket,
} from "./packet.js";
