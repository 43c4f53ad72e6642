/**
 * All BFD sessions of the process: finds the session of a packet (RFC 5880 section 6.3, RFC 5881
 * section 4, RFC 5883 section 4), makes and removes sessions, tells of changes. Runs in the BFD
 * thread; sockets, clock and chance are passed in.
 *
 * Bounded: a session exists only for a peer it was asked for. Packets of others are counted and gone.
 */
import { canonicalAddress } from "../transport/index.js";
import type { Clock } from "../../util/clock.js";
import type { BfdCommand, BfdReport, BfdSpec, BfdStats } from "./messages.js";
import { decodePacket } from "./packet.js";
import { BfdSession } from "./session.js";

/** Sends a session's packets. */
export interface BfdSender {
  send(bytes: Uint8Array): void;
  close(): void;
}

export interface BfdNetwork {
  /** Listens where sessions of this kind are heard; without effect when it does so already. */
  listen(multihop: boolean, ipv6: boolean): void;
  /** Nobody needs to be heard any more. */
  deafen(): void;
  sender(spec: BfdSpec, failed: () => void): BfdSender;
  readonly ttlChecked: boolean;
}

export interface EngineParts {
  readonly clock: Clock;
  readonly random: () => number;
  /** Random, 32 bits. */
  readonly discriminator: () => number;
  readonly afterPoll: (check: () => void) => void;
  readonly network: BfdNetwork;
  readonly report: (report: BfdReport) => void;
}

interface Entry {
  readonly session: BfdSession;
  sender: BfdSender;
}

export class BfdEngine {
  private readonly parts: EngineParts;
  private readonly byPeer = new Map<string, Entry>();
  private readonly byDiscriminator = new Map<number, Entry>();
  /** Sessions that say farewell, and what is to follow: two at once would confuse the peer. */
  private readonly leaving = new Map<string, BfdSpec | undefined>();
  private readonly counts = {
    received: 0,
    malformed: 0,
    unknownDiscriminator: 0,
    unknownSource: 0,
  };

  constructor(parts: EngineParts) {
    this.parts = parts;
  }

  get stats(): BfdStats {
    return { ...this.counts, ttlChecked: this.parts.network.ttlChecked };
  }

  command(command: BfdCommand): void {
    switch (command.kind) {
      case "set":
        return this.set(command.spec);
      case "remove":
        return this.remove(command.peer);
      case "snapshot":
        return this.parts.report({
          kind: "snapshot",
          request: command.request,
          sessions: [...this.byPeer.values()].map(({ session }) => session.snapshot()),
          stats: this.stats,
        });
      case "stop":
        return this.stop();
    }
  }

  /** A datagram that came to port 3784 or, with `multihop`, 4784. */
  receive(bytes: Uint8Array, from: string, multihop: boolean): void {
    this.counts.received++;
    const packet = decodePacket(bytes);
    if (typeof packet === "string") {
      this.counts.malformed++;
      return;
    }
    const peer = canonicalAddress(from);
    const { yourDiscriminator } = packet;
    const entry =
      yourDiscriminator !== 0 ? this.byDiscriminator.get(yourDiscriminator) : this.byPeer.get(peer);
    if (entry === undefined) {
      if (yourDiscriminator !== 0) this.counts.unknownDiscriminator++;
      else this.counts.unknownSource++;
      return;
    }
    const { spec } = entry.session;
    if (spec.peer !== peer || spec.multihop !== multihop) {
      this.counts.unknownSource++;
      return;
    }
    entry.session.receive(packet, bytes);
  }

  private set(spec: BfdSpec): void {
    const entry = this.byPeer.get(spec.peer);
    if (entry !== undefined) {
      if (sameSession(entry.session.spec, spec)) return this.change(entry, spec);
      this.remove(spec.peer);
    }
    if (this.leaving.has(spec.peer)) this.leaving.set(spec.peer, spec);
    else this.make(spec);
  }

  /** The peer knows us by our discriminator, so even another source does not disturb it. */
  private change(entry: Entry, spec: BfdSpec): void {
    const { session } = entry;
    if (session.spec.localAddress !== spec.localAddress) {
      entry.sender.close();
      entry.sender = this.parts.network.sender(spec, () => session.sendErrors++);
    }
    session.retime(spec);
  }

  private make(spec: BfdSpec): void {
    const { parts } = this;
    const session: BfdSession = new BfdSession(spec, this.freshDiscriminator(), {
      clock: parts.clock,
      random: parts.random,
      afterPoll: parts.afterPoll,
      send: (bytes) => fresh.sender.send(bytes),
      report: parts.report,
    });
    parts.network.listen(spec.multihop, spec.peer.includes(":"));
    const sender = parts.network.sender(spec, () => session.sendErrors++);
    const fresh: Entry = { session, sender };
    this.byPeer.set(spec.peer, fresh);
    this.byDiscriminator.set(session.localDiscriminator, fresh);
    session.start();
  }

  private remove(peer: string): void {
    if (this.leaving.has(peer)) this.leaving.set(peer, undefined);
    const entry = this.byPeer.get(peer);
    if (entry === undefined) return;
    this.byPeer.delete(peer);
    this.leaving.set(peer, undefined);
    entry.session.close(() => {
      const next = this.leaving.get(peer);
      this.leaving.delete(peer);
      entry.sender.close();
      this.byDiscriminator.delete(entry.session.localDiscriminator);
      if (next !== undefined) this.make(next);
      else if (this.byDiscriminator.size === 0) this.parts.network.deafen();
    });
  }

  /** One AdminDown each: the BGP sessions say their Cease at the same time. */
  private stop(): void {
    for (const { session } of this.byPeer.values()) session.close(() => {});
    for (const { session, sender } of this.byDiscriminator.values()) {
      session.abandon();
      sender.close();
    }
    this.byPeer.clear();
    this.byDiscriminator.clear();
    this.leaving.clear();
    this.parts.network.deafen();
    this.parts.report({ kind: "stopped" });
  }

  private freshDiscriminator(): number {
    for (;;) {
      const discriminator = this.parts.discriminator() >>> 0;
      if (discriminator !== 0 && !this.byDiscriminator.has(discriminator)) return discriminator;
    }
  }
}

/** What can change under a session: its timers and its source. */
function sameSession(before: BfdSpec, after: BfdSpec): boolean {
  return (
    before.multihop === after.multihop &&
    before.passive === after.passive &&
    JSON.stringify(before.auth) === JSON.stringify(after.auth)
  );
}
