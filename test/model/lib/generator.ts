/** Random operations. Everything is decided here, before anything runs: a seed is a script. */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { Code, put, type Attributes } from "./attributes.js";
import { FAULT_NAMES } from "./faults.js";
import { FULL, HIGH_WATER, LOW_WATER } from "./fake.js";
import { hexOf, octetsIn, slice } from "./hex.js";
import { Material } from "./material.js";
import { evpn, isVpn, macIp, nlriKey, rd, routeTypeOf, withdrawnVpn } from "./nlri.js";
import { encodeOp, type Op, type UpdateOp } from "./ops.js";
import { CLUSTER_ID, familiesIn, has, OWN_ID, type PeerSpec } from "./peer.js";
import { Random } from "./random.js";
import type { UpdateParts } from "./wire.js";

interface Said {
  readonly family: Family;
  readonly nlri: string;
  readonly nextHop: string;
  readonly attributes: Attributes;
}

export class Generator {
  private readonly random: Random;
  private readonly material: Material;
  private readonly peers: readonly PeerSpec[];
  /** The latest words of each peer: what withdraws and changes pick from. */
  private readonly said: Said[][];
  private readonly ops: Op[] = [];
  private bulk = 0;

  constructor(seed: number, peers: readonly PeerSpec[]) {
    this.random = new Random(seed);
    this.material = new Material(this.random);
    this.peers = peers;
    this.said = peers.map(() => []);
  }

  make(count: number): Op[] {
    for (const peer of this.random.shuffle(this.peers)) {
      if (!this.random.oneIn(4)) this.up(peer);
      if (this.random.oneIn(3)) this.step();
    }
    while (this.ops.length < count) this.step();
    this.ops.push({ kind: "settle" });
    return this.ops;
  }

  private step(): void {
    const peer = this.random.pick(this.peers);
    const act = this.random.weighted<(peer: PeerSpec) => void>([
      [26, (one) => this.announce(one, 1 + this.random.below(6))],
      [14, (one) => this.withdraw(one)],
      [6, (one) => this.mixed(one)],
      [5, () => this.move()],
      [6, (one) => this.changeLabel(one)],
      [4, () => this.sameSet()],
      [4, () => this.handOver()],
      [3, () => this.copies()],
      [1, () => this.storm()],
      [5, (one) => this.faulty(one)],
      [3, (one) => this.looped(one)],
      [3, (one) => this.badNlri(one)],
      [1, (one) => this.announceMany(one)],
      [1, (one) => this.withdrawAll(one)],
      [1, (one) => this.huge(one)],
      [4, (one) => this.refresh(one)],
      [2, (one) => this.peerRefresh(one)],
      [1, (one) => this.endOfRib(one)],
      [1, (one) => this.down(one)],
      [2, () => this.restart()],
      [3, (one) => this.up(one)],
      [2, (one) => this.change(one)],
      [3, (one) => this.block(one)],
      [5, (one) => this.drain(one)],
      [20, () => this.ops.push({ kind: "soon" })],
      [
        15,
        () =>
          this.ops.push({
            kind: "tick",
            milliseconds: this.random.oneIn(40) ? 61_000 : this.random.pick([1, 1, 1, 5, 1000]),
          }),
      ],
      [2, () => this.ops.push({ kind: "settle" })],
    ]);
    act(peer);
  }

  private familyOf(peer: PeerSpec): Family {
    // Now and then a family that was not negotiated: to be ignored.
    if (this.random.oneIn(60)) return this.random.pick([Family.Ipv4Unicast, Family.Evpn]);
    const own = familiesIn(peer.families);
    return has(peer.families, Family.Evpn) && this.random.below(4) > 0
      ? Family.Evpn
      : this.random.pick(own);
  }

  private nlri(peer: PeerSpec, family: Family): string {
    return family === Family.Evpn
      ? this.material.evpnNlri(peer.index)
      : this.material.prefixNlri(family);
  }

  private announce(peer: PeerSpec, count: number): void {
    const family = this.familyOf(peer);
    const nlri = Array.from({ length: count }, () => this.nlri(peer, family));
    this.sayAll(peer, family, nlri, this.material.nextHop(family), this.material.attributes(peer));
  }

