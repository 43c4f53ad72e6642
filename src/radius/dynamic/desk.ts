/**
 * Dynamic authorisation of one tenant (RFC 5176, RFC 8559): a home server's Disconnect or CoA goes to the
 * access point that has the session, and its answer back.
 *
 * The order is the defence: source, form, signature, time, repeat, session, and whether the one who asks is
 * of the pool that let the subscriber in. To anybody else the session does not exist. A session ends when
 * its access point has confirmed it, or does not know it any more.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import { writeU32 } from "../../util/bytes.js";
import type { Dictionary } from "../dictionary/dictionary.js";
import { messageFits, packetFits, ZERO_AUTHENTICATOR } from "../packet/authenticator.js";
import { Attr, Code, ErrorCause } from "../packet/iana.js";
import type { Secret } from "../packet/md5.js";
import { checkPacket, findNumber } from "../packet/packet.js";
import { randomOctets } from "../packet/random.js";
import { ownAnswer } from "../server/own-answer.js";
import type { EndReason, Session } from "../session/session.js";
import type { ClientDoor, ClientReply, ClientWay } from "./client-door.js";
import type { DynamicCounters } from "./counters.js";
import { answerBack, disconnectRequest, forwardRequest } from "./packets.js";
import type { Asked, ClientHop } from "./packets.js";
import { ReplayStore } from "./replay-store.js";
import { nameOf, ReplayWindow } from "./replay-window.js";
import { sessionFor } from "./session-match.js";
import type { SessionSource } from "./session-match.js";
import type { DynamicSettings } from "./settings.js";
import type { Disk } from "../spool/disk.js";

/** Home servers at one place: the secret tells which of them asks. */
export type Askers = readonly { readonly name: string; readonly secrets: readonly Secret[] }[];

export interface DeskParts {
  readonly tenant: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly dictionary: Dictionary;
  readonly counters: DynamicCounters;
  readonly door: ClientDoor;
  /** Where what was seen survives; undefined: nowhere. */
  readonly disk: Disk | undefined;
  readonly sessions: SessionSource & {
    /** As it is now; undefined when it is over. */
    now(session: Session): Session | undefined;
    end(session: Session, reason: EndReason): void;
    /** A CoA that its access point has confirmed. */
    reauthorised(session: Session, packet: Uint8Array): void;
  };
  settings(): DynamicSettings;
  isInPool(server: string, pool: string): boolean;
  /** How the session's access point is reached; a number: the Error-Cause why it is not. */
  wayTo(session: Session): ClientWay | number;
}

/** What became of an operator's disconnect. */
export interface Told {
  /** `none`: it takes no Disconnect-Requests. */
  readonly accessPoint: "ack" | "nak" | "silent" | "none";
  readonly errorCause: number | undefined;
}

/** A hundred octets each: a home server that changes every subscriber of a large network finds room. */
const SEEN_MAX = 524_288;
const PENDING_MAX = 4096;

export class DynamicDesk {
  private readonly parts: DeskParts;
  private readonly window: ReplayWindow;
  private readonly store: ReplayStore | undefined;
  private readonly rate: LogRate;

  constructor(parts: DeskParts, seenMax = SEEN_MAX) {
    const { clock, disk, tenant } = parts;
    this.parts = parts;
    this.window = new ReplayWindow(seenMax);
    this.store = disk === undefined ? undefined : new ReplayStore(disk, tenant);
    this.rate = new LogRate(clock);
  }

  /** What an earlier run has seen. Rejects with `StoreError`. */
  async load(): Promise<void> {
    const { clock } = this.parts;
    const wall = clock.wall();
    const all = (await this.store?.read()) ?? [];
    const good = all.filter(({ until }) => until > wall).sort((a, b) => a.until - b.until);
    for (const { name, until, source } of good) {
      this.window.adopt(name, clock.now() + until - wall, source);
    }
    this.store?.forget(all.filter(({ until }) => until <= wall).map(({ name }) => name));
  }

