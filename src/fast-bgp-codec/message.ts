/**
 * Whole messages as objects: what evpnctl, the API, tests and tools work with. The data path does not:
 * it goes through `scanUpdate`.
 *
 * In: octets and what is known of the session. Out: an object in the field names of the documentation,
 * with an `outcome` when something is wrong. `encodeMessage` gives the same octets again.
 */
import { fromHex, readU16, readU8, toHex, writeU16 } from "../util/bytes.js";
import { decodeAttributes, encodeAttributes, type DecodedAttribute } from "./attribute/list.js";
import type { MpUnreach } from "./attribute/mp-nlri.js";
import type { AttributeContext } from "./attribute/value-codec.js";
import type { DecodeContext } from "./context.js";
import { ALL_FAMILIES, Family } from "./family.js";
import { isFault, resetFault, type DecodeFault } from "./fault.js";
import { HEADER_LENGTH, MAX_LENGTH, frame, headerFault } from "./header.js";
import { AttributeCode, MessageType } from "./iana.js";
import { decodeNlriField, encodeNlriField, type DecodedNlri } from "./nlri.js";
import { decodeNotification, encodeNotification, shutdownText } from "./notification.js";
import { decodeOpen, encodeOpen, openAs, type Open } from "./open.js";
import { faultOutcome, ignored, updateOutcome, type Outcome } from "./outcome.js";
import { decodeRouteRefresh, encodeRouteRefresh } from "./route-refresh.js";
import { familyOf } from "./family.js";

export interface MessageContext extends DecodeContext {
  /** Most octets a message may have: 4096, or 65535 with Extended Message. */
  readonly maxLength: number;
  /** AS the peer must have in its OPEN; 0 takes any. */
  readonly configuredPeerAs: number;
}

/** An iBGP session with 4-octet ASes and every family, without ADD-PATH. */
export const DEFAULT_CONTEXT: MessageContext = {
  as4: true,
  ibgp: true,
  peerAs: 0,
  families: ALL_FAMILIES,
  addPath: 0,
  malformedNlri: "drop",
  maxLength: MAX_LENGTH,
  configuredPeerAs: 0,
};

export interface UpdateMessage {
  readonly message: "UPDATE";
  /** IPv4 withdrawn routes, when there are any. */
  readonly withdrawn?: readonly DecodedNlri[];
  /** In wire order. */
  readonly attributes: readonly DecodedAttribute[];
  /** IPv4 NLRI, when there are any. */
  readonly nlri?: readonly DecodedNlri[];
  readonly endOfRib?: { readonly afi: number; readonly safi: number };
  /** The message's octets, where the fields do not tell them all. Wins on encoding. */
  readonly hex?: string;
  readonly outcome?: Outcome;
}

export interface NotificationMessage {
  readonly message: "NOTIFICATION";
  readonly code: number;
  readonly subcode: number;
  /** Hex. */
  readonly data: string;
  /** Text of an administrative shutdown or reset (RFC 9003). Follows from `data`. */
  readonly shutdownCommunication?: string;
}

export interface RouteRefreshMessage {
  readonly message: "ROUTE-REFRESH";
  readonly afi: number;
  readonly subtype: number;
  readonly safi: number;
  /** ORF entries, hex. */
  readonly rest?: string;
  readonly outcome?: Outcome;
}

/** Octets that are no message; `outcome` says why. */
export interface InvalidMessage {
  readonly message: "INVALID";
  readonly hex: string;
  readonly outcome: Outcome;
}

export type DecodedMessage =
  | ({ readonly message: "OPEN" } & Open)
  | UpdateMessage
  | NotificationMessage
  | { readonly message: "KEEPALIVE" }
  | RouteRefreshMessage
  | InvalidMessage;

