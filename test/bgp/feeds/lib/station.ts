/** A BMP station that keeps what it is told: peers, their streams, and the routes in each. */
import { isFault } from "../../../../src/fast-bgp-codec/fault.js";
import { familyOf } from "../../../../src/fast-bgp-codec/family.js";
import { decodeOpen, type Open } from "../../../../src/fast-bgp-codec/open.js";
import { formatIp } from "../../../../src/fast-bgp-codec/values/ip.js";
import { readU16, readU32, readU8 } from "../../../../src/util/bytes.js";
import { applyUpdate, type Routes } from "./updates.js";

export type View = "in-pre" | "in-post" | "out-pre" | "out-post" | "loc-rib";

export interface StationPeer {
  readonly sent: Open;
  readonly received: Open;
  readonly streams: Map<View, Routes>;
  /** `view family`, as they came. */
  readonly endOfRibs: string[];
}

export class Station {
  /** By address; the loc-RIB's is "loc-rib". */
  readonly peers = new Map<string, StationPeer>();
  readonly types: number[] = [];
  readonly downs: string[] = [];
  readonly statistics: Map<number, number>[] = [];
  terminated = false;
  private rest = new Uint8Array(0);

  push(bytes: Uint8Array): void {
    const data = Buffer.concat([this.rest, bytes]);
    let at = 0;
    while (data.length - at >= 6) {
      if (readU8(data, at) !== 3) throw new Error("not a BMP message");
      const length = readU32(data, at + 1);
      if (length < 6) throw new Error("bad BMP length");
      if (length > data.length - at) break;
      this.message(data.subarray(at, at + length));
      at += length;
    }
    this.rest = data.subarray(at);
  }

  routes(peer: string, view: View): Routes {
    return this.peers.get(peer)?.streams.get(view) ?? new Map<string, string>();
  }

  private message(bytes: Uint8Array): void {
    const type = readU8(bytes, 5);
    if (this.types.length === 0 && type !== 4) throw new Error("Initiation is not the first");
    this.types.push(type);
    if (type === 4) return;
    if (type === 5) {
      this.terminated = true;
      return;
    }
    const isLocRib = readU8(bytes, 6) === 3;
    const flags = readU8(bytes, 7);
    const ipv6 = !isLocRib && (flags & 0x80) !== 0;
    const name = isLocRib ? "loc-rib" : formatIp(bytes, ipv6 ? 16 : 28, ipv6 ? 16 : 4);
    const body = bytes.subarray(48);
    if (type === 3) return this.up(name, body);
    const peer = this.peers.get(name);
    if (peer === undefined)
      throw new Error(`message of type ${String(type)} about ${name}, which is not up`);
    if (type === 2) {
      this.downs.push(`${name} ${String(body[0])}`);
      this.peers.delete(name);
    } else if (type === 1) this.statistics.push(statisticsOf(body));
    else this.routeMonitoring(peer, isLocRib ? "loc-rib" : viewOf(flags), body);
  }

  private up(name: string, body: Uint8Array): void {
    if (this.peers.has(name)) throw new Error(`${name} comes up twice`);
    const first = 20 + readU16(body, 36);
    const sent = openOf(body, 20, first);
    const received = openOf(body, first, first + readU16(body, first + 16));
    this.peers.set(name, { sent, received, streams: new Map(), endOfRibs: [] });
  }

  private routeMonitoring(peer: StationPeer, view: View, bytes: Uint8Array): void {
    if (readU16(bytes, 16) !== bytes.length) throw new Error("not one whole UPDATE");
    const routes: Routes = peer.streams.get(view) ?? new Map<string, string>();
    peer.streams.set(view, routes);
    const out = view.startsWith("out");
    const pathIds = out ? addPath(peer.sent, peer.received) : addPath(peer.received, peer.sent);
    const end = applyUpdate(routes, bytes, pathIds);
    if (end !== undefined) peer.endOfRibs.push(`${view} ${String(end.family)}`);
  }
}

function viewOf(flags: number): View {
  const post = (flags & 0x40) !== 0;
  if ((flags & 0x10) !== 0) return post ? "out-post" : "out-pre";
  return post ? "in-post" : "in-pre";
}

function openOf(bytes: Uint8Array, start: number, end: number): Open {
  const open = decodeOpen(bytes, start, end);
  if (isFault(open)) throw new Error(`bad OPEN in Peer Up: ${open.detail}`);
  return open;
}

/** Families in which the sender may send path ids. */
function addPath(sender: Open, receiver: Open): number {
  return families(sender, 2) & families(receiver, 1);
}

function families(open: Open, bit: number): number {
  let mask = 0;
  for (const item of open.capabilities) {
    if (item.name !== "add-path") continue;
    for (const { afi, safi, sendReceive } of item.families) {
      const family = familyOf(afi, safi);
      if (family !== undefined && (sendReceive & bit) !== 0) mask |= 1 << family;
    }
  }
  return mask;
}

function statisticsOf(body: Uint8Array): Map<number, number> {
  const values = new Map<number, number>();
  for (let at = 4; at < body.length;) {
    const length = readU16(body, at + 2);
    const end = at + 4 + length;
    values.set(readU16(body, at), readU32(body, end - 4));
    at = end;
  }
  return values;
}
