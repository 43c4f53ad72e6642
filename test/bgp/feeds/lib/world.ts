/** A reflector with sessions and BMP collectors in a test's hand, and what everybody should know by its tables. */
import {
  Feeds,
  type BmpCollectorSettings,
  type FeedsSettings,
} from "../../../../src/bgp/feeds/index.js";
import {
  FEEDS_OFF,
  type MonitoredRib,
  MONITORED_RIBS,
} from "../../../../src/bgp/feeds/settings.js";
import { feedSources } from "../../../../src/bgp/feed-wiring.js";
import type {
  Connection,
  Negotiated,
  TappedSession,
  TapPoint,
} from "../../../../src/bgp/session/types.js";
import { SPEAKER_DEFAULTS } from "../../../../src/bgp/settings.js";
import { capability } from "../../../../src/fast-bgp-codec/capability.js";
import { FAMILIES, type Family } from "../../../../src/fast-bgp-codec/family.js";
import { encodeOpen } from "../../../../src/fast-bgp-codec/open.js";
import { toHex } from "../../../../src/util/bytes.js";
import type { Clock } from "../../../../src/util/clock.js";
import { silentLog } from "../../../../src/util/log.js";
import { nlriKey } from "../../../model/lib/nlri.js";
import { peerSpec, type PeerSpec } from "../../../model/lib/peer.js";
import { hexOf } from "../../../model/lib/hex.js";
import { Line, Speaker } from "../../lib/speaker.js";
import { IDENTITY } from "../../lib/tables.js";
import { Station } from "./station.js";
import { applyUpdate, messagesOf, type Routes } from "./updates.js";

export class FakeConnection implements Connection {
  readonly localAddress = "10.99.0.254";
  readonly localPort = 40000;
  readonly remoteAddress = "10.99.0.1";
  readonly remotePort = 11019;
  readonly initiator = "local";
  pendingBytes = 0;
  bytesAccepted = 0;
  onBytes = (_bytes: Uint8Array, start: number, end: number): number => end - start;
  onClosed: (error: Error | undefined) => void = () => {};
  onDrain: () => void = () => {};
  /** It takes everything at once; else it holds what it is given. */
  reading = true;
  isOpen = true;
  readonly station = new Station();
  private held: Uint8Array[] = [];
  private congested = false;

  write(bytes: Uint8Array): void {
    if (!this.isOpen) throw new Error("something is written to a closed connection");
    if (this.reading) return this.station.push(bytes);
    this.held.push(bytes.slice());
    this.pendingBytes += bytes.length;
    if (this.pendingBytes >= 256 * 1024) this.congested = true;
  }

  writeMany(buffers: readonly Uint8Array[]): void {
    for (const bytes of buffers) this.write(bytes);
  }

  /** The station reads again. */
  read(): void {
    this.reading = true;
    for (const bytes of this.held.splice(0)) this.station.push(bytes);
    this.pendingBytes = 0;
    if (!this.congested) return;
    this.congested = false;
    this.onDrain();
  }

  pause(): void {}
  resume(): void {}
  end(): void {
    this.isOpen = false;
  }
  destroy(): void {
    this.isOpen = false;
  }
  /** From the other side. */
  close(): void {
    this.isOpen = false;
    this.onClosed(undefined);
  }
}

export interface WorldPeer {
  readonly line: Line;
  readonly spec: PeerSpec;
  readonly tapped: TappedSession;
  /** What it has been sent, by its own reckoning. */
  readonly got: Routes;
}

/** Families with ADD-PATH in and out, bit masks. */
export type PeerOver = Partial<PeerSpec> & {
  readonly addPath?: number;
  readonly addPathOut?: number;
};

let ports = 1024;

export function collector(
  name: string,
  monitor: readonly MonitoredRib[] = MONITORED_RIBS,
  over: Partial<BmpCollectorSettings> = {},
): BmpCollectorSettings {
  return {
    name,
    address: "10.99.0.1",
    port: 11019,
    monitor,
    tableName: true,
    statisticsInterval: 0,
    connectRetry: 1,
    connectRetryMax: 60,
    localAddress: undefined,
    password: undefined,
    ttlSecurityHops: 0,
    ...over,
  };
}

export function bmpOnly(
  collectors: readonly BmpCollectorSettings[],
  backlogLimit = 64 << 20,
): FeedsSettings {
  return {
    ...FEEDS_OFF,
    bmp: { sysName: "rr1", sysDescription: "evpnd", collectors, backlogLimit },
  };
}

