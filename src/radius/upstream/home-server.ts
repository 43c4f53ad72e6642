/**
 * A RADIUS server, for one kind of request: its ports, its secrets, its health, its counters.
 *
 * In: checked requests. Out: octets on the wire, kept so that a repeat is the same octets; verified
 * answers. An answer counts only when identifier, source and authenticators fit and our own Proxy-State
 * comes back; anything else is counted and leaves the request pending.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { Dictionary } from "../dictionary/dictionary.js";
import { messageFits, packetFits, requestField, signMessage } from "../packet/authenticator.js";
import { Code, HEADER } from "../packet/iana.js";
import { Secret } from "../packet/md5.js";
import { checkPacket } from "../packet/packet.js";
import type { PacketFacts } from "../packet/packet.js";
import { randomOctets } from "../packet/random.js";
import { PacketWriter } from "../packet/writer.js";
import type { HomeServerSettings } from "../settings.js";
import { countLatency, homeServerCounters } from "../statistics/counters.js";
import {
  answerFromHome,
  forwardAccess,
  forwardAccounting,
  ownProxyStateIsLast,
} from "./forward.js";
import { Health } from "./health.js";
import type { UpstreamPort, UpstreamSlot } from "./port.js";
import type { PortHooks } from "./udp-port.js";
import type { Kind, Ticket, Upstream, UpstreamReply, UpstreamRequest } from "./upstream.js";

export interface HomeServerParts {
  readonly settings: HomeServerSettings;
  readonly kind: Kind;
  readonly clock: Clock;
  readonly log: Log;
  readonly dictionary: Dictionary;
  /** Four octets for ERX Radius-Client-Address; undefined where the relay has no IPv4 address. */
  relayAddress(): Uint8Array | undefined;
  /** @param settings as they are now, for ports that connect more than once */
  openPort(
    address: string,
    port: number,
    hooks: PortHooks,
    settings: () => HomeServerSettings,
  ): UpstreamPort;
  /** Over TLS a Message-Authenticator is required only with EAP. */
  readonly secure: boolean;
  onHealth(server: Upstream): void;
}

/** Ports opened at first, and the most: 16,384 requests pending at one server. */
const PORTS_FIRST = 8;
const PORTS_MAX = 64;
const FREE_LOW = 512;
/** Requests that leave by one port before the next one has its turn: they share a system call. */
const RUN = 64;
/** A TLS connection is dear: one, and more when their identifiers run low. */
const TLS_FREE_LOW = 64;
const TLS_MAX = 16;
const PROXY_STATE_OCTETS = 16;

interface Waiting extends UpstreamSlot {
  readonly secret: Secret;
  readonly proxyState: Uint8Array;
  /** Undefined for a probe. */
  readonly request: UpstreamRequest | undefined;
  readonly onReply: (reply: UpstreamReply) => void;
}

export class HomeServer implements Upstream {
  readonly kind: Kind;
  readonly counters = homeServerCounters();
  pending = 0;
  private settings: HomeServerSettings;
  private readonly health: Health;
  private readonly parts: HomeServerParts;
  private secrets: Secret[];
  private current = 0;
  private ports: UpstreamPort[] = [];
  private turn = 0;
  private run = 0;
  private closed = false;

  constructor(parts: HomeServerParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.kind = parts.kind;
    this.secrets = parts.settings.secrets.map((text) => new Secret(text));
    this.health = new Health(parts.settings, parts.clock.now());
  }

  get name(): string {
    return this.settings.name;
  }

  get state(): Upstream["state"] {
    return this.closed ? "dead" : this.health.state;
  }

  send(request: UpstreamRequest, onReply: (reply: UpstreamReply) => void): Ticket | undefined {
    const place = this.reserve();
    const { secret } = this;
    if (place === undefined || secret === undefined) return undefined;
    const { port, identifier } = place;
    const proxyState = randomOctets(PROXY_STATE_OCTETS);
    const next = { identifier, secret, proxyState };
    const packet =
      this.kind === "authentication"
        ? forwardAccess(request, next, randomOctets(16), this.parts.dictionary)
        : forwardAccounting(request, next, this.parts.relayAddress());
    if (packet === undefined) {
      port.release(identifier);
      return undefined;
    }
    this.counters.sent++;
    return this.launch(place, { packet, secret, proxyState, request, onReply });
  }