  /** A packet from where home servers are; `answer` is called at most once. */
  take(askers: Askers, bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    const { counters } = this.parts;
    counters.received++;
    const facts = checkPacket(bytes);
    if (typeof facts === "string") {
      counters.malformed++;
      return;
    }
    const code = bytes[0];
    if (code !== Code.DisconnectRequest && code !== Code.CoaRequest) {
      counters.unexpected++;
      return;
    }
    const packet = bytes.slice(0, facts.length);
    counters.requests++;
    if (code === Code.DisconnectRequest) counters.disconnects++;
    else counters.changes++;
    const fitting = askers.filter(({ secrets }) => secrets.some((one) => isBy(packet, facts, one)));
    const secret = fitting[0]?.secrets.find((one) => isBy(packet, facts, one));
    if (secret === undefined) {
      counters.badAuthenticators++;
      return;
    }
    this.judge(
      { packet, facts, secret },
      fitting.map(({ name }) => name),
      answer,
    );
  }

  /** Tells the access point of a session to let it go; resolves when it has answered, or will not. */
  disconnect(session: Session): Promise<Told> {
    const { door, clock } = this.parts;
    const way = this.parts.wayTo(session);
    if (typeof way === "number") {
      return Promise.resolve({ accessPoint: "none", errorCause: undefined });
    }
    return new Promise((resolve) => {
      const sent = door.send(
        way,
        (identifier) =>
          disconnectRequest(session, { identifier, secret: way.secret }, clock.wall()),
        (reply) => {
          if (reply.kind === "none") {
            resolve({ accessPoint: "silent", errorCause: undefined });
            return;
          }
          const errorCause = findNumber(reply.bytes, Attr.ErrorCause);
          const isAck = reply.bytes[0] === Code.DisconnectAck;
          const over = isAck || errorCause === ErrorCause.SessionContextNotFound;
          if (over) this.end(session, "admin");
          resolve({ accessPoint: isAck ? "ack" : "nak", errorCause });
        },
      );
      if (sent === undefined) resolve({ accessPoint: "none", errorCause: undefined });
    });
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    const over = this.window.expire(now);
    this.store?.forget(over);
  }

  private judge(
    asked: Asked,
    servers: readonly string[],
    answer: (bytes: Uint8Array) => void,
  ): void {
    const { counters, clock } = this.parts;
    const { enabled, requireEventTimestamp, windowMs } = this.parts.settings();
    const stamp = findNumber(asked.packet, Attr.EventTimestamp);
    if (stamp !== undefined && Math.abs(clock.wall() - stamp * 1000) > windowMs) {
      counters.stale++;
      this.say(servers, "Event-Timestamp is outside the window: is a clock wrong?");
      return;
    }
    const before = this.window.find(asked.packet);
    if (before !== undefined) {
      if (before.answer === undefined) counters.duplicates++;
      else {
        counters.cachedAnswers++;
        answer(before.answer);
      }
      return;
    }
    // What is stamped now may come again until its stamp is too old.
    const [now, kept] = [clock.now(), 2 * windowMs];
    // What is dropped is not remembered: it may come again.
    if (counters.pending >= PENDING_MAX) {
      counters.dropped++;
      return;
    }
    const source = servers.join(" ");
    const seen = this.window.add(asked.packet, now, now + kept, source);
    if (seen === undefined) {
      // Room comes in minutes: whoever asks should know, and ask anew.
      this.refuse(asked, servers, ErrorCause.ResourcesUnavailable, answer);
      return;
    }
    this.store?.keep({ name: nameOf(asked.packet), until: clock.wall() + kept, source });
    const reply = (bytes: Uint8Array) => {
      seen.answer = bytes;
      answer(bytes);
    };
    if (!enabled) {
      this.refuse(asked, servers, ErrorCause.AdministrativelyProhibited, reply);
      return;
    }
    if (stamp === undefined && requireEventTimestamp) {
      this.refuse(asked, servers, ErrorCause.MissingAttribute, reply);
      return;
    }
    // Those that pools of these servers let in: of others not even an Error-Cause tells.
    const isTheirs = ({ pool }: Session): boolean =>
      servers.some((name) => this.parts.isInPool(name, pool));
    const session = sessionFor(asked.packet, this.parts.sessions, isTheirs);
    if (typeof session === "number") this.refuse(asked, servers, session, reply);
    else this.forward(asked, servers, session, reply);
  }