  private sayAll(
    peer: PeerSpec,
    family: Family,
    nlri: readonly string[],
    nextHop: string,
    attributes: Attributes,
  ): void {
    this.update(peer, {
      ...this.announceParts(family, nlri, nextHop),
      attributes,
    });
    const said = this.said[peer.index] as Said[];
    for (const one of nlri) said.push({ family, nlri: one, nextHop, attributes });
    if (said.length > 400) said.splice(0, 100);
  }

  /** IPv4 goes either way: in its own field, or in MP_REACH_NLRI. */
  private announceParts(family: Family, nlri: readonly string[], nextHop: string): UpdateParts {
    if (family === Family.Ipv4Unicast && this.random.oneIn(2))
      return { nlri4: nlri, nextHop4: nextHop };
    return { reach: { family, nextHop, nlri } };
  }

  private withdrawParts(family: Family, nlri: readonly string[]): UpdateParts {
    if (family === Family.Ipv4Unicast && this.random.oneIn(2)) return { withdrawn4: nlri };
    const bare = isVpn(family) && this.random.oneIn(2);
    return { unreach: { family, nlri: bare ? nlri.map(withdrawnVpn) : nlri } };
  }

  /** Drops NLRI until the message is no longer than the peer may send. */
  private update(peer: PeerSpec, parts: UpdateParts, more: Partial<UpdateOp> = {}): void {
    const shape = this.random.oneIn(3) ? 0 : 1 + this.random.below(1 << 30);
    const pathId = 1 + this.random.below(3);
    const op: UpdateOp = {
      kind: "update",
      peer: peer.index,
      parts,
      shape,
      ...(peer.sendsPaths === true ? { pathId } : {}),
      ...more,
    };
    if (encodeOp(op, peer).length <= (peer.extendedMessage ? 65535 : 4096)) {
      this.ops.push(op);
      return;
    }
    const half = (list: readonly string[]): string[] => list.slice(0, list.length >> 1);
    const { reach, unreach, nlri4, withdrawn4 } = parts;
    const longest = Math.max(
      ...[reach?.nlri, unreach?.nlri, nlri4, withdrawn4].map((one) => one?.length ?? 0),
    );
    if (longest < 2) return;
    this.update(
      peer,
      {
        ...parts,
        ...(reach ? { reach: { ...reach, nlri: half(reach.nlri) } } : {}),
        ...(unreach ? { unreach: { ...unreach, nlri: half(unreach.nlri) } } : {}),
        ...(nlri4 ? { nlri4: half(nlri4) } : {}),
        ...(withdrawn4 ? { withdrawn4: half(withdrawn4) } : {}),
      },
      more,
    );
  }

  /** One of the peer's words, mostly one of the last; something it never said when there is none. */
  private word(peer: PeerSpec): Said {
    const said = this.said[peer.index] as Said[];
    if (said.length > 0) {
      const recent = this.random.oneIn(2) ? said.slice(-12) : said;
      return this.random.pick(recent);
    }
    const family = this.familyOf(peer);
    const attributes = this.material.attributes(peer);
    return {
      family,
      nlri: this.nlri(peer, family),
      nextHop: this.material.nextHop(family),
      attributes,
    };
  }

  private withdraw(peer: PeerSpec): void {
    const first = this.word(peer);
    const nlri = [first.nlri];
    for (let i = this.random.below(5); i > 0; i--) {
      const more = this.word(peer);
      if (more.family === first.family) nlri.push(this.worn(more));
    }
    this.update(peer, this.withdrawParts(first.family, nlri));
  }

  /** The same key as a withdraw may write it: label and ESI octets mean nothing there. */
  private worn({ family, nlri }: Said): string {
    if (family !== Family.Evpn || routeTypeOf(nlri) !== 2 || this.random.oneIn(2)) return nlri;
    const labels = 33 + parseInt(slice(nlri, 31, 1), 16) / 8 - 1;
    return (
      slice(nlri, 0, 10) +
      "00".repeat(10) +
      slice(nlri, 20, labels - 20) +
      "00".repeat(octetsIn(nlri) - labels)
    );
  }