  resend(ticket: Ticket): boolean {
    const slot = ticket as Waiting;
    if (slot.port.slot(slot.identifier) !== slot) return false;
    // TCP does not lose what it was given (RFC 6613 section 2.6.1).
    if (this.parts.secure) return true;
    // Found out, or configured, meanwhile: what was signed with the other one is not listened to.
    if (!sameSecret(slot.secret, this.secret)) return false;
    slot.lastSentAt = this.parts.clock.now();
    this.counters.resent++;
    this.health.sent(slot.lastSentAt);
    slot.port.send(slot.packet);
    return true;
  }

  forget(ticket: Ticket): void {
    const slot = ticket as Waiting;
    if (slot.port.slot(slot.identifier) !== slot) return;
    slot.port.release(slot.identifier);
    this.pending--;
  }

  /** What is pending was signed with the secrets of then, and is checked with them. */
  configure(settings: HomeServerSettings): void {
    const preferred = this.settings.secrets[this.current];
    this.settings = settings;
    this.secrets = settings.secrets.map((text) => new Secret(text));
    this.current = Math.max(0, settings.secrets.indexOf(preferred ?? ""));
    this.health.configure(settings);
    for (const port of this.ports) port.reconsider?.();
  }

  tick(): void {
    const now = this.parts.clock.now();
    for (const port of this.ports) port.tick?.(now);
    const verdict = this.health.tick(now);
    if (verdict === "changed") this.sayHealth();
    if (verdict === "probe") this.probe();
  }

  onDatagram(port: UpstreamPort, bytes: Uint8Array): void {
    const { counters } = this;
    counters.received++;
    const facts = checkPacket(bytes);
    if (typeof facts === "string") {
      counters.malformed++;
      return;
    }
    const slot = port.slot(bytes[1] ?? 0) as Waiting | undefined;
    if (slot === undefined || !fitsRequest(slot.packet[0] ?? 0, bytes[0] ?? 0)) {
      counters.unmatched++;
      return;
    }
    const field = slot.packet.subarray(4, HEADER);
    const at = facts.messageAuthenticator;
    const good = packetFits(bytes, field, slot.secret);
    if (!good || (at !== 0 && !messageFits(bytes, at, field, slot.secret))) {
      counters.badAuthenticators++;
      return;
    }
    if (at === 0 && this.mustBeSigned(slot.packet[0] ?? 0, facts)) {
      counters.unsigned++;
      return;
    }
    const now = this.parts.clock.now();
    if (this.health.heard(now)) this.sayHealth();
    if (slot.request === undefined) {
      this.probed(slot);
      return;
    }
    if (bytes[0] === Code.ProtocolError) {
      // Not for the client: it hears nothing, and tries its next server (RFC 7930 section 4).
      this.forget(slot);
      counters.used++;
      const { name, kind } = this;
      this.parts.log.debug({ homeServer: name, kind }, "home server does not take such requests");
      return;
    }
    const reply = this.replyOf(slot, slot.request, bytes, facts);
    if (reply === undefined) {
      counters.unmatched++;
      return;
    }
    this.forget(slot);
    counters.used++;
    countLatency(counters, now - slot.sentAt);
    slot.onReply(reply);
  }

  close(): void {
    this.closed = true;
    for (const port of this.ports) port.close();
    this.ports = [];
  }

  /** The secret requests are sent with; the other one takes over when the server answers only to it. */
  private get secret(): Secret | undefined {
    return this.secrets[this.current] ?? this.secrets[0];
  }

  /** Undefined when it is not an answer to this request after all. */
  private replyOf(
    slot: Waiting,
    request: UpstreamRequest,
    bytes: Uint8Array,
    facts: PacketFacts,
  ): UpstreamReply | undefined {
    const said = bytes.length === facts.length ? bytes : bytes.subarray(0, facts.length);
    if (request.secret === undefined) {
      return ownProxyStateIsLast(said, facts, slot) ? { answer: undefined, said } : undefined;
    }
    const client = { packet: request.packet, facts: request.facts, secret: request.secret };
    const field = slot.packet.subarray(4, HEADER);
    const answer = answerFromHome(client, said, facts, slot, field, this.parts.dictionary);
    return answer === undefined ? undefined : { answer, said };
  }

