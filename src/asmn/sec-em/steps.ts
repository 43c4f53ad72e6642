/**
 * The protocol's steps, and what becomes of them: the ports that `SecEmLink` asks for, and the events that
 * it brings forth. A step's record is one write; trust that begins is in that write, and is told to the
 * feed when it is on the disk.
 */
import { equalSecrets } from "../crypto/index.js";
import { fromHex, toHex } from "../../util/bytes.js";
import {
  stopChain,
  type Ask,
  type Answer,
  type Begin,
  type ChainRecord,
  type EvidenceFacts,
  type Judgement,
  type LinkEvent,
  type Reason,
  type SecEmPorts,
  type Subject,
  type TrustState,
} from "../protocol/index.js";
import type { Core } from "./core.js";
import { catalogParts } from "./catalogs.js";
import type { InstanceRecord } from "./instance-book.js";
import { judge } from "./judge.js";
import { instanceText } from "./names.js";

/** Evidence that was accepted and is not confirmed yet. */
interface Judged {
  readonly facts: EvidenceFacts;
  readonly judgement: Judgement;
}

/** Who waits for what an instance does next. */
export interface StepListener {
  /** A proof held, or did not: either way it has spoken. */
  stepped(identity: string): void;
}

/** Wrong in a way that somebody who guesses is wrong. */
const GUESSES: ReadonlySet<Reason> = new Set<Reason>([
  ...(["unknown", "wrong-key", "signature", "token-expired", "malformed"] as const),
]);

export class Steps {
  private readonly core: Core;
  private readonly listener: StepListener;
  private readonly judged = new Map<string, Judged>();
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(core: Core, listener: StepListener) {
    this.core = core;
    this.listener = listener;
    core.listen((identity) => {
      if (core.book.get(identity) === undefined) this.judged.delete(identity);
    });
  }

  /** @param peerKey of the TLS connection; `ask` answers what the agent asks of others */
  ports(peerKey: Uint8Array, ask: (ask: Ask, asker: EvidenceFacts) => Promise<Answer>): SecEmPorts {
    const { clock, random } = this.core;
    return {
      random,
      now: () => clock.now(),
      time: () => Math.trunc(this.core.time()),
      find: (begin) => Promise.resolve(this.find(begin, peerKey)),
      exclusively: (id, run) => this.exclusively(toHex(id), run),
      store: (id, chain) => this.store(toHex(id), chain),
      judge: (facts) => Promise.resolve(this.judge(facts)),
      ask,
    };
  }

  /** @returns what failed so that the address pays for it */
  async apply(event: LinkEvent, address: string): Promise<"guess" | undefined> {
    switch (event.kind) {
      case "trusted":
        await this.trusted(event);
        return undefined;
      case "untrusted":
        this.untrusted(toHex(event.id), event.fault);
        return undefined;
      case "stopped":
        await this.stopped(event);
        return undefined;
      case "refused":
        return this.refused(event, address);
    }
  }

  private find(begin: Begin, peerKey: Uint8Array): Subject | undefined {
    const { book, tombstones, catalogs, epoch } = this.core;
    const token =
      begin.tokenId === undefined ? undefined : this.core.tokens.find(toHex(begin.tokenId));
    if (begin.purpose === "enrol" && token === undefined) return undefined;
    const record = token === undefined ? this.renewing(begin, peerKey) : book.get(token.identity);
    if (record === undefined || instanceText(record) !== instanceText(begin)) return undefined;
    const catalog = catalogs.get(record.tenant);
    return {
      id: octetsOf(record.identity),
      idNonce: octetsOf(record.nonce),
      chain: record.chain,
      // Who waits to begin anew is as revoked as the one whose name it has.
      revoked:
        (record.revoked ?? book.named(record)?.revoked ?? tombstones.find(record)) !== undefined ||
        (token !== undefined && this.isRevokedKey(peerKey)),
      token: token && {
        publicKey: octetsOf(token.tokenKey),
        boundKey: token.publicKey === undefined ? undefined : octetsOf(token.publicKey),
        image: octetsOf(token.image),
        expired: this.core.tokens.expired(token),
      },
      catalogVersion: catalog?.version ?? 0,
      catalogDigest: octetsOf(catalog?.digest ?? "00".repeat(32)),
      catalog: catalog === undefined ? [] : catalogParts(catalog),
      epoch,
    };
  }

  /** Of an instance that was revoked, be it there or removed: no other name helps it. */
  private isRevokedKey(key: Uint8Array): boolean {
    const { book, tombstones } = this.core;
    return tombstones.hasKey(toHex(key)) || book.isRevokedKey(toHex(key));
  }