  /** Withdraw and announce in one message, sometimes of the same key: withdraws count first. */
  private mixed(peer: PeerSpec): void {
    const gone = this.word(peer);
    const family = this.familyOf(peer);
    const nlri = [
      this.random.oneIn(3) && gone.family === family ? gone.nlri : this.nlri(peer, family),
    ];
    if (this.random.oneIn(2)) nlri.push(this.nlri(peer, family));
    const nextHop = this.material.nextHop(family);
    const attributes = this.material.attributes(peer);
    const parts = {
      ...this.withdrawParts(gone.family, [gone.nlri]),
      ...this.announceParts(family, nlri, nextHop),
      attributes,
    };
    this.update(peer, parts);
    for (const one of nlri)
      (this.said[peer.index] as Said[]).push({ family, nlri: one, nextHop, attributes });
  }

  /** A MAC turns up at another peer with a higher sequence; the old one withdraws, or is late, or forgets. */
  private move(): void {
    const { random, material } = this;
    const peers = this.peers.filter((one) => has(one.families, Family.Evpn));
    const mac = material.mac();
    const shared = random.oneIn(2);
    let last: { peer: PeerSpec; nlri: string } | undefined;
    for (let sequence = random.below(3), left = 2 + random.below(3); left > 0; left--, sequence++) {
      const peer = random.pick(peers);
      const nlri = macIp({ rd: rd(shared ? 1 : 100 + peer.index), mac, label: 100 + peer.index });
      const attributes = material.withSequence(
        material.attributes(peer),
        sequence,
        random.oneIn(15),
      );
      this.sayAll(peer, Family.Evpn, [nlri], material.nextHop(Family.Evpn), attributes);
      if (random.oneIn(3)) this.ops.push({ kind: "soon" });
      if (last !== undefined && !random.oneIn(4))
        this.update(last.peer, this.withdrawParts(Family.Evpn, [last.nlri]));
      last = { peer, nlri };
    }
  }

  /** Type 2: another label or ESI, everything else the same. Now and then nothing changes at all. */
  private changeLabel(peer: PeerSpec): void {
    const { family, nlri, nextHop, attributes } = this.word(peer);
    let next = nlri;
    if (family === Family.Evpn && routeTypeOf(nlri) === 2) {
      if (this.random.oneIn(2)) {
        const esi = this.random.pick(["00".repeat(10), "00112233445566778899"]);
        next = slice(nlri, 0, 10) + esi + slice(nlri, 20);
      } else {
        const label = hexOf(this.random.pick([100, 200, 300]), 3);
        next = slice(nlri, 0, octetsIn(nlri) - 3) + label;
      }
    }
    this.sayAll(peer, family, [next], nextHop, attributes);
  }

  /** Two peers send the same octets. */
  private sameSet(): void {
    const a = this.random.pick(this.peers);
    const b = this.random.pick(this.peers);
    // Of an eBGP peer the first AS would tell whose octets they are.
    if (a.kind === "ebgp" || b.kind === "ebgp") return;
    const said = this.word(a);
    const nlri = this.random.oneIn(2) ? said.nlri : this.nlri(b, said.family);
    for (const peer of [a, b])
      this.sayAll(peer, said.family, [nlri], said.nextHop, said.attributes);
  }

  /** A route changes its source: the new one comes before or after the old one leaves, or is better. */
  private handOver(): void {
    const [a, b] = [this.random.pick(this.peers), this.random.pick(this.peers)];
    if (a.index === b.index) return;
    const { family, nlri, nextHop, attributes } = this.word(a);
    const given =
      b.kind === a.kind && b.kind !== "ebgp"
        ? put(attributes, Code.LocalPref, 0x40, hexOf(this.random.pick([90, 100, 300]), 4))
        : this.material.attributes(b);
    const leave = (): void => this.update(a, this.withdrawParts(family, [nlri]));
    const arrive = (): void => this.sayAll(b, family, [nlri], nextHop, given);
    const steps = this.random.shuffle([leave, arrive]);
    if (this.random.oneIn(3)) steps.push(() => this.update(b, this.withdrawParts(family, [nlri])));
    for (const act of steps) {
      act();
      if (this.random.oneIn(3)) this.ops.push({ kind: "soon" });
    }
  }