  private forward(
    asked: Asked,
    servers: readonly string[],
    session: Session,
    reply: (bytes: Uint8Array) => void,
  ): void {
    const { counters, door, dictionary } = this.parts;
    const way = this.parts.wayTo(session);
    if (typeof way === "number") {
      this.withoutAccessPoint(asked, servers, session, way, reply);
      return;
    }
    const proxyState =
      this.parts.settings().proxyState === "forward" ? randomOctets(16) : undefined;
    const { secret } = way;
    let hop: ClientHop = { identifier: 0, secret, proxyState };
    const sent = door.send(
      way,
      (identifier) => {
        hop = { identifier, secret, proxyState };
        return forwardRequest(asked, hop, dictionary);
      },
      (got) => {
        counters.pending--;
        const back =
          got.kind === "none" || sent === undefined
            ? undefined
            : answerBack(asked, got.bytes, got.facts, hop, sent, dictionary);
        if (got.kind === "none" || back === undefined) {
          this.refuse(asked, servers, ErrorCause.OtherProxyProcessingError, reply);
        } else this.finish(asked, session, got, back, reply);
      },
    );
    if (sent === undefined) this.refuse(asked, servers, ErrorCause.ResourcesUnavailable, reply);
    else counters.pending++;
  }

  private finish(
    asked: Asked,
    session: Session,
    got: Extract<ClientReply, { kind: "answer" }>,
    back: Uint8Array,
    reply: (bytes: Uint8Array) => void,
  ): void {
    const { counters, sessions } = this.parts;
    const code = got.bytes[0];
    const isAck = code === Code.DisconnectAck || code === Code.CoaAck;
    if (isAck) counters.acks++;
    else counters.naks++;
    reply(back);
    if (asked.packet[0] === Code.CoaRequest) {
      if (isAck) sessions.reauthorised(session, asked.packet);
      return;
    }
    const cause = findNumber(got.bytes, Attr.ErrorCause);
    if (isAck || cause === ErrorCause.SessionContextNotFound) this.end(session, "disconnect");
  }

  /** Where access points take no requests, a Disconnect ends the session here, as the seed's router did. */
  private withoutAccessPoint(
    asked: Asked,
    servers: readonly string[],
    session: Session,
    cause: number,
    reply: (bytes: Uint8Array) => void,
  ): void {
    const { counters } = this.parts;
    const isDisconnect = asked.packet[0] === Code.DisconnectRequest;
    if (!isDisconnect || cause !== ErrorCause.UnsupportedExtension) {
      this.refuse(asked, servers, cause, reply);
      return;
    }
    const answer = ownAnswer(asked, Code.DisconnectAck);
    counters.acks++;
    if (answer !== undefined) reply(answer);
    this.end(session, "disconnect");
  }

  /** As it is now; a session that has begun since is another one. */
  private end(before: Session, reason: EndReason): void {
    const { sessions } = this.parts;
    const session = sessions.now(before);
    if (session !== undefined) sessions.end(session, reason);
  }

  private refuse(
    asked: Asked,
    servers: readonly string[],
    cause: number,
    reply: (bytes: Uint8Array) => void,
  ): void {
    this.parts.counters.refused++;
    this.say(servers, `Disconnect or CoA refused, Error-Cause ${cause}`);
    const code = asked.packet[0] === Code.DisconnectRequest ? Code.DisconnectNak : Code.CoaNak;
    const octets = new Uint8Array(4);
    writeU32(octets, 0, cause);
    const answer = ownAnswer(asked, code, [[Attr.ErrorCause, octets]]);
    if (answer !== undefined) reply(answer);
  }

  private say(servers: readonly string[], message: string): void {
    const homeServer = servers.join(", ");
    const suppressed = this.rate.pass(`${homeServer} ${message}`);
    if (suppressed === undefined) return;
    const { tenant, log } = this.parts;
    log.warn({ tenant, homeServer, ...LogRate.fields(suppressed) }, message);
  }
}

function isBy(packet: Uint8Array, facts: Asked["facts"], secret: Secret): boolean {
  const at = facts.messageAuthenticator;
  return (
    packetFits(packet, ZERO_AUTHENTICATOR, secret) &&
    (at === 0 || messageFits(packet, at, ZERO_AUTHENTICATOR, secret))
  );
}
