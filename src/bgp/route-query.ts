/**
 * Pages of routes for people and programs. A page walks destinations by number from its cursor and
 * stops at its limit or after a bounded amount of work, so that a query over a million routes is many
 * short turns. A page may hold fewer routes than asked for, or none, and still have a next one; never
 * more.
 * The table may change between pages: a route that stays is shown once.
 */
import { LRUCache } from "lru-cache";
import { decodeAttributes, type DecodedAttribute } from "../fast-bgp-codec/attribute/list.js";
import { FAMILIES, Family, isVpn } from "../fast-bgp-codec/family.js";
import { decodeNlri, formatNlri, type DecodedNlri } from "../fast-bgp-codec/nlri.js";
import { formatIp, parseIp } from "../fast-bgp-codec/values/ip.js";
import type { Label } from "../fast-bgp-codec/values/label.js";
import { toHex } from "../util/bytes.js";
import { ControlError, type RoutePage, type RouteQuery, type RouteView } from "./control.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";
import { BEST_REASONS } from "./rib/best-path.js";
import { HOLD_REASONS, HoldReason } from "./rib/hold.js";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
/** Destinations looked at in one page, and about how long it may take. */
const DESTINATIONS_PER_PAGE = 20_000;
const PAGE_MS = 3;

/** Attribute sets as objects, by their octets in hex; most are short, one may have 131,000 digits. */
const decodedSets = new LRUCache<string, readonly DecodedAttribute[]>({
  max: 1000,
  maxSize: 1 << 20,
  sizeCalculation: (_set, hex) => hex.length,
});

/** Memory is short: they are made again when somebody asks. */
export function forgetDecodedSets(): void {
  decodedSets.clear();
}

/**
 * @param peer the peer that the query names, where its table is asked for
 * @param now monotonic milliseconds
 */
export function queryRoutes(
  reflector: Reflector,
  query: RouteQuery,
  peer: ReflectedPeer | undefined,
  now: () => number = () => performance.now(),
): RoutePage {
  const { table } = reflector;
  const limit = Math.max(1, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX));
  const start = placeOf(query.cursor);
  const stop = Math.min(table.destinationLimit, start.dest + DESTINATIONS_PER_PAGE);
  const until = now() + PAGE_MS;
  const routes: RouteView[] = [];
  let looked = 0;
  let { dest, slot, id } = start;
  for (; dest < stop && routes.length < limit; dest++, slot = 0, id = 0) {
    if (!table.exists(dest) || !inFamily(reflector, dest, query)) continue;
    for (const path of pathsOf(reflector, dest, query, peer)) {
      const from = table.pathSlot(path);
      if (from < slot || (from === slot && table.pathId(path) < id)) continue;
      const late = (++looked & 15) === 0 && now() >= until;
      if (late || routes.length === limit)
        return { routes, next: `${dest}.${from}.${table.pathId(path)}` };
      const nlri = decodePathNlri(reflector, path);
      if (!matchesNlri(nlri, query)) continue;
      const view = viewOf(reflector, dest, path, nlri, query, peer);
      if (matchesTarget(view, query)) routes.push(view);
    }
  }
  return { routes, next: dest < table.destinationLimit ? String(dest) : undefined };
}

export function decodePathNlri({ table }: Reflector, path: number): DecodedNlri {
  const from = table.pathNlri(path);
  const to = from + table.pathNlriLength(path);
  return decodeNlri(table.family(table.pathDest(path)), table.nlriBytes, from, to);
}

/** Where a page begins: a destination's id and, within it, the slot and path id of the first path to show. */
function placeOf(cursor: string | undefined): { dest: number; slot: number; id: number } {
  if (cursor === undefined) return { dest: 1, slot: 0, id: 0 };
  const [, dest, slot, id] = /^([1-9]\d{0,9})(?:\.(\d{1,8})(?:\.(\d{1,10}))?)?$/.exec(cursor) ?? [];
  if (dest !== undefined)
    return { dest: Number(dest), slot: Number(slot ?? 0), id: Number(id ?? 0) };
  throw new ControlError(
    "invalid",
    "cursor is not one of ours: give back `next` of the page before",
  );
}

