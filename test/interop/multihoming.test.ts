/**
 * Multihoming as a running evpnd shows it: PEs played by the scripted speaker announce types 1, 2 and 4, and
 * the HTTP door answers by the worked rules of RFC 7432 sections 8 and 14, RFC 8584 and RFC 9785.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { ip4, mac } from "./lib/messages.js";
import { PlayedPe } from "./lib/played-pe.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { WatchClient } from "./lib/watch-client.js";

const RR = "10.99.0.254";
const HTTP = 8179;
const ESI = "00112233445566778899";
const VNI = 100;
const MAC = mac(1, 1);
const DONT_PREEMPT = 0x8000;
const AC_DF = 0x4000;
/** For a hundred thousand routes on a machine that has other things to do. */
const BUSY = { deadline: 90_000 };

interface Hop {
  readonly address: string;
  readonly role: string;
  readonly label: { readonly value: number };
}
interface MacRow {
  readonly mac: string;
  readonly pe: string;
  readonly esi?: string;
  readonly nextHops: readonly Hop[];
}
interface Forwarder {
  readonly domain: string;
  readonly tag: number;
  readonly forwarder?: string;
  readonly backup?: string;
  readonly algorithm: number;
  readonly reason: string;
}
interface Segment {
  readonly esi: string;
  readonly mode: string;
  readonly macs: number;
  readonly places: readonly {
    readonly pe: string;
    readonly perEsRoutes: number;
    readonly macs: number;
  }[];
  readonly electors: readonly {
    readonly originator: string;
    readonly algorithm: number;
    readonly preference: number;
  }[];
  readonly forwarders: readonly Forwarder[];
}

