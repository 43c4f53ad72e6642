/**
 * The table and the adj-RIB-out without sessions: routes go in as hex, and what each receiver was
 * sent comes out as messages. For tests of one stage at a time.
 */
import { AdjRibOut, type ReceiverOptions } from "../../../src/bgp/adj-rib-out/adj-rib-out.js";
import type { Outlet } from "../../../src/bgp/adj-rib-out/cursor.js";
import type { ReflectorIdentity } from "../../../src/bgp/policy/export.js";
import { AttrStore } from "../../../src/bgp/rib/attr-store.js";
import { RouteTable } from "../../../src/bgp/rib/route-table.js";
import { Sources, SourceKind } from "../../../src/bgp/rib/sources.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { maskNlri, NlriScan, scanNlri } from "../../../src/fast-bgp-codec/nlri-scan.js";
import { decodeMessages, type Received } from "../../model/lib/decode.js";
import { FakeClock } from "../../model/lib/fake.js";
import { bytesOf, hexOf, octetsIn } from "../../model/lib/hex.js";
import { macIp, nlriKey, rd } from "../../model/lib/nlri.js";

export const IDENTITY: ReflectorIdentity = {
  as: 65000,
  routerId: 0x0a6300fe,
  clusterId: 0x0a6300fd,
};

/** One attribute in its canonical form. */
export function attribute(code: number, flags: number, value: string): string {
  const octets = octetsIn(value);
  return octets > 255
    ? hexOf(flags | 0x10, 1) + hexOf(code, 1) + hexOf(octets, 2) + value
    : hexOf(flags, 1) + hexOf(code, 1) + hexOf(octets, 1) + value;
}

export const ORIGIN = attribute(1, 0x40, "00");
export const EMPTY_PATH = attribute(2, 0x40, "");
export const LOCAL_PREF = attribute(5, 0x40, "00000064");
/** What every iBGP route has. */
export const PLAIN = ORIGIN + EMPTY_PATH + LOCAL_PREF;

/** PLAIN and an unknown attribute that makes the set one of its own. */
export function marked(mark: number, padding = 0): string {
  return PLAIN + attribute(200, 0xe0, hexOf(mark, 4) + "ee".repeat(padding));
}

export function mac(number: number, label = 100): string {
  return macIp({ rd: rd(1), mac: hexOf(number, 6), label });
}

export class FakeOutlet implements Outlet {
  pendingBytes = 0;
  /** As they were given, in order. */
  readonly buffers: Uint8Array[] = [];
  counted = 0;
  onSend: () => void = () => {};

  send(bytes: Uint8Array): void {
    this.sendMany([bytes], 1);
  }

  sendMany(buffers: readonly Uint8Array[], messages: number): void {
    this.buffers.push(...buffers);
    this.counted += messages;
    this.onSend();
  }

  /** What came since the last call, message by message. */
  take(as4 = true): Received[] {
    return this.buffers
      .splice(0)
      .flatMap((buffer) => decodeMessages(buffer, as4))
      .map((message) => message.received);
  }

  /** "+key" and "-key" in the order in which they came. */
  takeKeys(as4 = true): string[] {
    return this.take(as4).flatMap((received) => {
      if (received.kind === "announce") return received.routes.map((route) => `+${route.key}`);
      return received.kind === "withdraw" ? received.keys.map((key) => `-${key}`) : [];
    });
  }
}

export class Tables {
  readonly clock = new FakeClock();
  readonly attrs = new AttrStore();
  readonly sources = new Sources();
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  private readonly nlri = new NlriScan();
  private readonly masked = new Uint8Array(512);
  private peers = 0;

  constructor(compareMobility = true, logStart = 0) {
    this.table = new RouteTable(this.attrs, this.sources, compareMobility, logStart);
    this.out = new AdjRibOut(this.table, IDENTITY, this.clock);
  }

  /** A source that receives nothing. */
  source(kind: SourceKind = SourceKind.Client, routerId = 0x0a000001 + this.peers): number {
    const number = ++this.peers;
    const address = `10.0.${number >>> 8}.${number & 255}`;
    return this.sources.take(kind, routerId, address, `40a00${hexOf(number, 2)}`, 65000);
  }

  /** A session that gets the table and all changes. */
  receiver(over: Partial<ReceiverOptions> = {}): {
    slot: number;
    outlet: FakeOutlet;
    options: ReceiverOptions;
  } {
    const slot = over.slot ?? this.source(over.kind);
    const outlet = new FakeOutlet();
    const options: ReceiverOptions = {
      kind: SourceKind.Client,
      acceptOut: true,
      families: 0x7,
      evpnTypes: undefined,
      extendedNextHop: 0,
      greeting: undefined,
      outlet,
      encoding: { ebgp: false, as4: true, nextHopSelf: undefined },
      extendedMessage: false,
      enhancedRefresh: true,
      ...over,
      slot,
    };
    this.out.add(options);
    return { slot, outlet, options };
  }

  /** Id of a set, with a reference for the caller. */
  intern(attributes = PLAIN, family: Family = Family.Evpn, nextHop = "0a000001"): number {
    const bytes = bytesOf(nextHop + attributes);
    return this.attrs.intern(family, octetsIn(nextHop), bytes, 0, bytes.length);
  }

  announce(
    slot: number,
    nlri: string | readonly string[],
    attributes = PLAIN,
    family: Family = Family.Evpn,
    nextHop = "0a000001",
    pathId = 0,
  ): void {
    const attr = this.intern(attributes, family, nextHop);
    for (const one of typeof nlri === "string" ? [nlri] : nlri) {
      const bytes = this.scan(family, one);
      this.nlri.pathId = pathId;
      this.table.announce(slot, family, bytes, this.nlri, attr, attr);
    }
    this.attrs.release(attr);
  }

  withdraw(
    slot: number,
    nlri: string | readonly string[],
    family: Family = Family.Evpn,
    pathId = 0,
  ): void {
    for (const one of typeof nlri === "string" ? [nlri] : nlri) {
      const bytes = this.scan(family, one);
      this.nlri.pathId = pathId;
      this.table.withdraw(slot, family, bytes, this.nlri);
    }
  }

  find(nlri: string, family: Family = Family.Evpn): number {
    const bytes = this.scan(family, nlri);
    return this.table.find(family, bytes, this.nlri);
  }

  sameKey(nlri: string, wanted: string): boolean {
    return nlriKey(Family.Evpn, nlri) === wanted;
  }

  /** Everything that can be sent now. */
  run(): void {
    for (let turns = 0; this.out.run(1000); turns++) {
      if (turns > 10_000) throw new Error("sending never ends");
    }
  }

  private scan(family: Family, nlri: string): Uint8Array {
    const bytes = bytesOf(nlri);
    scanNlri(family, bytes, 0, bytes.length, false, this.nlri);
    if (!this.nlri.hostBits) return bytes;
    const end = maskNlri(family, bytes, this.nlri, this.masked, 0);
    scanNlri(family, this.masked, 0, end, false, this.nlri);
    return this.masked;
  }
}

export function key(nlri: string, family: Family = Family.Evpn): string {
  return nlriKey(family, nlri);
}
