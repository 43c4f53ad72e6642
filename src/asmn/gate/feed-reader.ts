/**
 * One subscription to a Sec-EM's feed, from its Hello to its end: checks every key, heartbeat and verdict, and
 * tells what passed. A state machine without sockets: messages and times go in, messages and events come out
 * (docs/asmn-protocol.md, "Feed"). What is wrong ends it with a sentence; the caller subscribes anew.
 */
import type { Clock } from "../../util/clock.js";
import { toHex } from "../../util/bytes.js";
import { sha256 } from "../crypto/index.js";
import { checkMd5Key, HeartbeatWatch, openVerdict } from "../protocol/index.js";
import type {
  AcceptedVerdict,
  Fault,
  FeedMessage,
  KeyCertificate,
  KeyRing,
  KnownSecEm,
  Verdict,
  VerdictChecker,
} from "../protocol/index.js";
import type { GateEntry, GateEvent } from "./entry.js";

export interface FeedReaderParts {
  /** The Sec-EM's name in the settings. */
  readonly source: string;
  readonly audience: string;
  readonly ring: KeyRing;
  readonly checker: VerdictChecker;
  /** By identity: digest of the verdict accepted last. Lives as long as the checker. */
  readonly last: Map<string, string>;
  /** 32 octets, new for each subscription. */
  readonly nonce: Uint8Array;
  /** Of the TLS connection; undefined in the same process. */
  readonly transportKey: Uint8Array | undefined;
  readonly staleSeconds: number;
  /** What is known of a Sec-EM from before, by name, and what is to be known from now on. */
  readonly knownOf: (secEm: string) => KnownSecEm | undefined;
  readonly keep: (seen: KnownSecEm & { readonly secEm: string }) => void;
  readonly clock: Clock;
  readonly send: (message: FeedMessage) => void;
  readonly tell: (event: GateEvent) => void;
  /** What reads: a gate, without this. */
  readonly reader?: "gate" | "gateway";
  /** A part of a catalog, for who enforces them; `keyOf` gives the key that may sign one now. */
  readonly catalog?: (part: CatalogPart, keyOf: (id: string) => Uint8Array | undefined) => void;
  /** A key certificate that counts, with its octets. */
  readonly certified?: (certificate: KeyCertificate, octets: Uint8Array) => void;
  /** A break-glass document that the Sec-EM passes on; returns why it is refused. */
  readonly glass: (document: Uint8Array) => Fault | undefined;
  /** It is over; called once. */
  readonly end: (why: string) => void;
}

export type CatalogPart = Extract<FeedMessage, { kind: "catalog" }>;

/** Hello and the first heartbeat come within this, or it is no Sec-EM that is well. */
const FIRST_MS = 5000;
const SNAPSHOT_MS = 60_000;

export class FeedReader {
  private readonly parts: FeedReaderParts;
  private readonly begun: number;
  private secEm: string | undefined;
  private watch: HeartbeatWatch | undefined;
  private synchronized = false;
  private over = false;

  constructor(parts: FeedReaderParts) {
    this.parts = parts;
    this.begun = parts.clock.now();
  }

  take(message: FeedMessage): void {
    if (this.over) return;
    if (message.kind === "refused") {
      return this.stop(`the Sec-EM refuses us: ${message.reason}, ${message.sentence}`);
    }
    if (message.kind === "hello") return this.hello(message);
    const { watch, secEm } = this;
    if (watch === undefined || secEm === undefined) {
      return this.stop(`it said ${message.kind} before its hello`);
    }
    switch (message.kind) {
      case "heartbeat":
        return this.heartbeat(watch, message.document);
      case "item":
        return this.item(watch, secEm, message);
      case "gone":
        this.parts.checker.forget(message.id);
        this.parts.tell({ kind: "gone", source: this.parts.source, id: toHex(message.id) });
        return;
      case "marker":
        watch.revocationShown(message.revocation);
        // The end of a snapshot that lacks one makes up for nothing.
        if (watch.missing) return this.lookForMissing(watch);
        this.synchronized = true;
        this.parts.tell({ kind: "sync", source: this.parts.source });
        return;
      case "keys":
        this.keys(message.certificates);
        return;
      case "glass":
        this.glass(message.document);
        return;
      case "glass-end":
        this.parts.tell({ kind: "glass-ended", key: `${secEm} ${message.serial}` });
        return;
      case "catalog":
        // Catalogs are the gateways'.
        this.parts.catalog?.(message, (id) => this.catalogKey(secEm, id));
        return;
      case "subscribe":
      case "applied":
        return this.stop(`${message.kind} is a reader's word, not a Sec-EM's`);
    }
  }

  /** The revocation is in force here. */
  applied(revocation: number): void {
    if (!this.over && this.watch !== undefined) this.parts.send({ kind: "applied", revocation });
  }

  /** Now and then: ends a subscription on which nothing lives. */
  tick(): void {
    if (this.over) return;
    const now = this.parts.clock.now();
    const { watch } = this;
    if (watch === undefined) {
      if (now - this.begun >= FIRST_MS) this.stop("it said nothing within 5 s");
    } else if (now >= watch.staleAt()) this.stop("its heartbeats have stopped, or are late");
    else if (!this.synchronized && now - this.begun >= SNAPSHOT_MS) {
      this.stop("its snapshot has no end");
    }
  }