export function inFamily({ table }: Reflector, dest: number, query: RouteQuery): boolean {
  const family = table.family(dest);
  if (query.family !== undefined && family !== query.family) return false;
  if (query.routeType === undefined) return true;
  return family === Family.Evpn && table.routeType(dest) === query.routeType;
}

function pathsOf(
  { table, out }: Reflector,
  dest: number,
  query: RouteQuery,
  peer: ReflectedPeer | undefined,
): number[] {
  const best = table.bestPath(dest);
  if (query.table === "advertised") {
    const sent = peer === undefined ? [] : out.pathsSent(peer.slot, dest);
    return sent.sort(
      (a, b) => table.pathSlot(a) - table.pathSlot(b) || table.pathId(a) - table.pathId(b),
    );
  }
  const paths: number[] = [];
  for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
    if (peer !== undefined && table.pathSlot(path) !== peer.slot) continue;
    if (query.table === "best" && path !== best) continue;
    paths.push(path);
  }
  // The list has the newest first: a page that ends among them needs an order that stays.
  return paths.sort(
    (a, b) => table.pathSlot(a) - table.pathSlot(b) || table.pathId(a) - table.pathId(b),
  );
}

/** Why a path is held, in words; of a duplicate's also until when. */
export function holdText({ table, policies }: Reflector, path: number): string {
  const hold = table.pathHold(path);
  const { screen, tunnels } = policies.engine;
  const received = table.pathReceived(path);
  const why =
    hold === HoldReason.Duplicate
      ? screen?.why(received, table.nlriBytes, table.pathNlri(path))
      : hold === HoldReason.Tunnel
        ? tunnels?.why(received)
        : undefined;
  return why ?? HOLD_REASONS[hold] ?? `reason ${hold}`;
}

function viewOf(
  reflector: Reflector,
  dest: number,
  path: number,
  nlri: DecodedNlri,
  query: RouteQuery,
  peer: ReflectedPeer | undefined,
): RouteView {
  const { table, attrs, sources, out } = reflector;
  const family = table.family(dest);
  const isHeld = table.pathAttr(path) === 0;
  const heldWhy = isHeld ? holdText(reflector, path) : "";
  const attr =
    isHeld || query.table === "received" ? table.pathReceived(path) : table.pathAttr(path);
  const slot = table.pathSlot(path);
  const from = table.pathNlri(path);
  const to = from + table.pathNlriLength(path);
  const advertised =
    query.table === "advertised" && peer !== undefined ? out.encode(peer.slot, path) : undefined;
  const attributesHex =
    advertised === undefined
      ? toHex(attrs.bytes, attrs.attributesStart(attr), attrs.attributesEnd(attr))
      : toHex(advertised.attributes);
  const nextHop =
    advertised?.nextHop ??
    attrs.bytes.subarray(
      attrs.nextHopStart(attr),
      attrs.nextHopStart(attr) + attrs.nextHopLength(attr),
    );
  const isBest = path === table.bestPath(dest);
  const pathId =
    query.table === "advertised" && peer !== undefined
      ? out.sentPathId(peer.slot, path)
      : table.pathId(path);
  const originator = attrs.originatorId(attr) || sources.routerId[slot]!;
  return {
    family: FAMILIES[family]!.name,
    prefix: formatNlri(family, nlri),
    nlri,
    nlriHex: toHex(table.nlriBytes, from, to),
    nextHop: formatNextHop(family, nextHop),
    attributes: decoded(attributesHex, advertised?.as4 ?? true),
    attributesHex,
    peer: reflector.localRoutes.nameOf(path) ?? reflector.addressOf(slot),
    originator: formatRouterId(originator),
    ...(pathId === 0 ? {} : { pathId }),
    best: isBest,
    ...(isHeld ? { held: heldWhy } : {}),
    reason: isHeld
      ? `held: ${heldWhy}`
      : isBest
        ? BEST_REASONS[table.bestReason(dest)]!
        : `not best: the best has ${BEST_REASONS[table.bestReason(dest)]!}`,
    changed: table.pathChanged(path) * 1000,
  };
}