  /** One PE's route as it comes through several reflectors: equal but for CLUSTER_LIST, or out of date. */
  private copies(): void {
    const { random, material } = this;
    const ibgp = this.peers.filter((one) => one.kind !== "ebgp" && has(one.families, Family.Evpn));
    const peers = random.shuffle(ibgp).slice(0, 2 + random.below(2));
    const first = peers[0] as PeerSpec;
    const nlri = macIp({ rd: rd(1 + random.below(3)), mac: material.mac() });
    const nextHop = material.nextHop(Family.Evpn);
    const basis = material.attributes(first);
    const originator = hexOf(0x0a010001 + random.below(6), 4);
    const sequences = random.oneIn(2);
    for (const peer of peers) {
      let attributes = put(basis, Code.OriginatorId, 0x80, originator);
      attributes = put(attributes, Code.ClusterList, 0x80, "0a700001".repeat(1 + random.below(3)));
      if (sequences) attributes = material.withSequence(attributes, random.below(4), false);
      this.sayAll(peer, Family.Evpn, [nlri], nextHop, attributes);
      if (random.oneIn(4)) this.ops.push({ kind: "soon" });
    }
  }

  /**
   * Two peers sleep while one changes a block of routes so often that their backlog is longer than
   * anything is read in one go; then one wakes for a moment.
   */
  private storm(): void {
    const { random, material } = this;
    if (!random.oneIn(4)) return;
    const peers = this.peers.filter((one) => has(one.families, Family.Evpn));
    const [source, near, far] = random.shuffle(peers) as [PeerSpec, PeerSpec, PeerSpec];
    const nlri = Array.from({ length: 90 }, (_, i) =>
      macIp({ rd: rd(100 + source.index), mac: `0800${hexOf(i, 4)}` }),
    );
    const sets = [material.attributes(source), material.attributes(source)];
    const nextHop = material.nextHop(Family.Evpn);
    const change = (round: number): void => {
      const attributes = put(sets[round & 1] as Attributes, Code.Med, 0x80, hexOf(round, 4));
      this.sayAll(source, Family.Evpn, nlri, nextHop, attributes);
      this.ops.push({ kind: "tick", milliseconds: 1 }, { kind: "soon" });
    };
    for (const one of [near, far]) this.ops.push({ kind: "block", peer: one.index, pending: FULL });
    for (let round = 0; round < 26; round++) change(round);
    this.ops.push({ kind: "tick", milliseconds: 1500 });
    this.ops.push({ kind: "drain", peer: near.index, to: 0, choke: true }, { kind: "soon" });
    for (let round = 26 + random.below(4); round < 30; round++) change(round);
    this.ops.push({ kind: "drain", peer: near.index, to: 0 });
    if (random.oneIn(2)) this.ops.push({ kind: "settle" });
  }

  private faulty(peer: PeerSpec): void {
    const family = this.familyOf(peer);
    const known = this.word(peer);
    const nlri = [known.family === family ? known.nlri : this.nlri(peer, family)];
    if (this.random.oneIn(2)) nlri.push(this.nlri(peer, family));
    const fault = this.random.oneIn(25)
      ? "unknown well-known"
      : this.random.pick(FAULT_NAMES.filter((name) => name !== "unknown well-known"));
    const gone = this.random.oneIn(3) ? this.word(peer) : undefined;
    this.update(
      peer,
      {
        ...(gone === undefined ? {} : { unreach: { family: gone.family, nlri: [gone.nlri] } }),
        ...this.announceParts(family, nlri, this.material.nextHop(family)),
        attributes: this.material.attributes(peer),
      },
      { fault },
    );
  }