/** Decodes the message that fills `bytes`. Never throws: what is wrong is in `outcome`. */
export function decodeMessage(
  bytes: Uint8Array,
  context: Partial<MessageContext> = {},
): DecodedMessage {
  const full: MessageContext = { ...DEFAULT_CONTEXT, ...context };
  if (bytes.length < HEADER_LENGTH) {
    return invalid(bytes, resetFault(1, 2, `${bytes.length} octets are no message`));
  }
  const bad = headerFault(bytes, 0, full.maxLength);
  if (bad !== undefined) return invalid(bytes, bad);
  const length = readU16(bytes, 16);
  if (length !== bytes.length) {
    const detail = `header says ${length} octets, ${bytes.length} are there`;
    return invalid(bytes, resetFault(1, 2, detail, bytes.slice(16, 18)));
  }
  switch (readU8(bytes, 18)) {
    case MessageType.Open:
      return decodeOpenMessage(bytes, full);
    case MessageType.Update:
      return decodeUpdate(bytes, full);
    case MessageType.Notification:
      return decodeNotificationMessage(bytes);
    case MessageType.Keepalive:
      return { message: "KEEPALIVE" };
    default:
      return decodeRefreshMessage(bytes, full);
  }
}

function invalid(bytes: Uint8Array, fault: DecodeFault): InvalidMessage {
  return { message: "INVALID", hex: toHex(bytes), outcome: faultOutcome(fault) };
}

function decodeOpenMessage(bytes: Uint8Array, context: MessageContext): DecodedMessage {
  const open = decodeOpen(bytes, 0, bytes.length);
  if (isFault(open)) return invalid(bytes, open);
  const as = openAs(open);
  if (context.configuredPeerAs !== 0 && as !== context.configuredPeerAs) {
    const detail = `OPEN: AS ${as}, not ${context.configuredPeerAs} (RFC 4271 section 6.2)`;
    return invalid(bytes, resetFault(2, 2, detail));
  }
  return { message: "OPEN", ...open };
}

function decodeNotificationMessage(bytes: Uint8Array): NotificationMessage {
  const notification = decodeNotification(bytes, 0, bytes.length);
  const text = shutdownText(notification);
  return {
    message: "NOTIFICATION",
    code: notification.code,
    subcode: notification.subcode,
    data: toHex(notification.data),
    ...(text === undefined ? {} : { shutdownCommunication: text }),
  };
}

