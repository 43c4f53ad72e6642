/**
 * Which session a Disconnect or CoA is about (RFC 5176 section 3). Everything the request says of session
 * and NAS must fit, and something of it must be known of the session; what it does not say does not matter.
 * Exactly one session, or an Error-Cause.
 */
import { accessPointOf, normalMac } from "../identity.js";
import { Attr, ErrorCause } from "../packet/iana.js";
import { findAttribute, findText } from "../packet/packet.js";
import type { Session } from "../session/session.js";

export interface SessionSource {
  list(): Iterable<Session>;
  /** Those of a MAC. */
  of(mac: string): readonly Session[];
  ofUser(userName: string): Iterable<Session>;
  withAcctSessionId(id: string): Iterable<Session>;
}

/**
 * @param isHeard whether the one who asks may know of the session
 * @returns the session, or the Error-Cause
 */
export function sessionFor(
  packet: Uint8Array,
  sessions: SessionSource,
  isHeard: (session: Session) => boolean,
): Session | number {
  const wanted = wantedOf(packet);
  const candidates = candidatesOf(wanted, sessions);
  if (candidates === undefined) return ErrorCause.MissingAttribute;
  let isKnown = false;
  let found: Session | undefined;
  for (const session of candidates) {
    if (!isSubscriber(session, wanted) || !isHeard(session)) continue;
    isKnown = true;
    if (!isNas(session, wanted)) continue;
    if (found !== undefined) return ErrorCause.MultipleSessionSelectionUnsupported;
    found = session;
  }
  if (found !== undefined) return found;
  return isKnown ? ErrorCause.NasIdentificationMismatch : ErrorCause.SessionContextNotFound;
}

/** Those that have something of what is wanted; undefined when nothing is. */
function candidatesOf(
  { mac, userName, acctSessionId, address }: Wanted,
  sessions: SessionSource,
): Iterable<Session> | undefined {
  if (mac !== undefined) return sessions.of(mac);
  // Every session has one: no other can fit.
  if (userName !== undefined) return sessions.ofUser(userName);
  if (address !== undefined) return havingOne(sessions.list(), acctSessionId, address);
  return acctSessionId === undefined ? undefined : sessions.withAcctSessionId(acctSessionId);
}

function* havingOne(
  sessions: Iterable<Session>,
  acctSessionId: string | undefined,
  address: string,
): Generator<Session, undefined> {
  for (const session of sessions) {
    const isNamed = acctSessionId !== undefined && session.acctSessionId === acctSessionId;
    if (isNamed || session.address === address) yield session;
  }
}

interface Wanted {
  readonly mac: string | undefined;
  readonly acctSessionId: string | undefined;
  readonly userName: string | undefined;
  readonly address: string | undefined;
  readonly station: string | undefined;
  readonly nasIdentifier: string | undefined;
  readonly nasAddress: string | undefined;
}

function wantedOf(packet: Uint8Array): Wanted {
  const station = findText(packet, Attr.CalledStationId);
  const mac = findText(packet, Attr.CallingStationId);
  return {
    mac: mac === undefined ? undefined : (normalMac(mac) ?? mac),
    acctSessionId: findText(packet, Attr.AcctSessionId),
    userName: findText(packet, Attr.UserName),
    address: ipv4Of(packet, Attr.FramedIpAddress),
    station: station === undefined ? undefined : accessPointOf(station).id,
    nasIdentifier: findText(packet, Attr.NasIdentifier),
    nasAddress: ipv4Of(packet, Attr.NasIpAddress),
  };
}

function isSubscriber(session: Session, wanted: Wanted): boolean {
  return (
    same(wanted.acctSessionId, session.acctSessionId) &&
    same(wanted.mac, session.mac) &&
    same(wanted.userName, session.userName) &&
    same(wanted.address, session.address)
  );
}

/** A NAS is also known by the address that its requests come from. */
function isNas(session: Session, { station, nasIdentifier, nasAddress }: Wanted): boolean {
  return (
    same(station, session.accessPoint) &&
    same(nasIdentifier, session.nasIdentifier) &&
    (same(nasAddress, session.nasAddress) || nasAddress === session.client)
  );
}

/** What was not said, or is not known, cannot differ. */
function same(wanted: string | undefined, known: string | undefined): boolean {
  return wanted === undefined || known === undefined || wanted === known;
}

function ipv4Of(packet: Uint8Array, type: number): string | undefined {
  const value = findAttribute(packet, type);
  return value?.length === 4 ? value.join(".") : undefined;
}