  /** The route has come round: it is no candidate, and what it replaces is gone. */
  private looped(peer: PeerSpec): void {
    const { family, nlri, nextHop, attributes } = this.word(peer);
    // Memberships come back by design (RFC 4684 section 3.2).
    if (family === Family.RouteTarget) return;
    const looped = this.random.pick([
      put(attributes, Code.OriginatorId, 0x80, hexOf(OWN_ID, 4)),
      put(attributes, Code.ClusterList, 0x80, `0a700001${hexOf(CLUSTER_ID, 4)}0a700002`),
      this.material.withOwnAs(attributes, peer),
    ]);
    this.sayAll(peer, family, [nlri], nextHop, looped);
  }

  private badNlri(peer: PeerSpec): void {
    if (!has(peer.families, Family.Evpn)) return;
    const known = this.word(peer);
    const good = [this.nlri(peer, Family.Evpn), this.nlri(peer, Family.Evpn)];
    const typed =
      known.family === Family.Evpn && routeTypeOf(known.nlri) === 2
        ? known.nlri
        : macIp({ rd: rd(1), mac: this.material.mac() });
    const bad = this.random.pick([
      // A label of one octet too many: the key can be read.
      evpn(2, `${slice(typed, 2)}00`),
      // MAC length 47, and an IP length that is none.
      evpn(2, `${slice(typed, 2, 22)}2f${slice(typed, 25)}`),
      evpn(2, `${slice(typed, 2, 29)}21${slice(typed, 32)}`),
      evpn(2, slice(typed, 2, 12)),
    ]);
    const nlri = good.filter((one) => nlriKey(Family.Evpn, one) !== nlriKey(Family.Evpn, typed));
    nlri.splice(this.random.below(nlri.length + 1), 0, bad);
    this.update(peer, {
      reach: { family: Family.Evpn, nextHop: this.material.nextHop(Family.Evpn), nlri },
      attributes: this.material.attributes(peer),
    });
  }

  private announceMemberships(peer: PeerSpec): void {
    const nlri = Array.from({ length: 1 + this.random.below(3) }, () => this.material.membership());
    const nextHop = this.material.nextHop(Family.RouteTarget);
    const attributes = this.material.attributes(peer);
    this.sayAll(peer, Family.RouteTarget, nlri, nextHop, attributes);
  }

  /** Enough routes with one attribute set to fill messages; a few of them from several peers. */
  private announceMany(peer: PeerSpec): void {
    if (!has(peer.families, Family.Evpn)) return;
    const base = (this.bulk++ % 4) * 1000;
    const own = rd(this.random.oneIn(3) ? 9 : 100 + peer.index);
    const attributes = this.material.attributes(peer);
    const nextHop = this.material.nextHop(Family.Evpn);
    const nlri = Array.from({ length: 80 + this.random.below(200) }, (_, i) =>
      macIp({ rd: own, mac: `0600${hexOf(base + i, 4)}`, label: 100 }),
    );
    for (let at = 0; at < nlri.length; at += 90)
      this.sayAll(peer, Family.Evpn, nlri.slice(at, at + 90), nextHop, attributes);
  }

  private withdrawAll(peer: PeerSpec): void {
    const said = (this.said[peer.index] as Said[]).splice(0);
    const evpnOnly = said.filter((one) => one.family === Family.Evpn);
    for (let at = 0; at < evpnOnly.length; at += 60) {
      const nlri = evpnOnly.slice(at, at + 60).map((one) => one.nlri);
      this.update(peer, { unreach: { family: Family.Evpn, nlri } });
    }
  }

  private huge(peer: PeerSpec): void {
    if (!has(peer.families, Family.Evpn)) return;
    const nlri = [this.nlri(peer, Family.Evpn)];
    if (this.random.oneIn(2)) nlri.push(this.nlri(peer, Family.Evpn));
    const attributes = this.material.hugeAttributes(peer);
    this.sayAll(peer, Family.Evpn, nlri, this.material.nextHop(Family.Evpn), attributes);
  }

  private refresh(peer: PeerSpec): void {
    const family = this.random.pick(familiesIn(peer.families));
    this.ops.push({ kind: "refresh", peer: peer.index, family, subtype: 0 });
  }