export class World {
  readonly speaker: Speaker;
  readonly taps: TapPoint = { tap: undefined };
  readonly feeds: Feeds;
  /** By collector, the newest connection last. */
  readonly connections = new Map<string, FakeConnection[]>();
  /** Collectors that refuse connections. */
  readonly refusing = new Set<string>();
  /** New connections are not read. */
  readonly deaf = new Set<string>();
  readonly peers: WorldPeer[] = [];
  private sessions = 0;

  /** @param drift milliseconds that pass whenever a feed looks at the clock: its work takes time */
  constructor(settings: FeedsSettings, drift = 0) {
    this.speaker = new Speaker();
    const { reflector, queue } = this.speaker;
    let passed = 0;
    const clock: Clock = {
      now: () => this.speaker.clock.now() + (passed += drift),
      wall: () => this.speaker.clock.wall(),
      setTimer: (milliseconds, run) => this.speaker.clock.setTimer(milliseconds, run),
    };
    const sources = feedSources({
      settings: {
        ...SPEAKER_DEFAULTS,
        as: 65000,
        routerId: "10.99.0.254",
        clusterId: "10.99.0.254",
      },
      identity: IDENTITY,
      reflector,
      peers: { establishedSessions: () => this.tappedSessions() },
      dialer: { dial: () => ({ cancel() {} }) },
      taps: this.taps,
      clock,
      log: silentLog,
      soon: queue.soon,
    });
    const dial = (
      { name }: BmpCollectorSettings,
      connected: (connection: Connection) => void,
      failed: (error: Error) => void,
    ) => {
      queue.soon(() => {
        if (this.refusing.has(name)) return failed(new Error("refused"));
        const connection = new FakeConnection();
        connection.reading = !this.deaf.has(name);
        this.connections.set(name, [...(this.connections.get(name) ?? []), connection]);
        connected(connection);
      });
      return { cancel() {} };
    };
    this.feeds = new Feeds(settings, Object.assign(sources, { dial }), this.taps);
    this.feeds.start();
  }

  run(): void {
    this.speaker.run();
  }

  connection(name: string): FakeConnection {
    const last = this.connections.get(name)?.at(-1);
    if (last === undefined) throw new Error(`${name} never connected`);
    return last;
  }

  station(name: string): Station {
    return this.connection(name).station;
  }

  up(over: PeerOver = {}): WorldPeer {
    const { reflector } = this.speaker;
    const id = ++this.sessions;
    const spec = peerSpec(id, over);
    const line = new Line(reflector, id, spec);
    const { session } = line;
    const got: Routes = new Map();
    const addPath = over.addPath ?? 0;
    const negotiated: Negotiated = {
      ...session.negotiated,
      addPathIn: addPath,
      addPathOut: over.addPathOut ?? 0,
    };
    const several = FAMILIES.filter(({ family }) => ((over.addPathOut ?? 0) & (1 << family)) !== 0);
    const options = {
      ...session.options,
      addPath: several.map(({ family }) => ({ family, send: true, receive: true, limit: 3 })),
    };
    // The line's own decoder knows no path ids.
    const deliver = (buffer: Uint8Array): number => [...messagesOf(buffer)].length;
    Object.assign(session, { negotiated, options, ...(several.length > 0 && { deliver }) });
    reflector.established(session);
    const tapped: TappedSession = {
      id: session.id,
      peerAddress: session.peerAddress,
      localAs: negotiated.localAs,
      connection: {
        localAddress: "10.99.0.254",
        localPort: 179,
        remotePort: ++ports,
        initiator: "remote",
      },
      agreed: negotiated,
      openSent: open(negotiated, "10.99.0.254", negotiated.localAs, 1, 2),
      openReceived: open(negotiated, negotiated.peerIdText, negotiated.peerAs, 2, 1),
    };
    const peer = { line, spec, tapped, got };
    const sendMany = session.sendMany.bind(session);
    session.sendMany = (buffers, messages) => {
      for (const bytes of buffers) {
        this.taps.tap?.sent(tapped, bytes);
        for (const message of messagesOf(bytes)) {
          if (message[18] === 2) applyUpdate(got, message, negotiated.addPathOut);
        }
      }
      sendMany(buffers, messages);
    };
    const say = line.say.bind(line);
    line.say = (message) => {
      this.taps.tap?.received(tapped, message, 0, message.length);
      return say(message);
    };
    this.peers.push(peer);
    this.taps.tap?.state(tapped, "OpenConfirm", "Established");
    this.taps.tap?.established(tapped);
    return peer;
  }