function decoded(hex: string, as4: boolean): readonly DecodedAttribute[] {
  const key = as4 ? hex : `2${hex}`;
  let set = decodedSets.get(key);
  if (set === undefined) {
    const bytes = new Uint8Array(Buffer.from(hex, "hex"));
    set = decodeAttributes(bytes, 0, bytes.length, { as4 });
    decodedSets.set(key, set);
  }
  return set;
}

/** Octets of the RD in front of each address of a VPN next hop. */
const RD = 8;

/** An IPv6 next hop may carry a link-local address behind the global one (RFC 2545). */
function formatNextHop(family: Family, bytes: Uint8Array): string {
  if (isVpn(family) && bytes.length > RD) {
    const first = formatIp(bytes, RD, bytes.length === RD + 4 ? 4 : 16);
    return bytes.length === 48 ? `${first} ${formatIp(bytes, 32, 16)}` : first;
  }
  if (bytes.length === 32) return `${formatIp(bytes, 0, 16)} ${formatIp(bytes, 16, 16)}`;
  return bytes.length === 0 ? "" : formatIp(bytes, 0, bytes.length);
}

function formatRouterId(id: number): string {
  return [id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255].join(".");
}

export function matchesNlri(route: DecodedNlri, query: RouteQuery): boolean {
  const nlri: Partial<Record<string, unknown>> = { ...route };
  const { rd, mac, ip, vni } = query;
  if (rd !== undefined && !textOf(nlri["rd"]).includes(rd)) return false;
  if (mac !== undefined && !textOf(nlri["mac"]).includes(mac.toLowerCase())) return false;
  if (ip !== undefined && !addressesOf(nlri).some((text) => matchesIp(text, ip))) return false;
  return vni === undefined || labelsOf(nlri).includes(vni);
}

function matchesTarget(view: RouteView, query: RouteQuery): boolean {
  if (query.rt === undefined) return true;
  const wanted = `rt:${query.rt}`;
  return view.attributes.some((attribute) => {
    const { code, value } = attribute as DecodedAttribute;
    return code === 16 && Array.isArray(value) && value.some((c) => String(c).includes(wanted));
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A part of the text; a whole prefix also finds the hosts and prefixes inside it. */
function matchesIp(text: string, ip: string): boolean {
  if (text.includes(ip)) return true;
  if (!ip.includes("/")) return false;
  const outer = parsePrefix(ip);
  const inner = parsePrefix(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`);
  if (outer === undefined || inner === undefined) return false;
  if (outer.bytes.length !== inner.bytes.length || inner.length < outer.length) return false;
  for (let bit = 0; bit < outer.length; bit++) {
    const mask = 0x80 >>> (bit & 7);
    if (((outer.bytes[bit >>> 3]! ^ inner.bytes[bit >>> 3]!) & mask) !== 0) return false;
  }
  return true;
}

function parsePrefix(text: string): { bytes: Uint8Array; length: number } | undefined {
  const [address = "", bits = ""] = text.split("/");
  const bytes = parseIp(address);
  const length = Number(bits);
  if (bytes === undefined || !/^\d{1,3}$/.test(bits) || length > 8 * bytes.length) return undefined;
  return { bytes, length };
}

const ADDRESSES = ["ip", "originator", "gateway", "source", "group"];

function addressesOf(nlri: Partial<Record<string, unknown>>): string[] {
  const { prefix, prefixLen } = nlri;
  const whole = typeof prefixLen === "number" ? `${textOf(prefix)}/${prefixLen}` : textOf(prefix);
  return [whole, ...ADDRESSES.map((name) => textOf(nlri[name]))].filter((text) => text !== "");
}

function labelsOf(nlri: Partial<Record<string, unknown>>): number[] {
  const labels = [nlri["label"], nlri["label1"]] as (Partial<Label> | null | undefined)[];
  const stack = (nlri["labels"] ?? []) as readonly Label[];
  return [
    ...labels.flatMap((label) => (label?.vni24 === undefined ? [] : [label.vni24])),
    ...stack.map((label) => label.mpls20),
  ];
}