  /** Room for one more request: its port and identifier; undefined when all are in use. */
  private reserve(): { port: UpstreamPort; identifier: number } | undefined {
    if (this.closed) return undefined;
    const { first, low, most } = this.parts.secure
      ? { first: 1, low: TLS_FREE_LOW, most: TLS_MAX }
      : { first: PORTS_FIRST, low: FREE_LOW, most: PORTS_MAX };
    if (this.ports.length === 0) for (let i = 0; i < first; i++) this.addPort();
    if (this.ports.length * 256 - this.pending < low && this.ports.length < most) this.addPort();
    for (let i = 0; i <= this.ports.length; i++) {
      const port = this.ports[this.turn];
      if (port !== undefined && port.free > 0 && this.run < RUN) {
        this.run++;
        return { port, identifier: port.take() };
      }
      this.turn = (this.turn + 1) % this.ports.length;
      this.run = 0;
    }
    return undefined;
  }

  private launch(
    { port, identifier }: { port: UpstreamPort; identifier: number },
    what: Pick<Waiting, "packet" | "secret" | "proxyState" | "request" | "onReply">,
  ): Waiting {
    const now = this.parts.clock.now();
    const slot: Waiting = { port, identifier, ...what, sentAt: now, lastSentAt: now };
    port.occupy(slot);
    this.pending++;
    this.health.sent(now);
    port.send(slot.packet);
    return slot;
  }

  private mustBeSigned(requestCode: number, facts: PacketFacts): boolean {
    if (requestCode !== Code.AccessRequest) return false;
    if (facts.eapMessage !== 0) return true;
    return !this.parts.secure && this.settings.requireMessageAuthenticator;
  }

  private addPort(): void {
    const { settings, kind } = this;
    const number =
      kind === "authentication" ? settings.authenticationPort : settings.accountingPort;
    const hooks: PortHooks = {
      onDatagram: (port, bytes) => this.onDatagram(port, bytes),
      onRefused: () => {
        // One connection that fails says nothing of a server that has another.
        if (this.ports.some(({ connected }) => connected === true)) return;
        if (this.health.refused(this.parts.clock.now())) this.sayHealth();
      },
    };
    this.ports.push(this.parts.openPort(settings.address, number, hooks, () => this.settings));
  }

  /** Status-Server; alternates between two live secrets, so that a rollover is found out. */
  private probe(): void {
    const secret = this.secrets[this.counters.probes % this.secrets.length];
    const place = secret === undefined ? undefined : this.reserve();
    if (place === undefined || secret === undefined) return;
    const packet = new PacketWriter()
      .begin(Code.StatusServer, place.identifier)
      .authenticator(randomOctets(16))
      .placeMessageAuthenticator()
      .finish();
    if (packet === undefined) return;
    signMessage(packet, HEADER, requestField(packet), secret);
    this.counters.probes++;
    const nobody = { proxyState: new Uint8Array(0), request: undefined, onReply: () => {} };
    const slot = this.launch(place, { packet, secret, ...nobody });
    this.parts.clock.setTimer(this.settings.probeIntervalMs, () => this.forget(slot));
  }

  /** The server knows this secret, whichever it was asked with. */
  private probed(slot: Waiting): void {
    this.forget(slot);
    this.counters.watchdog++;
    const index = this.secrets.indexOf(slot.secret);
    if (index >= 0) this.current = index;
  }

  private sayHealth(): void {
    const { name, kind, state } = this;
    const say = state === "alive" ? "info" : "warn";
    this.parts.log[say]({ homeServer: name, kind }, `home server is ${state}`);
    this.parts.onHealth(this);
  }
}

/** RFC 5997 section 3: a server answers Status-Server with Access-Accept or Accounting-Response. */
function fitsRequest(request: number, answer: number): boolean {
  switch (request) {
    case Code.AccessRequest:
      return (
        answer === Code.AccessAccept ||
        answer === Code.AccessReject ||
        answer === Code.AccessChallenge ||
        answer === Code.ProtocolError
      );
    case Code.AccountingRequest:
      return answer === Code.AccountingResponse || answer === Code.ProtocolError;
    case Code.StatusServer:
      return answer === Code.AccessAccept || answer === Code.AccountingResponse;
    default:
      return false;
  }
}

function sameSecret(a: Secret, b: Secret | undefined): boolean {
  return a === b || (b !== undefined && Buffer.compare(a.bytes, b.bytes) === 0);
}
