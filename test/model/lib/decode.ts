/**
 * The receiving end's own small decoder. It judges the reflector's manners as well: it throws where
 * a message is not what a speaker should send (RFC 4271 section 4.3, RFC 7606 section 5.1).
 */
import { familyOf, Family } from "../../../src/fast-bgp-codec/family.js";
import { attributesText, Code, type Attribute, type Attributes } from "./attributes.js";
import { hexOf, numberAt, octetsIn, slice } from "./hex.js";
import { nlriKey, splitNlri } from "./nlri.js";
import { MARKER } from "./wire.js";

export interface Announcement {
  readonly key: string;
  readonly family: Family;
  readonly nlri: string;
  readonly nextHop: string;
  /** With ADD-PATH; 0 without. */
  readonly pathId: number;
}

export type Received =
  | { readonly kind: "end-of-rib"; readonly family: Family }
  | { readonly kind: "refresh"; readonly family: Family; readonly subtype: number }
  | { readonly kind: "withdraw"; readonly keys: readonly string[] }
  | {
      readonly kind: "announce";
      readonly routes: readonly Announcement[];
      readonly attributes: Attributes;
      readonly text: string;
    };

/** A message as the peer understands it, and its length. */
export interface Decoded {
  readonly octets: number;
  readonly received: Received;
}

/**
 * All messages of one buffer. Keys of families with ADD-PATH end in "#" and the path id.
 * @param addPath bit mask over `Family`
 */
export function decodeMessages(bytes: Uint8Array, as4: boolean, addPath = 0): Decoded[] {
  const out: Decoded[] = [];
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  for (let at = 0; at < bytes.length;) {
    check(slice(all, at, 16) === MARKER, "the marker is not all ones");
    const octets = numberAt(all, at + 16, 2);
    check(octets >= 19 && at + octets <= bytes.length, `the length ${String(octets)} is wrong`);
    const type = numberAt(all, at + 18, 1);
    const body = slice(all, at + 19, octets - 19);
    check(type === 2 || type === 5, `a message of type ${String(type)}`);
    out.push({ octets, received: type === 2 ? update(body, as4, addPath) : refresh(body) });
    at += octets;
  }
  return out;
}

export function check(good: boolean, complaint: string): asserts good {
  if (!good) throw new Error(complaint);
}

function refresh(body: string): Received {
  check(octetsIn(body) === 4, "ROUTE-REFRESH body is not 4 octets");
  return {
    kind: "refresh",
    family: family(numberAt(body, 0, 2), numberAt(body, 3, 1)),
    subtype: numberAt(body, 2, 1),
  };
}

function update(body: string, as4: boolean, addPath: number): Received {
  const withdrawnLength = numberAt(body, 0, 2);
  const withdrawn = slice(body, 2, withdrawnLength);
  const attributesLength = numberAt(body, 2 + withdrawnLength, 2);
  const end = 4 + withdrawnLength + attributesLength;
  check(end <= octetsIn(body), "the fields of the UPDATE overrun it");
  const list = attributeList(slice(body, 4 + withdrawnLength, attributesLength));
  const nlri = slice(body, end);
  const reach = list.find((one) => one.code === Code.MpReach);
  const unreach = list.find((one) => one.code === Code.MpUnreach);
  const fields = [withdrawn !== "", nlri !== "", reach !== undefined, unreach !== undefined];
  check(fields.filter(Boolean).length <= 1, "several NLRI fields in one UPDATE");
  if (unreach !== undefined) return withdrawal(unreach.value, list.length, addPath);
  if (withdrawn !== "") {
    check(list.length === 0, "attributes beside withdrawn routes");
    return { kind: "withdraw", keys: keysOf(Family.Ipv4Unicast, withdrawn, addPath) };
  }
  if (nlri === "" && reach === undefined) {
    check(list.length === 0, "attributes without NLRI");
    return { kind: "end-of-rib", family: Family.Ipv4Unicast };
  }
  return announcement(list, reach, nlri, as4, addPath);
}

function withdrawal(value: string, attributes: number, addPath: number): Received {
  check(attributes === 1, "attributes beside MP_UNREACH_NLRI");
  const of = family(numberAt(value, 0, 2), numberAt(value, 2, 1));
  const run = slice(value, 3);
  if (run === "") return { kind: "end-of-rib", family: of };
  return { kind: "withdraw", keys: keysOf(of, run, addPath) };
}

function announcement(
  list: readonly Attribute[],
  reach: Attribute | undefined,
  nlri: string,
  as4: boolean,
  addPath: number,
): Received {
  let of: Family = Family.Ipv4Unicast;
  let nextHop = list.find((one) => one.code === Code.NextHop)?.value;
  let run = nlri;
  if (reach !== undefined) {
    check(nextHop === undefined, "NEXT_HOP beside MP_REACH_NLRI");
    check(list[0] === reach, "MP_REACH_NLRI is not the first attribute");
    of = family(numberAt(reach.value, 0, 2), numberAt(reach.value, 2, 1));
    const length = numberAt(reach.value, 3, 1);
    nextHop = slice(reach.value, 4, length);
    check(numberAt(reach.value, 4 + length, 1) === 0, "the reserved octet is not zero");
    run = slice(reach.value, 5 + length);
  }
  check(nextHop !== undefined, "no next hop");
  const hop = nextHop;
  const own = list.filter((one) => one.code !== Code.MpReach && one.code !== Code.NextHop);
  const attributes = as4 ? fourOctet(own) : mergeAs4(own);
  return {
    kind: "announce",
    routes: split(of, run, addPath).map(({ nlri: one, pathId }) => ({
      key: nameOf(of, one, pathId),
      family: of,
      nlri: one,
      nextHop: hop,
      pathId,
    })),
    attributes,
    text: attributesText(attributes),
  };
}

