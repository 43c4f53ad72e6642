/** What packets say of a session: attributes of an accept, counters of accounting. */
import { readU16, readU8, toHex } from "../../util/bytes.js";
import { accessPointOf } from "../identity.js";
import { Attr, Erx, HEADER, Vendor } from "../packet/iana.js";
import { findAttribute, findNumber, findText, textOf, valueAt } from "../packet/packet.js";
import type { Session } from "./session.js";
import { macOf } from "./station.js";

/** Where a request came from, and who answered it. */
export interface SessionSource {
  readonly client: string;
  readonly clientPort: number;
  readonly pool: string;
}

/** What the accept itself says. */
type Granted = Pick<
  Session,
  "userName" | "classes" | "vlan" | "address" | "addressPool" | "bundles"
>;

export function granted(request: Uint8Array, accept: Uint8Array): Granted {
  const classes: string[] = [];
  const bundles: string[] = [];
  let vlan: string | undefined;
  let addressPool: string | undefined;
  const length = readU16(accept, 2);
  for (let at = HEADER; at < length; at += readU8(accept, at + 1)) {
    const type = readU8(accept, at);
    const value = valueAt(accept, at);
    if (type === Attr.Class) classes.push(toHex(value));
    else if (type === Attr.TunnelPrivateGroupId) vlan ??= untagged(value);
    else if (type === Attr.FramedPool) addressPool ??= textOf(value);
    else if (type === Attr.VendorSpecific) {
      const erx = erxValues(value);
      bundles.push(...erx.filter(({ kind }) => kind === Erx.ServiceBundle).map(({ text }) => text));
      addressPool ??= erx.find(({ kind }) => kind === Erx.AddressPoolName)?.text;
    }
  }
  return {
    // RFC 2865 section 5.1: what the accept says is the name for accounting.
    userName: findText(accept, Attr.UserName) ?? findText(request, Attr.UserName) ?? "",
    classes,
    vlan,
    address: addressOf(accept),
    addressPool,
    bundles,
  };
}

/** Beside the address. */
export function grantsAlike(a: Granted, b: Granted): boolean {
  return (
    a.userName === b.userName &&
    a.vlan === b.vlan &&
    a.addressPool === b.addressPool &&
    sameTexts(a.classes, b.classes) &&
    sameTexts(a.bundles, b.bundles)
  );
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

/** A session as an Access-Accept begins it. */
export function begunSession(
  request: Uint8Array,
  accept: Uint8Array,
  source: SessionSource,
  { id, tenant, now }: { readonly id: number; readonly tenant: string; readonly now: number },
): Session {
  const station = accessPointOf(findText(request, Attr.CalledStationId) ?? "");
  return {
    id,
    tenant,
    mac: macOf(request),
    accessPoint: station.id,
    ssid: station.ssid,
    ...source,
    ...granted(request, accept),
    lease: undefined,
    acctSessionId: findText(request, Attr.AcctSessionId),
    nasIdentifier: findText(request, Attr.NasIdentifier),
    nasAddress: ipv4(findAttribute(request, Attr.NasIpAddress)),
    confirmed: false,
    startedAt: now,
    lastSeenAt: now,
    eventTimestamp: undefined,
    inputOctets: 0,
    outputOctets: 0,
    inputPackets: 0,
    outputPackets: 0,
    sessionTime: 0,
  };
}

/** The session as an accounting message changes it. */
export function counted(session: Session, request: Uint8Array, now: number): Session {
  const next = {
    ...session,
    confirmed: true,
    acctSessionId: findText(request, Attr.AcctSessionId) ?? session.acctSessionId,
    address: addressOf(request) ?? session.address,
  };
  count(next, request, now);
  return next;
}

/**
 * The same in place, where nothing but times and counters changes: a busy relay would make an object for each
 * message, old enough to be costly to collect when the next one comes.
 * @param id the message's Acct-Session-Id
 * @returns false when more changes: nothing is touched then
 */
export function recounted(
  session: Session,
  request: Uint8Array,
  id: string | undefined,
  now: number,
): boolean {
  if (!session.confirmed || (id !== undefined && id !== session.acctSessionId)) return false;
  const address = addressOf(request);
  if (address !== undefined && address !== session.address) return false;
  count(session, request, now);
  return true;
}

type Counts = { -readonly [Name in keyof Session]: Session[Name] };

function count(session: Counts, request: Uint8Array, now: number): void {
  session.lastSeenAt = now;
  session.eventTimestamp = findNumber(request, Attr.EventTimestamp) ?? session.eventTimestamp;
  const input = octetsOf(request, Attr.AcctInputOctets, Attr.AcctInputGigawords);
  session.inputOctets = input ?? session.inputOctets;
  const output = octetsOf(request, Attr.AcctOutputOctets, Attr.AcctOutputGigawords);
  session.outputOctets = output ?? session.outputOctets;
  session.inputPackets = findNumber(request, Attr.AcctInputPackets) ?? session.inputPackets;
  session.outputPackets = findNumber(request, Attr.AcctOutputPackets) ?? session.outputPackets;
  session.sessionTime = findNumber(request, Attr.AcctSessionTime) ?? session.sessionTime;
}

function octetsOf(request: Uint8Array, low: number, giga: number): number | undefined {
  const octets = findNumber(request, low);
  return octets === undefined ? undefined : octets + (findNumber(request, giga) ?? 0) * 2 ** 32;
}

export function ipv4(value: Uint8Array | undefined): string | undefined {
  return value?.length === 4 ? value.join(".") : undefined;
}

function addressOf(packet: Uint8Array): string | undefined {
  const text = ipv4(findAttribute(packet, Attr.FramedIpAddress));
  // RFC 2865 section 5.8: the subscriber chooses, or the NAS does.
  return text === "255.255.255.255" || text === "255.255.255.254" ? undefined : text;
}

/** RFC 2868 section 3.6: a first octet up to 1f is a tag. */
function untagged(value: Uint8Array): string {
  return textOf((value[0] ?? 0x20) <= 0x1f ? value.subarray(1) : value);
}

/** Text values of a Vendor-Specific of vendor 4874: 4 vendor, then 1 type, 1 length, value. */
function erxValues(value: Uint8Array): { kind: number; text: string }[] {
  const found: { kind: number; text: string }[] = [];
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  if (value.length < 6 || view.getUint32(0) !== Vendor.Erx) return found;
  for (let at = 4; at + 2 <= value.length;) {
    const size = view.getUint8(at + 1);
    if (size < 2 || at + size > value.length) break;
    found.push({ kind: view.getUint8(at), text: textOf(value.subarray(at + 2, at + size)) });
    at += size;
  }
  return found;
}
