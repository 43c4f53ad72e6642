/**
 * What VNFs ask of others (ASM-16): the answer is a verdict for the asker, and comes again with every change
 * while the connection of the asker lasts. Only of its own tenant, and only to who has proved itself (ASM-02).
 */
import { toHex } from "../../util/bytes.js";
import {
  agentAudience,
  signHeartbeat,
  type Answer,
  type Ask,
  type EvidenceFacts,
  type Heartbeat,
  type Reason,
} from "../protocol/index.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";
import type { Proofs } from "./proofs.js";

/** Others that one connection is told of. */
const MOST_ASKED = 64;
/** How long the other may take to prove itself anew. */
const FRESH_MS = 10_000;
/** A proof that is younger is fresh enough for anybody: who asks must not keep another one busy with proving itself. */
const LEAST_AGE_MS = 5000;

/** What one connection asked, and the heartbeats that its answers are measured against. */
export interface Asker {
  readonly send: (message: Answer | Heartbeat) => void;
  /** TLS exporter: the nonce of its heartbeats. */
  readonly nonce: Uint8Array;
  /** The last request about each other instance, by identity: who asks again is told once. */
  readonly asked: Map<string, number>;
  audience: string;
  beats: number;
}

export class Asks {
  private readonly core: Core;
  private readonly proofs: Proofs;
  private readonly byTarget = new Map<string, Set<Asker>>();
  private readonly askers = new Set<Asker>();

  constructor(core: Core, proofs: Proofs) {
    this.core = core;
    this.proofs = proofs;
    core.listen((identity) => this.changed(identity));
  }

  async answer(ask: Ask, facts: EvidenceFacts, asker: Asker): Promise<Answer> {
    const own = this.core.book.get(toHex(facts.id));
    if (own === undefined || this.core.desk.standing(own).state !== "trusted") {
      return this.nothing(
        ask.request,
        "order",
        "prove yourself first: who is not trusted asks nothing",
      );
    }
    const target = this.targetOf(ask, own.tenant);
    if (target === undefined) {
      return this.nothing(ask.request, "unknown", "there is no such instance in your tenant");
    }
    const { identity } = target;
    if (!asker.asked.has(identity) && asker.asked.size >= MOST_ASKED) {
      return this.nothing(ask.request, "limit", `at most ${MOST_ASKED} others are told of`);
    }
    asker.audience = agentAudience(facts.id);
    asker.asked.set(identity, ask.request);
    this.askers.add(asker);
    if (asker.beats === 0) this.beatOne(asker);
    const known = this.byTarget.get(identity);
    if (known === undefined) this.byTarget.set(identity, new Set([asker]));
    else known.add(asker);
    await this.freshen(identity, ask.maxAgeSeconds);
    return this.answerTo(ask.request, identity, asker.audience);
  }

  /** Every few seconds, to all that have asked. */
  beat(): void {
    for (const asker of this.askers) this.beatOne(asker);
  }

  leave(asker: Asker): void {
    this.askers.delete(asker);
    for (const identity of [...asker.asked.keys()]) this.forget(asker, identity);
  }

  private forget(asker: Asker, identity: string): void {
    asker.asked.delete(identity);
    const known = this.byTarget.get(identity);
    known?.delete(asker);
    if (known?.size === 0) this.byTarget.delete(identity);
  }

  private changed(identity: string): void {
    const isGone = this.core.book.get(identity) === undefined;
    for (const asker of [...(this.byTarget.get(identity) ?? [])]) {
      const request = asker.asked.get(identity);
      if (request !== undefined) asker.send(this.answerTo(request, identity, asker.audience));
      if (isGone) this.forget(asker, identity);
    }
  }

  private beatOne(asker: Asker): void {
    const { keys, settings, revocations, epoch } = this.core;
    const { audience, nonce } = asker;
    const document = signHeartbeat(
      {
        ...{ secEm: settings.name, audience, nonce, epoch, sequence: ++asker.beats },
        time: Math.trunc(this.core.time()),
        revocation: revocations.current,
        intervalSeconds: settings.heartbeatSeconds,
      },
      keys.current("verdict"),
    );
    asker.send({ kind: "heartbeat", document });
  }

  private async freshen(identity: string, maxAgeSeconds: number): Promise<void> {
    if (maxAgeSeconds === 0) return;
    const age = this.core.desk.age(identity);
    if (age !== undefined && age <= Math.max(LEAST_AGE_MS, maxAgeSeconds * 1000)) return;
    if (!this.core.links.prompt(identity, "another VNF asks for a fresh proof")) return;
    await this.proofs.wait(identity, FRESH_MS);
  }

  private targetOf({ id, vnf, instance }: Ask, tenant: string): InstanceRecord | undefined {
    const { book } = this.core;
    const record =
      id !== undefined
        ? book.get(toHex(id))
        : vnf !== undefined && instance !== undefined
          ? book.named({ tenant, vnf, instance })
          : undefined;
    return record?.tenant === tenant && !record.enrolling ? record : undefined;
  }

  private answerTo(request: number, identity: string, audience: string): Answer {
    const { book, desk } = this.core;
    const record = book.get(identity);
    if (record === undefined) return this.nothing(request, "removed", "the instance was removed");
    const { state, reason, sentence } = desk.standing(record);
    const verdict = desk.verdict(record, audience, true);
    const time = Math.trunc(this.core.time());
    return { kind: "answer", request, time, state, reason, sentence, verdict };
  }

  private nothing(request: number, reason: Reason, sentence: string): Answer {
    const time = Math.trunc(this.core.time());
    return {
      kind: "answer",
      request,
      time,
      state: "unknown",
      reason,
      sentence,
      verdict: undefined,
    };
  }
}

export function newAsker(send: Asker["send"], nonce: Uint8Array): Asker {
  return { send, nonce, asked: new Map(), audience: "", beats: 0 };
}