  /**
   * By its name; or, where the confirmation of a new enrolment was lost, the identity that waits for that
   * name with this key.
   */
  private renewing(begin: Begin, peerKey: Uint8Array): InstanceRecord | undefined {
    const waiting = this.core.book
      .waitingFor(begin)
      .find(
        ({ chain: { instanceKey, pending } }) =>
          pending !== undefined && instanceKey !== undefined && equalSecrets(instanceKey, peerKey),
      );
    return waiting ?? this.core.book.named(begin);
  }

  private exclusively<T>(identity: string, run: () => Promise<T>): Promise<T> {
    const before = this.turns.get(identity) ?? Promise.resolve();
    const turn = before.then(run, run);
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (this.turns.get(identity) === settled) this.turns.delete(identity);
      });
    this.turns.set(identity, settled);
    return turn;
  }

  private judge(facts: EvidenceFacts): Judgement {
    const identity = toHex(facts.id);
    const record = this.core.book.get(identity);
    if (record === undefined) throw new Error("evidence of an instance that is gone");
    const judgement = judge(this.core, record, facts);
    this.judged.set(identity, { facts, judgement });
    return judgement;
  }

  private async store(identity: string, chain: ChainRecord): Promise<void> {
    const { book, links, counters } = this.core;
    const record = book.get(identity);
    if (record === undefined) throw new Error("the instance was removed");
    const next = this.moved(record, chain);
    if (isMereConfirm(record, next)) {
      book.defer(next);
      return;
    }
    const former = record.enrolling && !next.enrolling ? book.named(record) : undefined;
    try {
      await book.write(next);
    } catch (error) {
      counters.storageFaults++;
      if (next.state !== "trusted" && chain.stopped === undefined) this.lower(identity, next);
      throw error;
    }
    if (
      record.chain.pending !== undefined &&
      chain.confirmed?.counter === record.chain.pending.counter
    ) {
      if (chain.pending !== undefined) counters.renewalsResumed++;
    }
    if (former === undefined || former.identity === identity) return;
    this.core.gone(former);
    const sentence = "another instance was enrolled with this name";
    links.notice(former.identity, { state: "untrusted", reason: "replaced", sentence }, true);
  }

  /** A step that cannot be stored is not taken; that its evidence was wrong is in force all the same. */
  private lower(identity: string, { state, reason, sentence, since, revocation }: InstanceRecord) {
    const { book, auditor } = this.core;
    const record = book.get(identity);
    if (record?.state !== "trusted") return;
    const lowered = { ...record, state, reason, sentence, since, revocation };
    void book.force(lowered);
    this.core.publish(lowered, revocation);
    const name = instanceText(record);
    auditor.after(`instance:${name}`, "untrusted", name, `${reason}: ${sentence}`);
  }

  /** The record with its new chain, and the trust that goes with it. */
  private moved(record: InstanceRecord, chain: ChainRecord): InstanceRecord {
    const { clock, revocations } = this.core;
    const next = { ...record, chain };
    if (chain.stopped !== undefined) {
      return record.chain.stopped === undefined ? this.lost(next, chain.stopped, STOPPED) : next;
    }
    const judged = this.judged.get(record.identity);
    if (judged === undefined) return next;
    const { facts, judgement } = judged;
    const measured = {
      ...{ image: toHex(facts.image), manifest: toHex(facts.manifest), root: facts.root },
      ...{ catalogVersion: facts.catalogVersion, catalogDigest: toHex(facts.catalogDigest) },
    };
    if (chain.highest > record.chain.highest) {
      if (judgement.reason === "none") return next;
      return this.lost({ ...next, ...measured }, judgement.reason, judgement.sentence);
    }
    const confirms = record.chain.pending !== undefined && chain.pending === undefined;
    if (!confirms) return next;
    if (judgement.reason !== "none") return { ...next, enrolling: false };
    const isNew = record.state !== "trusted";
    // A restoration is told as a revocation is: who missed it asks anew.
    return {
      ...{ ...next, ...measured, enrolling: false, attestedAt: clock.wall() },
      ...standing("trusted", "none", judgement.sentence, isNew ? clock.wall() : record.since),
      revocation: isNew ? revocations.next() : record.revocation,
    };
  }

  private lost(record: InstanceRecord, reason: Reason, sentence: string): InstanceRecord {
    const { clock, revocations } = this.core;
    const same = record.state === "untrusted" && record.reason === reason;
    return {
      ...record,
      ...standing("untrusted", reason, sentence, same ? record.since : clock.wall()),
      revocation: same ? record.revocation : revocations.next(),
    };
  }

  private async trusted({
    id,
    facts,
    counter,
    judgement,
  }: LinkEvent & { kind: "trusted" }): Promise<void> {
    const { book, counters, desk, auditor, clock } = this.core;
    const identity = toHex(id);
    let record = book.get(identity);
    // Evidence that came behind it has had its own judgement.
    if (record === undefined || counter < record.chain.highest) return;
    // Taken away since: what an operator or a stop has decided is not for a step to change.
    if (record.revoked !== undefined || record.chain.stopped !== undefined) return;
    if (record.state !== "trusted") {
      const state = standing("trusted", "none", judgement.sentence, clock.wall());
      record = { ...record, ...state, attestedAt: clock.wall() };
      await book.write(record);
    }
    this.judged.delete(identity);
    const stale = desk.standing(record).state !== "trusted";
    desk.proven(identity);
    if (facts.begin.purpose === "enrol") counters.enrolments++;
    else counters.renewals++;
    const isNew = this.core.told(record) !== "trusted" || stale;
    this.core.publish(record, isNew ? record.revocation : 0);
    if (isNew) {
      const how = facts.begin.purpose === "enrol" ? "enrolled" : "proved itself";
      auditor.after(`instance:${instanceText(record)}`, "trusted", instanceText(record), how);
    }
    this.listener.stepped(identity);
  }

  private untrusted(
    identity: string,
    { reason, sentence }: { reason: Reason; sentence: string },
  ): void {
    const { book, auditor, log, counters } = this.core;
    const record = book.get(identity);
    if (record === undefined) return;
    counters.renewalsRefused++;
    const name = instanceText(record);
    if (this.core.told(record) !== `untrusted ${reason}`) {
      auditor.after(`instance:${name}`, "untrusted", name, `${reason}: ${sentence}`);
      log.warn({ instance: name, reason }, `a VNF is not trusted: ${sentence}`);
    }
    this.core.publish(record, record.revocation);
    this.listener.stepped(identity);
  }

  private async stopped({
    id,
    stop,
    sentence,
    stored,
  }: LinkEvent & { kind: "stopped" }): Promise<void> {
    const { book, auditor, log, counters, links } = this.core;
    const identity = toHex(id);
    const known = book.get(identity);
    if (known === undefined) return;
    const record = this.lost({ ...known, chain: stopChain(known.chain, stop) }, stop, sentence);
    // The reason for people; and in force whether the disk took it or not.
    if (!stored || known.sentence !== sentence) await book.force(record);
    if (stop === "out-of-sync") counters.chainsStale++;
    else counters.clones++;
    const name = instanceText(record);
    auditor.after(`instance:${name}`, "stopped", name, `${stop}: ${sentence}`);
    log.error({ instance: name, reason: stop }, `a VNF was stopped: ${sentence}`);
    this.core.publish(record, record.revocation);
    links.notice(identity, { state: "untrusted", reason: stop, sentence }, true);
    this.listener.stepped(identity);
  }

  private refused(event: LinkEvent & { kind: "refused" }, address: string): "guess" | undefined {
    const { auditor, counters, log, book } = this.core;
    const { reason, sentence } = event.fault;
    const record = event.id === undefined ? undefined : book.get(toHex(event.id));
    const subject = record === undefined ? "" : instanceText(record);
    if (record === undefined || record.chain.confirmed === undefined) counters.enrolmentsRefused++;
    else counters.renewalsRefused++;
    if (event.alarm)
      log.warn({ address, instance: subject, reason }, `somebody was refused: ${sentence}`);
    auditor.stranger(address, "refused", subject, `${reason}: ${sentence}`);
    if (record !== undefined) this.listener.stepped(record.identity);
    return GUESSES.has(reason) ? "guess" : undefined;
  }
}

/**
 * A renewal's Confirm that says nothing new: one that is lost leaves the chain in step, and the proof that
 * it is counts all the same until the next one.
 */
function isMereConfirm(record: InstanceRecord, next: InstanceRecord): boolean {
  return (
    record.state === "trusted" &&
    next.state === "trusted" &&
    !record.enrolling &&
    record.chain.confirmed !== undefined &&
    record.chain.pending !== undefined &&
    next.chain.pending === undefined &&
    MEASURED.every((name) => record[name] === next[name])
  );
}

const MEASURED = ["image", "manifest", "root", "catalogDigest"] as const;

const STOPPED = "two were seen with this identity: an operator decides";

function standing(state: TrustState, reason: Reason, sentence: string, since: number) {
  return { state, reason, sentence, since };
}

function octetsOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}