function decodeRefreshMessage(bytes: Uint8Array, context: MessageContext): DecodedMessage {
  const refresh = decodeRouteRefresh(bytes, 0, bytes.length);
  if (isFault(refresh)) return invalid(bytes, refresh);
  const { afi, subtype, safi, rest } = refresh;
  const family = familyOf(afi, safi);
  let outcome: Outcome | undefined;
  if (subtype > 2) {
    outcome = ignored(`ROUTE-REFRESH subtype ${subtype} is not known (RFC 7313 section 5)`);
  } else if (family === undefined || (context.families & (1 << family)) === 0) {
    outcome = ignored(`family ${afi}/${safi} is not negotiated (RFC 2918 section 4)`);
  }
  return {
    message: "ROUTE-REFRESH",
    afi,
    subtype,
    safi,
    ...(rest.length > 0 ? { rest: toHex(rest) } : {}),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

function decodeUpdate(bytes: Uint8Array, context: MessageContext): DecodedMessage {
  const outcome = updateOutcome(bytes, 0, bytes.length, context);
  const fields = decodeUpdateFields(bytes, context);
  if (fields === undefined) {
    const lost = resetFault(3, 1, "the fields of the UPDATE cannot be told apart");
    return { message: "INVALID", hex: toHex(bytes), outcome: outcome ?? faultOutcome(lost) };
  }
  const message: UpdateMessage = { message: "UPDATE", ...fields };
  if (outcome === undefined) return message;
  const again = encodeMessage(message, context);
  const same = toHex(again) === toHex(bytes);
  return { ...message, ...(same ? {} : { hex: toHex(bytes) }), outcome };
}

type UpdateFields = Pick<UpdateMessage, "withdrawn" | "attributes" | "nlri" | "endOfRib">;

/** Undefined when lengths or IPv4 prefixes do not allow it. */
function decodeUpdateFields(bytes: Uint8Array, context: MessageContext): UpdateFields | undefined {
  const withdrawnStart = HEADER_LENGTH + 2;
  const withdrawnEnd = withdrawnStart + readU16(bytes, HEADER_LENGTH);
  if (withdrawnEnd + 2 > bytes.length) return undefined;
  const attributesEnd = withdrawnEnd + 2 + readU16(bytes, withdrawnEnd);
  if (attributesEnd > bytes.length) return undefined;
  const withdrawn = ipv4Field(bytes, withdrawnStart, withdrawnEnd, context);
  const nlri = ipv4Field(bytes, attributesEnd, bytes.length, context);
  if (withdrawn === undefined || nlri === undefined) return undefined;
  const options = { as4: context.as4, addPath: context.addPath, exact: true };
  const attributes = decodeAttributes(bytes, withdrawnEnd + 2, attributesEnd, options);
  const endOfRib =
    withdrawn.length + nlri.length === 0 ? findEndOfRib(attributes, bytes.length) : undefined;
  return {
    ...(withdrawn.length > 0 ? { withdrawn } : {}),
    attributes,
    ...(nlri.length > 0 ? { nlri } : {}),
    ...(endOfRib === undefined ? {} : { endOfRib }),
  };
}

function ipv4Field(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: MessageContext,
): DecodedNlri[] | undefined {
  const addPath = (context.addPath & (1 << Family.Ipv4Unicast)) !== 0;
  return decodeNlriField(Family.Ipv4Unicast, bytes, start, end, addPath);
}

/** Of any family, ours or not (RFC 4724 section 2). */
function findEndOfRib(
  attributes: readonly DecodedAttribute[],
  length: number,
): { afi: number; safi: number } | undefined {
  if (length === HEADER_LENGTH + 4) return { afi: 1, safi: 1 };
  const only = attributes.length === 1 ? attributes[0]! : undefined;
  if (only?.code !== AttributeCode.MpUnreachNlri || only.malformed === true) return undefined;
  const { afi, safi, withdrawn } = only.value as MpUnreach;
  return withdrawn.length === 0 ? { afi, safi } : undefined;
}

/** The octets of a message. Throws RangeError for values that are none, or too many of them. */
export function encodeMessage(
  message: DecodedMessage,
  context: Partial<AttributeContext> = {},
): Uint8Array {
  switch (message.message) {
    case "OPEN":
      return encodeOpen(message);
    case "UPDATE":
      return encodeUpdate(message, context);
    case "NOTIFICATION": {
      const { code, subcode } = message;
      return encodeNotification({ code, subcode, data: octets(message.data) });
    }
    case "KEEPALIVE":
      return frame(MessageType.Keepalive, new Uint8Array(0));
    case "ROUTE-REFRESH":
      return encodeRouteRefresh(
        message.afi,
        message.safi,
        message.subtype,
        octets(message.rest ?? ""),
      );
    case "INVALID":
      return octets(message.hex);
  }
}

function octets(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new RangeError(`not hex: ${hex}`);
  return bytes;
}

function encodeUpdate(message: UpdateMessage, context: Partial<AttributeContext>): Uint8Array {
  if (message.hex !== undefined) return octets(message.hex);
  const withdrawn = encodeNlriField(Family.Ipv4Unicast, message.withdrawn ?? []);
  const attributes = encodeAttributes(message.attributes, context);
  const nlri = encodeNlriField(Family.Ipv4Unicast, message.nlri ?? []);
  const body = new Uint8Array(4 + withdrawn.length + attributes.length + nlri.length);
  if (HEADER_LENGTH + body.length > 0xffff) throw new RangeError("UPDATE exceeds 65535 octets");
  writeU16(body, 0, withdrawn.length);
  body.set(withdrawn, 2);
  writeU16(body, 2 + withdrawn.length, attributes.length);
  body.set(attributes, 4 + withdrawn.length);
  body.set(nlri, 4 + withdrawn.length + attributes.length);
  return frame(MessageType.Update, body);
}
