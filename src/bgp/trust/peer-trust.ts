/**
 * Trust at work in the speaker: asks the gate (`contract.ts`) about every peer whose settings want it, when
 * somebody connects, on OPEN, and after each change; makes the reflector hold, mark or serve it; connects to
 * who has just become trusted; keeps the TCP MD5 keys of instances. Without a gate nobody is trusted who has
 * to be. Costs nothing while no peer's settings ask for trust.
 */
import type {
  TrustAnswer,
  TrustChange,
  TrustFacts,
  TrustGate,
  TrustRequirement,
} from "../../contract.js";
import { isLinkLocal } from "../../fast-bgp-codec/values/ip.js";
import type { Clock } from "../../util/clock.js";
import { LogRate } from "../../util/log-rate.js";
import type { Log } from "../../util/log.js";
import type { ReflectedPeer } from "../reflected-peer.js";
import type { Sources } from "../rib/sources.js";
import type { EstablishedSession } from "../session/types.js";
import type { PeerOptions } from "../settings.js";
import {
  asNobody,
  gripOf,
  lets,
  linkLocal,
  NO_LIMITS,
  plain,
  sameGrip,
  sameLimits,
  viewOf,
  withoutGate,
  type Known,
} from "./answers.js";
import { ADMITTED, type TrustGrip } from "./grip.js";
import { PolicedSession, VnfPolice } from "./police.js";
import type { TrustPeerView } from "./view.js";

/** The speaker, as trust needs it. */
export interface TrustHost {
  readonly sources: Sources;
  livePeers(): Iterable<ReflectedPeer>;
  /** `done` gets the routes looked at; it is not called when something newer came first. */
  regrip(peer: ReflectedPeer, grip: TrustGrip, done: (routes: number) => void): void;
  /** Routes are kept for this peer's return. */
  retains(address: string): boolean;
  abandon(address: string, why: string): void;
  optionsFor(address: string): PeerOptions | undefined;
  /** Nothing stands in the peer's way any more: it is connected to at once. */
  connect(address: string): void;
  /** It is configured, or has been here lately. */
  hasPeer(address: string): boolean;
  /** Why it is not, but waited for; undefined when it is. */
  waitsFor(address: string): string | undefined;
  /**
   * Keys of instances have changed, by address: the listeners', and those of connections that are up. One that
   * began without a key ends. Returns the addresses whose key cannot be had here.
   */
  rekey(changed: ReadonlyMap<string, string | undefined>): ReadonlySet<string>;
}

/** Who was asked about without a session: as many are remembered. */
const MOST_KNOCKS = 1024;

const CEASE = 6;
const REJECTED = 5;

/** What comes of an OPEN, for the answer. */
export interface OpenFacts {
  readonly as: number;
  readonly routerId: string;
  readonly instance: string | undefined;
}

/** A change that is told as in force once the walk under way is over. */
interface Due {
  revision: number;
  /** Monotonic milliseconds of when its effect began. */
  began: number;
}

export class PeerTrust {
  private readonly host: TrustHost;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly rate: LogRate;
  private gate: TrustGate | undefined;
  private unsubscribe: (() => void) | undefined;
  private readonly sessions = new Map<ReflectedPeer, Known>();
  /** The Established one of each address. */
  private readonly byAddress = new Map<string, ReflectedPeer>();
  /** Whose routes are being brought in line, and what is told then. */
  private readonly walking = new Map<ReflectedPeer, Due>();
  private readonly knocks = new Map<string, Known>();
  private readonly keys = new Map<string, string>();
  /** Whose key the kernel did not take. */
  private readonly unfit = new Set<string>();
  /** Addresses that the gate knows somebody at. */
  private readonly known = new Set<string>();
  private readonly polices = new Map<string, VnfPolice>();
  private readonly counts = { refused: 0, held: 0, released: 0 };

  constructor(host: TrustHost, clock: Clock, log: Log) {
    this.host = host;
    this.clock = clock;
    this.log = log;
    this.rate = new LogRate(clock);
  }