  /** The peer refreshes what it said: part of it is said again, the rest is to go. */
  private peerRefresh(peer: PeerSpec): void {
    const family = this.random.pick(familiesIn(peer.families));
    const mark = (subtype: 1 | 2): void => {
      this.ops.push({ kind: "refresh", peer: peer.index, family, subtype });
    };
    if (this.random.oneIn(6)) return mark(this.random.pick([1, 2]));
    const others = familiesIn(peer.families).filter((one) => one !== family);
    if (this.random.oneIn(3))
      for (const other of others)
        this.ops.push({ kind: "refresh", peer: peer.index, family: other, subtype: 1 });
    mark(1);
    for (const one of (this.said[peer.index] as Said[]).slice(-40)) {
      if (one.family !== family || this.random.oneIn(3)) continue;
      this.sayAll(peer, family, [one.nlri], one.nextHop, one.attributes);
      if (this.random.oneIn(8)) this.step();
    }
    mark(2);
  }

  private endOfRib(peer: PeerSpec): void {
    const family = this.random.pick(familiesIn(peer.families));
    this.ops.push({ kind: "end-of-rib", peer: peer.index, family });
  }

  private down(peer: PeerSpec): void {
    const loss = this.random.pick(["lost", "lost", "notification", "hard"] as const);
    this.ops.push({ kind: "down", peer: peer.index, loss });
  }

  /** A session is lost and comes back, in time or not; it is lost again, or refreshed, before it has said all. */
  private restart(): void {
    const { random } = this;
    const peer = random.pick(this.peers.filter(isRestarting));
    this.down(peer);
    for (let steps = random.below(6); steps > 0; steps--) this.step();
    if (random.oneIn(4))
      this.ops.push({ kind: "tick", milliseconds: random.pick([20_000, 31_000, 81_000]) });
    if (random.oneIn(8)) return;
    this.up(peer);
    const said = (this.said[peer.index] as Said[]).slice(-60);
    for (const { family, nlri, nextHop, attributes } of said) {
      if (random.oneIn(4)) continue;
      this.sayAll(peer, family, [nlri], nextHop, attributes);
      if (random.oneIn(20)) this.ops.push({ kind: "soon" });
      if (random.oneIn(60)) this.peerRefresh(peer);
    }
    if (random.oneIn(4)) return this.restart();
    for (const family of familiesIn(peer.families))
      if (!random.oneIn(4)) this.ops.push({ kind: "end-of-rib", peer: peer.index, family });
    if (random.oneIn(3)) this.ops.push({ kind: "settle" });
  }

  private up(peer: PeerSpec): void {
    const over: Partial<PeerSpec> = {
      ...(this.random.oneIn(4) ? { enhancedRefresh: this.random.oneIn(2) } : {}),
      ...this.material.comeback(peer),
    };
    this.ops.push({ kind: "up", peer: peer.index, over });
    if (!has(peer.families, Family.RouteTarget)) return;
    if (this.random.oneIn(3)) this.step();
    this.announceMemberships(peer);
    if (this.random.oneIn(4)) return;
    this.ops.push({ kind: "end-of-rib", peer: peer.index, family: Family.RouteTarget });
  }

  private change(peer: PeerSpec): void {
    const over = this.material.change(peer);
    this.ops.push({ kind: "change", peer: peer.index, over, rest: !this.random.oneIn(3) });
  }

  private block(peer: PeerSpec): void {
    const pending = this.random.pick([FULL, FULL, HIGH_WATER - 1, HIGH_WATER - 500]);
    this.ops.push({ kind: "block", peer: peer.index, pending });
  }

  private drain(peer: PeerSpec): void {
    const to = this.random.pick([0, 0, LOW_WATER - 1, LOW_WATER - 1, LOW_WATER, HIGH_WATER - 300]);
    const choke = this.random.oneIn(4);
    this.ops.push({ kind: "drain", peer: peer.index, to, choke });
  }
}

function isRestarting(peer: PeerSpec): boolean {
  return (peer.negotiated?.gracefulRestart?.families ?? 0) !== 0;
}