describeInterop("multihoming", [], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let pes: readonly PlayedPe[];
  const addresses = ["10.99.0.1", "10.99.0.2", "10.99.0.3"];

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", [`${RR}/16`, "192.0.2.1/16"]);
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "0.0.0.0/0",
      http: HTTP,
      extra: ["--fib"],
    });
    pes = await Promise.all(addresses.map((each) => PlayedPe.up(lab, "lo", each, RR)));
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  const pe = (number: number): PlayedPe => pes[number - 1]!;

  function macs(query = ""): Promise<MacRow[]> {
    return evpnd.macs<MacRow>(query);
  }

  /** `PE label role` of the MAC's next hops. */
  async function hops(of = MAC): Promise<string[]> {
    const [row] = await macs(`mac=${of}`);
    return (row?.nextHops ?? []).map(
      ({ address, label, role }) => `${address} ${String(label.value)} ${role}`,
    );
  }

  async function waitHops(...wanted: readonly string[]): Promise<void> {
    await waitFor(`next hops ${wanted.join(", ")}`, async () => {
      const now = (await hops()).sort();
      if (now.join() !== [...wanted].sort().join()) throw new Error(now.join(", "));
      return true;
    });
  }

  async function segment(esi = ESI): Promise<Segment | undefined> {
    const text = esi.match(/../g)?.join(":");
    const segments = await evpnd.rows<Segment>("/v1/fib/segments?", "segments", 50);
    return segments.find((one) => one.esi === text);
  }

  async function forwarder(vni = VNI): Promise<Forwarder | undefined> {
    return (await segment())?.forwarders.find(({ domain }) => domain === `65000:${String(vni)}`);
  }

  async function waitForwarder(wanted: Partial<Forwarder>, vni = VNI): Promise<Forwarder> {
    return waitFor(`forwarder ${JSON.stringify(wanted)}`, async () => {
      const now = await forwarder(vni);
      expect(now).toMatchObject(wanted);
      return now;
    });
  }

  describe("all-active (RFC 7432 sections 8.4, 9.2.2)", () => {
    test("a MAC on a segment is usable by its advertiser's per-ES route only", async () => {
      pe(1).mac({ vni: VNI, mac: MAC, esi: ESI });
      await waitFor("the MAC", async () => (await macs()).length === 1);
      expect(await hops()).toEqual([]);
      pe(1).perEs(ESI, [VNI]);
      await waitHops("10.99.0.1 100 advertised");
    });

    test("aliasing takes both A-D routes of the other PE, and its own label", async () => {
      pe(2).perEvi(ESI, VNI, 222);
      pe(3).perEs(ESI, [VNI]);
      await waitFor("three places", async () => (await segment())?.places.length === 2);
      await waitHops("10.99.0.1 100 advertised");
      pe(2).perEs(ESI, [VNI]);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 aliased");
      pe(3).perEvi(ESI, VNI, 333);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 aliased", "10.99.0.3 333 aliased");
      expect((await segment())?.mode).toBe("all-active");
    });

    test("a per-EVI route that goes takes one PE away, a per-ES route of the advertiser leaves the others", async () => {
      pe(3).withdrawPerEvi(ESI, VNI);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 aliased");
      pe(1).withdrawPerEs(ESI);
      await waitHops("10.99.0.2 222 aliased");
      pe(1).perEs(ESI, [VNI]);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 aliased");
    });

    test("the same MAC by the other PE of the segment is no move", async () => {
      const events = await WatchClient.open(evpnd, "/v1/watch/events");
      pe(2).mac({ vni: VNI, mac: MAC, esi: ESI });
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 100 advertised");
      pe(3).mac({ vni: VNI, mac: mac(3, 9) });
      await waitFor("the event behind", () => events.events.some(({ kind }) => kind === "learn"));
      expect(events.events.filter(({ kind }) => kind === "move")).toEqual([]);
      events.close();
      pe(3).withdrawMacs([{ vni: VNI, mac: mac(3, 9) }]);
      pe(2).withdrawMacs([{ vni: VNI, mac: MAC }]);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 aliased");
    });
  });

  describe("single-active (RFC 7432 section 14.1.1)", () => {
    test("the advertiser forwards, and the only other PE stands by", async () => {
      for (const each of [1, 2]) pe(each).perEs(ESI, [VNI], true);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 backup");
      expect((await segment())?.mode).toBe("single-active");
    });

    test("one that says so is enough, and of two others none is the backup", async () => {
      pe(2).perEs(ESI, [VNI], false);
      pe(3).perEvi(ESI, VNI, 333);
      await waitHops("10.99.0.1 100 advertised");
      pe(3).withdrawPerEvi(ESI, VNI);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 backup");
    });

    test("the backup takes over when the advertiser's per-ES route goes", async () => {
      pe(1).withdrawPerEs(ESI);
      pe(2).perEs(ESI, [VNI], true);
      await waitHops("10.99.0.2 222 backup");
      pe(1).perEs(ESI, [VNI]);
      pe(2).perEs(ESI, [VNI]);
      await waitHops("10.99.0.1 100 advertised", "10.99.0.2 222 aliased");
    });
  });

  describe("designated forwarder", () => {
    const electAll = (algorithm: number, of: (index: number) => object = () => ({})): void => {
      for (const [index, each] of pes.entries()) each.segment(ESI, { algorithm, ...of(index) });
    };

    test("is the PE of ordinal V mod N by default (RFC 7432 section 8.5)", async () => {
      for (const each of pes) each.segment(ESI);
      for (const vni of [VNI, 101, 102]) for (const each of pes) each.perEvi(ESI, vni);
      for (const vni of [VNI, 101, 102]) {
        await waitForwarder({ algorithm: 0, forwarder: addresses[vni % 3]!, tag: vni }, vni);
      }
      pe(2).withdrawSegment(ESI);
      const left = [addresses[0], addresses[2]];
      for (const vni of [VNI, 101, 102]) await waitForwarder({ forwarder: left[vni % 2]! }, vni);
    });

    test("has the highest random weight under HRW (RFC 8584 section 3.2)", async () => {
      electAll(1);
      for (const vni of [VNI, 101, 102]) {
        const weights = addresses.map((address) => hrwWeight(address, ESI, vni));
        const best = addresses[weights.indexOf(weights.reduce((a, b) => (b > a ? b : a)))]!;
        await waitForwarder({ algorithm: 1, forwarder: best }, vni);
      }
    });

    test("has the highest or the lowest preference, then does not preempt, then the lowest address (RFC 9785)", async () => {
      electAll(2, (index) => ({ preference: [100, 300, 200][index] }));
      await waitForwarder({ algorithm: 2, forwarder: addresses[1]!, backup: addresses[2]! });
      electAll(3, (index) => ({ preference: [100, 300, 200][index] }));
      await waitForwarder({ algorithm: 3, forwarder: addresses[0]!, backup: addresses[2]! });
      electAll(2, () => ({ preference: 7 }));
      await waitForwarder({ algorithm: 2, forwarder: addresses[0]! });
      electAll(2, (index) => ({ preference: 7, bitmap: index === 2 ? DONT_PREEMPT : 0 }));
      await waitForwarder({ algorithm: 2, forwarder: addresses[2]! });
    });

    test("is not a PE without A-D routes where attachment circuits count (RFC 8584 section 4)", async () => {
      electAll(2, (index) => ({ bitmap: AC_DF, preference: [300, 200, 100][index] }));
      await waitForwarder({ forwarder: addresses[0]!, backup: addresses[1]! });
      // PE 1 still announces the MAC, but no per-EVI route.
      pe(1).withdrawPerEvi(ESI, VNI);
      await waitForwarder({ forwarder: addresses[1]!, backup: addresses[2]! });
      pe(2).withdrawPerEs(ESI);
      await waitForwarder({ forwarder: addresses[2]! });
      pe(2).perEs(ESI, [VNI]);
      await waitForwarder({ forwarder: addresses[1]! });
    });

    test("is elected by the default when the PEs do not agree, and what each would do is told", async () => {
      pe(1).segment(ESI, { algorithm: 2, preference: 1 });
      pe(2).segment(ESI, { algorithm: 2, preference: 2 });
      pe(3).segment(ESI);
      const found = await waitForwarder({ algorithm: 0, forwarder: addresses[VNI % 3]! });
      expect(found).toMatchObject({ disagree: true });
      expect(found.reason).toMatch(/different/);
    });
  });

  describe("mass withdraw (RFC 7432 section 8.2)", () => {
    const MANY = 100_000;

    test("one route takes all MACs of the segment away from its PE, as one event", async () => {
      const all = Array.from({ length: MANY }, (_, n) => mac(0x1000 + (n >> 16), n & 0xffff));
      pe(1).macs(all.map((each) => ({ vni: VNI, mac: each, esi: ESI })));
      await waitFor("all MACs", async () => (await segment())?.macs === MANY + 1, BUSY);
      expect(await macs(`mac=${all[MANY - 1]}`)).toMatchObject([
        { nextHops: expect.objectContaining({ length: 3 }) as unknown },
      ]);
      const events = await WatchClient.open(evpnd, "/v1/watch/events");
      pe(1).withdrawPerEs(ESI);
      await waitFor("the event", () => events.events.length > 0);
      expect(events.events).toMatchObject([
        { kind: "segment-down", from: addresses[0], count: MANY + 1 },
      ]);
      // Without a walk and without a wait: whatever is asked for now has left the PE.
      for (let n = 0; n < MANY; n += 4_999) {
        const left = ["10.99.0.2 100 aliased", "10.99.0.3 100 aliased"];
        expect((await hops(all[n])).sort()).toEqual(left);
      }
      expect((await segment())?.places).toContainEqual(
        expect.objectContaining({ pe: addresses[0], perEsRoutes: 0, macs: MANY + 1 }),
      );
      // What the PE then withdraws one by one is one more event.
      pe(1).withdrawMacs([...all, MAC].map((each) => ({ vni: VNI, mac: each })));
      await waitFor("the MACs to go", async () => (await segment())?.macs === 0, BUSY);
      await waitFor("the last event", () => {
        return events.events.some(({ kind }) => kind === "segment-drained");
      });
      // How many have gone so far is told once a turn at most, of the segment.
      expect(events.events.every((event) => event.mac === undefined)).toBe(true);
      const updates = events.events.filter(({ kind }) => kind === "segment-update");
      expect(updates.length).toBeLessThan(MANY / 100);
      const rest = events.events.filter((event) => !updates.includes(event));
      expect(rest.map(({ kind, count }) => `${kind} ${String(count)}`)).toEqual([
        `segment-down ${String(MANY + 1)}`,
        `segment-drained ${String(MANY + 1)}`,
      ]);
      events.close();
    });
  });

  describe("captured and hand-made vectors", () => {
    interface Vector {
      readonly name: string;
      readonly hex: string;
    }
    const vectors = ["captured-frr", "captured-gobgp", "hand-wellformed"].flatMap((file) =>
      load<Vector[]>(`${file}.json`),
    );
    const named = (name: string): string => {
      const found = vectors.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no vector ${name}`);
      return found.hex;
    };

    test("make the segment that their octets say", async () => {
      const speaker = await SpeakerClient.up({
        lab,
        label: "lo",
        localAddress: "192.0.2.1",
        remoteAddress: RR,
      });
      speaker.sendHex(
        named("frr-rr-t4-esi3-es-import-df-election-reflected"),
        named("frr-rr-t1-per-evi-esi3-reflected"),
        named("gobgp-t4-esi3-es-import-reflected"),
        named("evpn-t4-es-df-hrw-acdf"),
        named("evpn-t4-es-ipv6-df-preference"),
        named("evpn-t2-esi-multihomed"),
        named("gobgp-t1-per-es-esi2-esi-label-reflected"),
      );
      const esi3 = "03aabbccddee0300004d";
      const found = await waitFor("the segment", async () => {
        const one = await segment(esi3);
        expect(one?.electors).toHaveLength(4);
        expect(one?.macs).toBe(1);
        return one;
      });
      const electors = found.electors.map(
        ({ originator, algorithm, preference }) =>
          `${originator} ${String(algorithm)} ${String(preference)}`,
      );
      expect(electors.sort()).toEqual(
        ["192.0.2.100 2 40000", "192.0.2.254 0 0", "192.0.2.1 1 0", "2001:db8::1 2 40000"].sort(),
      );
      // They do not agree, so ordinals of ascending addresses, IPv4 below IPv6: 100 mod 4 is the first.
      const of = found.forwarders.find(({ domain }) => domain === "65000:100");
      expect(of).toMatchObject({ algorithm: 0, forwarder: "192.0.2.1", backup: "192.0.2.100" });
      // Nobody of this segment has a per-ES route, so its MAC cannot be used.
      expect(await macs("mac=00005e005301")).toMatchObject([{ pe: "192.0.2.1", nextHops: [] }]);
      // GoBGP's per-ES route is of another segment, all-active, with a label.
      expect(await segment("02aabbccddee02800000")).toMatchObject({
        mode: "all-active",
        places: [{ perEsRoutes: 1, macs: 0 }],
      });
      speaker.close();
      await waitFor("the segments to go", async () => (await segment(esi3)) === undefined);
    });
  });
});

function load<T>(file: string): T {
  const path = join(import.meta.dirname, "..", "fast-bgp-codec", "vectors", file);
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

/** RFC 8584 section 3.2 with numbers as large as it takes, and a CRC-32 bit by bit. */
function hrwWeight(address: string, esi: string, tag: number): bigint {
  const key = Buffer.from(tag.toString(16).padStart(8, "0") + esi, "hex");
  let crc = 0xffffffffn;
  for (const octet of key) {
    crc ^= BigInt(octet);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ ((crc & 1n) === 1n ? 0xedb88320n : 0n);
  }
  const digest = (crc ^ 0xffffffffn) & 0x7fffffffn;
  const server = BigInt(`0x${ip4(address)}`) & 0x7fffffffn;
  return (1103515245n * ((1103515245n * server + 12345n) ^ digest) + 12345n) % 2n ** 31n;
}