  /** Who answers from now on; undefined: nobody, and whoever needs trust has none. */
  attach(gate: TrustGate | undefined): void {
    this.unsubscribe?.();
    this.gate = gate;
    this.known.clear();
    const live = [...this.sessions.keys()].map(({ session }) => plain(session.peerAddress));
    this.lookAtKeys(new Set([...this.keys.keys(), ...live]));
    this.lookAtAll();
    this.unsubscribe = gate?.subscribe((changes) => this.take(changes));
  }

  /** Nothing is heard of the gate any more; everybody stays as they are. */
  close(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  /** Why no session with this address may begin; undefined when one may. */
  refuses(address: string, options: PeerOptions, instance: string | undefined): string | undefined {
    const { trust } = options;
    if (trust === undefined) return undefined;
    return this.verdict(address, this.ask(trust, address, { instance }));
  }

  /** The same once its OPEN is there. */
  refusesOpen(address: string, options: PeerOptions, open: OpenFacts): string | undefined {
    const { trust } = options;
    if (trust === undefined) return undefined;
    const answer = this.ask(trust, address, open);
    const why = this.verdict(address, answer);
    if (why !== undefined || answer.effect !== "admit") return why;
    const most = answer.limits.sessions;
    const others = this.polices.get(answer.vnf)?.members.size ?? 0;
    const own = this.byAddress.has(plain(address));
    if (most === 0 || own || others < most) return undefined;
    return `${answer.vnf} has ${others} sessions, and may have ${most} (limits of its VNF)`;
  }

  /** What an Established session may do. */
  gripFor(session: EstablishedSession): TrustGrip {
    const { trust } = session.options;
    if (trust === undefined) return ADMITTED;
    return gripOf(this.askOf(trust, session, false));
  }

  /** The session is the reflector's now, with the grip that `gripFor` gave. */
  began(peer: ReflectedPeer): void {
    const { trust } = peer.session.options;
    if (trust === undefined) return;
    this.knocks.delete(peer.session.peerAddress);
    const answer = this.askOf(trust, peer.session, peer.grip.effect !== "hold");
    this.note(peer, answer);
    this.join(peer, answer);
    if (peer.isHeld) this.say(peer, answer);
    const { police } = peer;
    if (police === undefined || !police.police.isCrowded) return;
    // Two that sent their OPENs at the same time were both let through; the reflector is still taking this one in.
    this.clock.setTimer(0, () => {
      if (peer.gone || peer.police !== police || !police.police.isCrowded) return;
      const why = `${answer.vnf} has more than ${answer.limits.sessions} sessions (limits of its VNF)`;
      peer.session.reset(CEASE, REJECTED, new Uint8Array(0), why);
    });
  }

  ended(peer: ReflectedPeer): void {
    this.forget(peer);
    this.leave(peer);
  }

  /** Its settings ask for another trust, or for none. */
  changed(peer: ReflectedPeer): void {
    this.lookAtKeys([plain(peer.session.peerAddress)]);
    this.lookAt(peer, this.clock.now());
  }

  /** Other settings are in force: those of prefixes have no peer to be looked at by, nor anybody to connect to them. */
  reconfigured(): void {
    this.lookAtKeys(new Set([...this.known, ...this.keys.keys()]));
    for (const address of this.known) {
      const trust = this.host.optionsFor(address)?.trust;
      if (trust === undefined || this.host.hasPeer(address)) continue;
      if (this.ask(trust, address, {}).state === "trusted") this.host.connect(address);
    }
  }

  /** A peer without a session: its settings may have changed. */
  look(address: string, options: PeerOptions): void {
    const { trust } = options;
    if (trust !== undefined || this.keys.has(plain(address))) this.lookAtKeys([plain(address)]);
    if (trust === undefined && this.knocks.delete(address)) this.host.connect(address);
    if (trust !== undefined && this.host.retains(address)) this.lookAtKept(address, trust);
  }

  /** The stream of changes goes in here. */
  take(changes: readonly TrustChange[]): void {
    const now = this.clock.now();
    const touched = new Map<string, number>();
    let all = false;
    for (const change of changes) {
      if (change.kind === "item") {
        touched.set(change.item.key, change.item.revision);
        this.known.add(change.item.key);
      } else if (change.kind === "gone") {
        touched.set(change.key, change.revision);
        this.known.delete(change.key);
      } else if (change.kind === "sync") all = true;
    }
    this.lookAtKeys(touched.keys());
    if (all) this.lookAtAll();
    const seen = new Set<string>();
    for (const peer of [...this.host.livePeers()]) {
      const address = plain(peer.session.peerAddress);
      const revision = touched.get(address);
      if (peer.gone || revision === undefined) continue;
      seen.add(address);
      if (!all) this.lookAt(peer, now);
      // Nothing hangs on it: in force as it is.
      if (peer.session.options.trust === undefined) this.tell(address, revision, 0, now, now);
    }
    for (const [address, revision] of touched) {
      if (!seen.has(address)) this.lookAtAbsent(address, revision);
    }
  }

  /** The key that an instance's connection has; its settings' own where it has none. */
  keyFor(address: string, options: PeerOptions): string | undefined {
    return options.trust === undefined ? undefined : this.keys.get(plain(address));
  }

  /** By address: those of instances. */
  get instanceKeys(): ReadonlyMap<string, string> {
    return this.keys;
  }

  viewOf(address: string): TrustPeerView | undefined {
    const peer = this.byAddress.get(plain(address));
    const session = peer && this.sessions.get(peer);
    if (session !== undefined) return viewOf(address, session, true);
    const knock = this.knocks.get(address);
    const trust = this.host.optionsFor(address)?.trust;
    if (knock === undefined && trust === undefined) return undefined;
    const known = knock ?? { answer: this.ask(trust!, address, {}), since: 0 };
    const waits = lets(known.answer) ? this.host.waitsFor(address) : undefined;
    const view = viewOf(address, known, false);
    return waits === undefined ? view : { ...view, reason: `${view.reason}; waited for: ${waits}` };
  }

  /** Every peer whose settings ask for trust and who has a session, or has knocked. */
  views(): TrustPeerView[] {
    const views = [...this.sessions].map(([peer, known]) =>
      viewOf(peer.session.peerAddress, known, true),
    );
    const live = new Set(views.map(({ address }) => address));
    for (const [address, known] of this.knocks) {
      if (!live.has(address)) views.push(viewOf(address, known, false));
    }
    return views.sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  /** Metric names without prefix. */
  stats(): Record<string, number> {
    let held = 0;
    let marked = 0;
    for (const { grip } of this.sessions.keys()) {
      if (grip.effect === "hold") held++;
      if (grip.effect === "mark") marked++;
    }
    return {
      trust_sessions: this.sessions.size,
      trust_held_sessions: held,
      trust_marked_sessions: marked,
      trust_refused_total: this.counts.refused,
      trust_held_total: this.counts.held,
      trust_released_total: this.counts.released,
    };
  }

  private lookAtAll(): void {
    const now = this.clock.now();
    for (const peer of [...this.host.livePeers()]) {
      if (peer.session.options.trust !== undefined) this.lookAt(peer, now);
    }
    for (const address of [...this.knocks.keys()]) this.lookAtAbsent(address, 0);
  }

  private lookAt(peer: ReflectedPeer, since: number): void {
    // Its key may just have ended it.
    if (peer.gone) return;
    const { session } = peer;
    const { trust } = session.options;
    if (trust === undefined) {
      if (!this.forget(peer)) return;
      this.leave(peer);
      const former = this.walking.get(peer);
      this.walking.delete(peer);
      // The walk that was to tell it ends without.
      if (former) this.tell(plain(session.peerAddress), former.revision, 0, since, since);
      if (peer.grip !== ADMITTED) this.host.regrip(peer, ADMITTED, () => {});
      return;
    }
    const wasHeld = peer.isHeld;
    const answer = this.askOf(trust, session, !wasHeld && this.sessions.has(peer));
    this.note(peer, answer);
    this.join(peer, answer);
    const grip = gripOf(answer);
    const address = plain(session.peerAddress);
    const rightful = this.gate?.instanceAt(address, trust);
    if (grip.effect === "hold" && rightful !== undefined && rightful !== session.instance) {
      // Held, it would be in the way of the one that comes through the proxy.
      session.reset(CEASE, REJECTED, new Uint8Array(0), `peer not trusted: ${answer.reason}`);
      this.tell(address, answer.revision, 0, since, since);
      return;
    }
    if (sameGrip(grip, peer.grip)) {
      const underWay = this.walking.get(peer);
      if (underWay === undefined) this.tell(address, answer.revision, 0, since, since);
      else underWay.revision = Math.max(underWay.revision, answer.revision);
      return;
    }
    const due: Due = { revision: answer.revision, began: since };
    this.walking.set(peer, due);
    this.host.regrip(peer, grip, (routes) => {
      if (this.walking.get(peer) === due) this.walking.delete(peer);
      this.tell(address, due.revision, routes, since, due.began);
    });
    due.began = this.clock.now();
    if (peer.isHeld !== wasHeld) this.counts[peer.isHeld ? "held" : "released"]++;
    this.say(peer, answer);
  }

  /** No session with this address: routes kept for its return, or a call to make. */
  private lookAtAbsent(address: string, revision: number): void {
    const trust = this.host.optionsFor(address)?.trust;
    const now = this.clock.now();
    if (trust === undefined) {
      this.knocks.delete(address);
      // In force at all of its sessions: there are none, and will be none.
      this.tell(address, revision, 0, now, now);
      return;
    }
    const kept = this.host.retains(address);
    const answer = kept ? this.lookAtKept(address, trust) : this.ask(trust, address, {});
    if (this.knocks.has(address)) this.knock(address, answer);
    const waits = lets(answer) ? this.host.waitsFor(address) : undefined;
    // Somebody is there, as his verdict says, or as the settings do; a dry run says nothing about that.
    const isThere = answer.state === "trusted" || this.host.hasPeer(address);
    if (lets(answer) && isThere) this.host.connect(address);
    this.tell(address, answer.revision, 0, now, now, waits);
  }

  /** Routes that are kept for a peer's return go with its trust. They are those of whoever may come back. */
  private lookAtKept(address: string, trust: TrustRequirement): TrustAnswer {
    const instance = this.gate?.instanceAt(plain(address), trust);
    const answer = this.ask(trust, address, { live: true, instance });
    if (!lets(answer)) {
      this.host.abandon(address, `the peer is not trusted: ${answer.reason}`);
    }
    return answer;
  }

  private tell(
    address: string,
    revision: number,
    routes: number,
    since: number,
    began: number,
    waits?: string,
  ): void {
    const sessions = this.byAddress.has(address) ? 1 : 0;
    this.gate?.gateApplied({
      address,
      revision,
      sessions,
      routes,
      beganMs: began - since,
      doneMs: this.clock.now() - since,
      waits,
    });
  }

  private lookAtKeys(addresses: Iterable<string>): void {
    const changed = new Map<string, string | undefined>();
    for (const address of addresses) {
      const trust = this.host.optionsFor(address)?.trust;
      const key = trust === undefined ? undefined : this.gate?.keyFor(address, trust);
      if (key === this.keys.get(address)) continue;
      if (key === undefined) this.keys.delete(address);
      else this.keys.set(address, key);
      changed.set(address, key);
    }
    if (changed.size === 0) return;
    const refused = this.host.rekey(changed);
    for (const address of changed.keys()) {
      if (refused.has(address)) this.unfit.add(address);
      else this.unfit.delete(address);
    }
  }

  private verdict(address: string, answer: TrustAnswer): string | undefined {
    if (answer.effect !== "refuse") return undefined;
    this.counts.refused++;
    this.knock(address, answer);
    const suppressed = this.rate.pass(address);
    if (suppressed !== undefined) {
      const { state, reason, subject } = answer;
      this.log.warn(
        { peer: address, state, reason, subject, ...LogRate.fields(suppressed) },
        "no session: the peer is not trusted",
      );
    }
    return `peer not trusted: ${answer.reason}`;
  }

  private knock(address: string, answer: TrustAnswer): void {
    const before = this.knocks.get(address);
    this.knocks.delete(address);
    const same = before?.answer.state === answer.state && before.answer.effect === answer.effect;
    this.knocks.set(address, { answer, since: same ? before.since : this.clock.wall() });
    if (this.knocks.size > MOST_KNOCKS) this.knocks.delete(this.knocks.keys().next().value!);
  }

  private note(peer: ReflectedPeer, answer: TrustAnswer): void {
    const before = this.sessions.get(peer);
    const same = before?.answer.state === answer.state && before.answer.effect === answer.effect;
    this.byAddress.set(plain(peer.session.peerAddress), peer);
    this.sessions.set(peer, { answer, since: same ? before.since : this.clock.wall() });
  }

  private forget(peer: ReflectedPeer): boolean {
    const address = plain(peer.session.peerAddress);
    if (this.byAddress.get(address) === peer) this.byAddress.delete(address);
    return this.sessions.delete(peer);
  }

  /** Its VNF's limits are its own, together with the VNF's other sessions. */
  private join(peer: ReflectedPeer, { vnf, limits }: TrustAnswer): void {
    const { police } = peer;
    if (police !== undefined && police.police.name !== vnf) this.leave(peer);
    if (vnf === "" || sameLimits(limits, NO_LIMITS)) {
      this.leave(peer);
      return;
    }
    let shared = this.polices.get(vnf);
    if (shared === undefined) {
      shared = new VnfPolice(vnf, limits, this.host.sources, this.clock);
      this.polices.set(vnf, shared);
    } else shared.configure(limits);
    peer.police ??= new PolicedSession(shared, peer.session, peer.slot);
  }

  private leave(peer: ReflectedPeer): void {
    const { police } = peer;
    if (police === undefined) return;
    police.close();
    peer.police = undefined;
    if (police.police.members.size === 0) this.polices.delete(police.police.name);
  }

  private say(peer: ReflectedPeer, { state, reason, subject, spared }: TrustAnswer): void {
    const fields = { peer: peer.session.peerAddress, state, reason, subject, spared };
    if (peer.isHeld) {
      this.log.warn(fields, "peer not trusted: nothing is sent to it, and its routes are held");
    } else if (peer.grip.effect === "mark") {
      this.log.warn(fields, "peer not trusted: its routes are marked");
    } else this.log.info(fields, "peer trusted: its routes count, and it is served");
  }

  private askOf(trust: TrustRequirement, session: EstablishedSession, live: boolean): TrustAnswer {
    const { peerAs, peerIdText } = session.negotiated;
    const { instance, peerAddress } = session;
    return this.ask(trust, peerAddress, { as: peerAs, routerId: peerIdText, instance, live });
  }

  private ask(
    required: TrustRequirement,
    address: string,
    { as, routerId, instance, live = false }: Partial<TrustFacts>,
  ): TrustAnswer {
    const facts = { address: plain(address), required, as, routerId, instance, live };
    const { gate } = this;
    if (gate === undefined) return withoutGate(required);
    if (isLinkLocal(facts.address)) return linkLocal(gate, facts);
    const answer = gate.admit(facts);
    if (answer.binding !== "tcp-md5" || answer.state !== "trusted") return answer;
    const isKeyed = this.keys.has(facts.address) && !this.unfit.has(facts.address);
    if (isKeyed || gate.keyFor(facts.address, required) === undefined) return answer;
    // Whoever has the address could say anything.
    return asNobody(gate, facts, "its TCP MD5 key cannot be put in force here");
  }
}
