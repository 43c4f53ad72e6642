/**
 * Questions to the Sec-EM about other instances of the tenant (ASM-16): each answer is a verdict for this agent,
 * verified offline like any other, its age by the Sec-EM's own heartbeats, which bear this connection's exporter.
 * What is watched is told as soon as it is no longer trusted: by a new verdict, by expiry, by silence.
 */
import { toHex } from "../../util/bytes.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Answer, Ask, Heartbeat } from "../protocol/agent-messages.js";
import { HeartbeatWatch } from "../protocol/heartbeat.js";
import type { KeyRing } from "../protocol/key-certificate.js";
import { agentAudience } from "../protocol/verdict.js";
import type { Verdict } from "../protocol/verdict.js";
import { VerdictChecker } from "../protocol/verdict-check.js";

export interface PeerQuery {
  /** Names, or an ID. */
  readonly vnf?: string;
  readonly instance?: string;
  readonly id?: Uint8Array;
}

export interface PeerVerdict {
  readonly trusted: boolean;
  /** A sentence. */
  readonly why: string;
  /** Undefined where nothing is known of it. */
  readonly verdict: Verdict | undefined;
}

export interface InquiryParts {
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly exporter: Uint8Array;
  readonly send: (ask: Ask) => void;
  /** A heartbeat was refused: none after it counts on this connection, so that another one is needed. */
  readonly broken: (why: string) => void;
}

const ANSWER_MS = 5000;
const LOOK_MS = 1000;
const MOST_ASKED = 64;

interface Open {
  readonly resolve: (verdict: PeerVerdict | undefined) => void;
  readonly timer: TimerHandle;
}

interface Known {
  /** The last one about it: pushed answers bear its number. */
  readonly request: number;
  readonly verdict: Verdict;
  readonly until: number;
}

export class Inquiry {
  /** From Hello, and from Result. */
  secEm = "";
  own: Uint8Array | undefined;
  /** A step was confirmed on this connection: the Sec-EM answers. */
  ready = false;
  private readonly parts: InquiryParts;
  private readonly open = new Map<number, Open>();
  private readonly waiting: { answer: Answer; open: Open }[] = [];
  private readonly known = new Map<string, Known>();
  private readonly watchers = new Map<string, Set<(why: string) => void>>();
  private checker: VerdictChecker | undefined;
  private heartbeats: HeartbeatWatch | undefined;
  private request = 0;
  private look: TimerHandle | undefined;
  private closed = false;

  constructor(parts: InquiryParts) {
    this.parts = parts;
  }

  ask(query: PeerQuery): Promise<PeerVerdict | undefined> {
    const { clock, send } = this.parts;
    if (!this.ready || this.closed || this.open.size >= MOST_ASKED)
      return Promise.resolve(undefined);
    this.begin();
    const request = ++this.request;
    return new Promise((resolve) => {
      const timer = clock.setTimer(ANSWER_MS, () => {
        this.open.delete(request);
        resolve(undefined);
      });
      this.open.set(request, { resolve, timer });
      const { vnf, instance, id } = query;
      send({ kind: "ask", request, vnf, instance, id, maxAgeSeconds: 0 });
    });
  }

  /** @returns ends the watching */
  watch(id: Uint8Array, lost: (why: string) => void): () => void {
    const key = toHex(id);
    const all = this.watchers.get(key) ?? new Set();
    all.add(lost);
    this.watchers.set(key, all);
    return () => {
      all.delete(lost);
      if (all.size === 0 && this.watchers.get(key) === all) this.watchers.delete(key);
    };
  }

  take(message: Answer | Heartbeat): void {
    if (message.kind === "heartbeat") {
      const accepted = this.heartbeats?.accept(message.document, this.parts.clock.now());
      if (accepted?.ok === false) this.parts.broken(accepted.sentence);
      for (const { answer, open } of this.waiting.splice(0)) this.settle(answer, open);
      return;
    }
    const open = this.open.get(message.request);
    this.open.delete(message.request);
    // The first answers come before the first heartbeat has told the Sec-EM's time.
    if (open !== undefined && this.time() === undefined && message.verdict !== undefined) {
      this.waiting.push({ answer: message, open });
      return;
    }
    this.settle(message, open);
  }

  close(): void {
    this.closed = true;
    this.look?.cancel();
    for (const { resolve, timer } of [
      ...this.open.values(),
      ...this.waiting.map(({ open }) => open),
    ]) {
      timer.cancel();
      resolve(undefined);
    }
    this.open.clear();
    this.waiting.length = 0;
    for (const key of [...this.watchers.keys()]) this.lose(key, "the Sec-EM cannot be reached");
  }

  private begin(): void {
    if (this.heartbeats !== undefined || this.own === undefined) return;
    const { ring, exporter, clock } = this.parts;
    const audience = agentAudience(this.own);
    const source = { secEm: this.secEm, audience, nonce: exporter, askedAt: clock.now() };
    this.heartbeats = new HeartbeatWatch(source, ring);
    this.checker = new VerdictChecker(audience, ring);
    this.lookAgain();
  }

  /** Expiry and silence are found by looking. */
  private lookAgain(): void {
    const { clock } = this.parts;
    this.look = clock.setTimer(LOOK_MS, () => {
      const now = clock.now();
      const silent = this.heartbeats?.isStale(now) === true;
      for (const [key, { until }] of this.known) {
        if (silent) this.lose(key, "the Sec-EM is silent");
        else if (now >= until) this.lose(key, "its verdict has expired");
      }
      this.lookAgain();
    });
  }

  private settle(answer: Answer, open: Open | undefined): void {
    const result = this.judge(answer);
    open?.timer.cancel();
    open?.resolve(result);
  }

  private judge({ request, verdict: octets, state, sentence }: Answer): PeerVerdict {
    if (octets === undefined || this.checker === undefined) {
      // Nothing is known of it any more: it was removed, or another has its name.
      for (const [key, known] of this.known)
        if (known.request === request) this.lose(key, sentence);
      return { trusted: false, why: sentence === "" ? state : sentence, verdict: undefined };
    }
    const accepted = this.checker.accept(octets, this.secEm, this.time());
    if (!accepted.ok) {
      return { trusted: false, why: accepted.sentence, verdict: undefined };
    }
    const { verdict, remainingMs } = accepted.value;
    const key = toHex(verdict.id);
    if (verdict.state === "trusted") {
      this.known.set(key, { request, verdict, until: this.parts.clock.now() + remainingMs });
      return { trusted: true, why: "", verdict };
    }
    this.lose(key, `${verdict.state} (${verdict.reason}): ${verdict.sentence}`);
    return { trusted: false, why: verdict.sentence || verdict.reason, verdict };
  }

  private lose(key: string, why: string): void {
    this.known.delete(key);
    const watchers = this.watchers.get(key);
    this.watchers.delete(key);
    for (const lost of watchers ?? []) lost(why);
  }

  private time(): number | undefined {
    return this.heartbeats?.secEmTime(this.parts.clock.now());
  }
}