function attributeList(run: string): Attribute[] {
  const out: Attribute[] = [];
  for (let at = 0; at < octetsIn(run);) {
    const flags = numberAt(run, at, 1);
    const code = numberAt(run, at + 1, 1);
    const extended = (flags & 0x10) !== 0;
    const length = numberAt(run, at + 2, extended ? 2 : 1);
    const start = at + (extended ? 4 : 3);
    check(start + length <= octetsIn(run), `attribute ${String(code)} overruns`);
    check((flags & 0x0f) === 0, `attribute ${String(code)} has low flag bits set`);
    const last = out
      .filter((one) => one.code !== Code.MpReach && one.code !== Code.MpUnreach)
      .at(-1);
    check(
      last === undefined || last.code < code,
      `attribute ${String(code)} twice or out of order`,
    );
    out.push({ code, flags: flags & 0xe0, value: slice(run, start, length) });
    at = start + length;
  }
  return out;
}

function fourOctet(list: readonly Attribute[]): Attributes {
  for (const { code } of list)
    check(code !== Code.As4Path && code !== Code.As4Aggregator, "AS4 attribute to a 4-octet peer");
  return list;
}

/** RFC 6793 section 4.2.3, for what a well-behaved speaker sends. */
function mergeAs4(list: readonly Attribute[]): Attributes {
  const path = list.find((one) => one.code === Code.As4Path);
  const aggregator = list.find((one) => one.code === Code.As4Aggregator);
  const out: Attribute[] = [];
  for (const one of list) {
    if (one.code === Code.AsPath) {
      const wide = widen(one.value);
      check(path !== undefined || !wide.trans, "AS_TRANS without AS4_PATH");
      check(path === undefined || wide.trans, "AS4_PATH without need");
      out.push({ ...one, value: path?.value ?? wide.value });
    } else if (one.code === Code.Aggregator) {
      const trans = slice(one.value, 0, 2) === hexOf(23456, 2);
      check(trans === (aggregator !== undefined), "AS4_AGGREGATOR does not fit AGGREGATOR");
      out.push({ ...one, value: aggregator?.value ?? `0000${one.value}` });
    } else if (one.code !== Code.As4Path && one.code !== Code.As4Aggregator) out.push(one);
  }
  return out;
}

function widen(value: string): { value: string; trans: boolean } {
  let out = "";
  let trans = false;
  for (let at = 0; at < octetsIn(value);) {
    const count = numberAt(value, at + 1, 1);
    out += slice(value, at, 2);
    for (let i = 0; i < count; i++) {
      const as = slice(value, at + 2 + i * 2, 2);
      trans ||= as === hexOf(23456, 2);
      out += `0000${as}`;
    }
    at += 2 + count * 2;
    check(at <= octetsIn(value), "AS_PATH is not in 2-octet form");
  }
  return { value: out, trans };
}

interface Single {
  readonly nlri: string;
  readonly pathId: number;
}

function keysOf(of: Family, run: string, addPath: number): string[] {
  return split(of, run, addPath).map(({ nlri, pathId }) => nameOf(of, nlri, pathId));
}

function nameOf(of: Family, nlri: string, pathId: number): string {
  return pathId === 0 ? nlriKey(of, nlri) : `${nlriKey(of, nlri)}#${String(pathId)}`;
}

function split(of: Family, run: string, addPath: number): Single[] {
  if ((addPath & (1 << of)) !== 0) return splitPaths(of, run);
  const singles = splitNlri(of, run);
  check(singles !== undefined && singles.length > 0, "the NLRI cannot be cut");
  return singles.map((nlri) => ({ nlri, pathId: 0 }));
}

/** EVPN alone has path ids here: 4 octets before each route. */
function splitPaths(of: Family, run: string): Single[] {
  check(of === Family.Evpn, "path ids in a family that has none");
  const out: Single[] = [];
  for (let at = 0; at < octetsIn(run);) {
    const pathId = numberAt(run, at, 4);
    const length = 2 + numberAt(run, at + 5, 1);
    const nlri = slice(run, at + 4, length);
    check(pathId !== 0, "path id 0");
    check(splitNlri(of, nlri)?.length === 1, "the NLRI with path ids cannot be cut");
    out.push({ nlri, pathId });
    at += 4 + length;
  }
  return out;
}

function family(afi: number, safi: number): Family {
  const of = familyOf(afi, safi);
  check(of !== undefined, `unknown family ${String(afi)}/${String(safi)}`);
  return of;
}