  down(peer: WorldPeer): void {
    if (!peer.line.session.isOpen) return;
    this.peers.splice(this.peers.indexOf(peer), 1);
    peer.line.down();
    this.taps.tap?.state(peer.tapped, "Established", "Idle");
    this.taps.tap?.ended(peer.tapped, { reason: "tcp", detail: "" }, true);
  }

  *tappedSessions(): Generator<TappedSession> {
    for (const { tapped } of this.peers) yield tapped;
  }

  /** What a station that has read everything must know. */
  expected(peer: WorldPeer, view: "in-pre" | "in-post" | "out-pre"): Routes {
    const { reflector } = this.speaker;
    const { table } = reflector;
    const slot = reflector.peer(peer.line.session.id)!.slot;
    const { families, addPathIn, addPathOut } = peer.line.session.negotiated;
    const routes: Routes = new Map();
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      if (!table.exists(dest)) continue;
      const family = table.family(dest);
      if (view === "out-pre") {
        const best = table.bestPath(dest);
        if (best === 0 || (families & (1 << family)) === 0) continue;
        const id = (addPathOut & (1 << family)) === 0 ? "" : `${hexOf(1, 4)}/`;
        this.add(routes, best, table.pathAttr(best), id);
        continue;
      }
      for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
        if (table.pathSlot(path) !== slot) continue;
        const attr = view === "in-pre" ? table.pathReceived(path) : table.pathAttr(path);
        const id = (addPathIn & (1 << family)) === 0 ? "" : `${hexOf(table.pathId(path), 4)}/`;
        if (attr !== 0) this.add(routes, path, attr, id);
      }
    }
    return routes;
  }

  locRib(): Routes {
    const { table } = this.speaker.reflector;
    const routes: Routes = new Map();
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      const best = table.exists(dest) ? table.bestPath(dest) : 0;
      if (best !== 0) this.add(routes, best, table.pathAttr(best), "");
    }
    return routes;
  }

  private add(routes: Routes, path: number, attr: number, id: string): void {
    const { table, attrs } = this.speaker.reflector;
    const family: Family = table.family(table.pathDest(path));
    const start = table.pathNlri(path);
    const nlri = toHex(table.nlriBytes, start, start + table.pathNlriLength(path));
    const hop = attrs.nextHopStart(attr);
    const nextHop = toHex(attrs.bytes, hop, hop + attrs.nextHopLength(attr));
    const set: string[] = [];
    const end = attrs.attributesEnd(attr);
    for (let at = attrs.attributesStart(attr); at < end;) {
      const extended = (attrs.bytes[at]! & 0x10) !== 0;
      const length = extended
        ? 4 + attrs.bytes[at + 2]! * 256 + attrs.bytes[at + 3]!
        : 3 + attrs.bytes[at + 2]!;
      set.push(toHex(attrs.bytes, at, at + length));
      at += length;
    }
    routes.set(`${id}${nlriKey(family, nlri)}`, `${nlri} via ${nextHop} with ${set.join(" ")}`);
  }
}

/** @param modeIn capability value for families with path ids towards us, `modeOut` for the others */
function open(
  agreed: Negotiated,
  bgpId: string,
  as: number,
  modeIn: number,
  modeOut: number,
): Uint8Array {
  const families = FAMILIES.filter(({ family }) => (agreed.families & (1 << family)) !== 0);
  const mode = (family: Family): number => {
    const bit = 1 << family;
    const isIn = (agreed.addPathIn & bit) !== 0;
    return (isIn ? modeIn : 0) | ((agreed.addPathOut & bit) !== 0 ? modeOut : 0);
  };
  const paths = families.filter(({ family }) => mode(family) !== 0);
  return encodeOpen({
    version: 4,
    myAs: as,
    holdTime: 90,
    bgpId,
    capabilities: [
      ...families.map(({ afi, safi }) => capability.multiprotocol(afi, safi)),
      ...(agreed.as4 ? [capability.fourOctetAs(as)] : []),
      ...(paths.length > 0
        ? [
            capability.addPath(
              paths.map(({ afi, safi, family }) => ({ afi, safi, sendReceive: mode(family) })),
            ),
          ]
        : []),
    ],
  });
}