  private hello(message: Extract<FeedMessage, { kind: "hello" }>): void {
    const { transportKey, ring, audience, nonce, staleSeconds, source, clock } = this.parts;
    if (this.secEm !== undefined) return this.stop("it said hello twice");
    const { secEm } = message;
    this.keys(message.certificates);
    if (transportKey !== undefined) {
      const found = ring.find("transport", secEm, transportKey);
      if (!found.ok) {
        const skew = Math.round((message.time - clock.wall()) / 1000);
        const clocks = Math.abs(skew) > 300 ? `; its clock is ${skew} s ahead of ours` : "";
        return this.stop(`${found.sentence}${clocks}`);
      }
    }
    this.secEm = secEm;
    const known = this.parts.knownOf(secEm);
    const askedAt = clock.now();
    this.watch = new HeartbeatWatch({ secEm, audience, nonce, askedAt, known, staleSeconds }, ring);
    this.parts.tell({ kind: "begin", source });
    this.parts.send({ kind: "subscribe", audience, reader: this.parts.reader ?? "gate", nonce });
  }

  private catalogKey(secEm: string, id: string): Uint8Array | undefined {
    const found = this.parts.ring.findById("catalog", secEm, Buffer.from(id, "hex"));
    return found.ok ? found.value.publicKey : undefined;
  }

  private keys(certificates: readonly Uint8Array[]): void {
    for (const certificate of certificates) {
      const taken = this.parts.ring.take(certificate);
      if (!taken.ok) this.refused(taken);
      else this.parts.certified?.(taken.value, certificate);
    }
  }

  private heartbeat(watch: HeartbeatWatch, document: Uint8Array): void {
    const { clock, source, tell } = this.parts;
    const accepted = watch.accept(document, clock.now());
    if (!accepted.ok) {
      this.refused(accepted);
      return this.stop(accepted.sentence);
    }
    this.parts.keep(accepted.value);
    tell({ kind: "alive", source, lagMs: watch.lagMs() });
    if (this.synchronized) this.lookForMissing(watch);
  }

  private lookForMissing(watch: HeartbeatWatch): void {
    if (!watch.missing) return;
    const why = "it knows of a revocation that it did not tell us";
    this.parts.tell({ kind: "suspect", source: this.parts.source, why });
    this.stop(why);
  }

  private item(
    watch: HeartbeatWatch,
    secEm: string,
    message: Extract<FeedMessage, { kind: "item" }>,
  ): void {
    const { checker, clock, source, tell } = this.parts;
    const time = watch.secEmTime(clock.now());
    const accepted = checker.accept(message.verdict, secEm, time);
    const found = accepted.ok
      ? accepted.value
      : accepted.reason === "serial"
        ? this.standing(message.verdict, time)
        : undefined;
    if (found === undefined) {
      if (!accepted.ok) this.refused(accepted);
      return;
    }
    const { verdict, remainingMs } = found;
    this.parts.last.set(toHex(verdict.id), digestOf(message.verdict));
    const key = checkMd5Key(verdict, message.md5Key);
    if (!key.ok) this.refused(key);
    watch.revocationShown(message.revocation);
    const md5Key = key.ok ? key.value : undefined;
    const entry = entryOf(verdict, remainingMs, md5Key, message.revocation);
    tell({ kind: "entries", source, entries: [entry] });
  }

  /**
   * A new subscription tells what stands: the octets accepted last, once more, are no fault. Undefined for
   * others. The checker has found nothing wrong with them but their serial.
   */
  private standing(octets: Uint8Array, time: number | undefined): AcceptedVerdict | undefined {
    const opened = openVerdict(octets);
    if (!opened.ok || time === undefined) return undefined;
    const { value: verdict } = opened.value;
    if (this.parts.last.get(toHex(verdict.id)) !== digestOf(octets)) return undefined;
    const remainingMs = verdict.lifetimeSeconds * 1000 - Math.max(0, time - verdict.issued);
    return remainingMs > 0 ? { verdict, remainingMs } : undefined;
  }

  private glass(document: Uint8Array): void {
    const fault = this.parts.glass(document);
    // Each snapshot has those again that are in force.
    if (fault !== undefined && fault.reason !== "serial") this.refused(fault);
  }

  private refused({ reason, sentence }: Fault): void {
    this.parts.tell({ kind: "refused", source: this.parts.source, reason, sentence });
  }

  private stop(why: string): void {
    if (this.over) return;
    this.over = true;
    this.parts.end(why);
  }
}

function entryOf(
  verdict: Verdict,
  remainingMs: number,
  md5Key: Uint8Array | undefined,
  revocation: number,
): GateEntry {
  const { tenant, vnf, instance, state, reason, sentence, binding, epoch, serial, root } = verdict;
  return {
    ...{ tenant, vnf, instance, state, reason, sentence, binding, epoch, serial, root },
    id: toHex(verdict.id),
    instanceKey: toHex(verdict.instanceKey),
    addresses: verdict.addresses,
    as: verdict.as,
    routerId: verdict.routerId === undefined ? undefined : dotted(verdict.routerId),
    md5Key: md5Key && Buffer.from(md5Key).toString("latin1"),
    remainingMs,
    limits: {
      sessions: verdict.maxSessions ?? 0,
      updatesPerSecond: verdict.maxUpdatesPerSecond ?? 0,
      prefixes: verdict.maxPrefixes ?? 0,
    },
    revocation,
    catalogVersion: verdict.catalogVersion,
  };
}

function digestOf(octets: Uint8Array): string {
  return toHex(sha256(octets));
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}
