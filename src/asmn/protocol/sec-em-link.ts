/**
 * The Sec-EM's side of an agent's connection: one message in, messages and events out. It checks in the
 * order of docs/asmn-protocol.md, stores before it answers, and trusts only after Confirm. The caller hands
 * over messages one at a time, sends what comes out in order, and closes when told.
 */
import type { KeyObject } from "node:crypto";
import {
  agree,
  equalSecrets,
  makeEphemeral,
  publicKeyObject,
  sha256,
  verifyLabelled,
  verifyLabelledWith,
} from "../crypto/index.js";
import type { Ephemeral, Suite } from "../crypto/index.js";
import { signLabelled } from "../crypto/index.js";
import type {
  AgentMessage,
  Ask,
  Begin,
  Challenge,
  Confirm,
  Evidence,
  Hello,
} from "./agent-messages.js";
import { acceptLink, confirmLink, linkOf, stopChain } from "./chain.js";
import type { ChainLink, ChainRecord, Stop } from "./chain.js";
import { encodeTranscript, rootChallenge } from "./evidence.js";
import {
  agentConfirmation,
  nextState,
  resultBody,
  sealMd5Key,
  secEmConfirmation,
} from "./ratchet.js";
import { encodeResultFields } from "./result-fields.js";
import type {
  ConnectionFacts,
  EvidenceFacts,
  Judgement,
  LinkEvent,
  LinkOutput,
  SecEmIdentity,
  SecEmPorts,
  Subject,
} from "./sec-em-ports.js";
import { fail } from "./words.js";
import type { Fault, Reason } from "./words.js";

const WINDOW_SECONDS = 60;
const ALARMS: ReadonlySet<Reason> = new Set<Reason>(["wrong-key", "signature", "two-keys"]);

interface Challenged {
  readonly begin: Begin;
  readonly challenge: Challenge;
  readonly ephemeral: Ephemeral;
  readonly until: number;
}

interface Proved {
  readonly link: ChainLink;
  readonly id: Uint8Array;
  readonly begin: Begin;
  readonly facts: EvidenceFacts;
  readonly judgement: Judgement;
}

export class SecEmLink {
  private readonly ports: SecEmPorts;
  private readonly own: SecEmIdentity;
  private readonly connection: ConnectionFacts;
  private challenged: Challenged | undefined;
  private proved: Proved | undefined;
  private confirmed: EvidenceFacts | undefined;
  private closed = false;
  /** The peer's key, made when it is first needed. */
  private verifier: KeyObject | undefined;

  constructor(ports: SecEmPorts, own: SecEmIdentity, connection: ConnectionFacts) {
    this.ports = ports;
    this.own = own;
    this.connection = connection;
  }

  /** The first message on the connection. */
  hello(): Hello {
    const { name, suites, certificates } = this.own;
    const time = this.ports.time();
    return { kind: "hello", mode: "sound", secEm: name, suites, time, certificates };
  }

  /** Whether a step was confirmed on this connection: larger frames may come. */
  get isProven(): boolean {
    return this.confirmed !== undefined;
  }

  /** Never rejects but for bugs of the ports. */
  async receive(message: AgentMessage): Promise<LinkOutput> {
    if (this.closed) return { send: [], events: [], close: true };
    switch (message.kind) {
      case "begin":
        return this.begin(message);
      case "evidence":
        return this.evidence(message);
      case "confirm":
        return this.confirm(message);
      case "ask":
        return this.ask(message);
      case "refused":
        return this.gone(message);
      default:
        return this.refuse("order", `${message.kind} is not for a Sec-EM`);
    }
  }

  private async begin(begin: Begin): Promise<LinkOutput> {
    const suite = this.own.suites.find((one) => begin.suites.includes(one));
    if (suite === undefined) return this.refuse("suite", "no cipher suite in common");
    if ((begin.purpose === "enrol") !== (begin.tokenId !== undefined))
      return this.refuse("malformed", "a token id belongs to an enrolment, and to nothing else");
    const subject = await this.ports.find(begin);
    if (subject === undefined)
      return this.refuse("unknown", "no such instance, or no such token for it");
    const fault = this.checkKey(begin, subject);
    if (fault !== undefined) return this.refuse(fault.reason, fault.sentence, subject.id);
    return this.challenge(begin, subject, suite);
  }

  /** Before evidence: only what the TLS key alone decides. */
  private checkKey(begin: Begin, { chain, token }: Subject): Fault | undefined {
    const { peerKey } = this.connection;
    if (begin.purpose === "enrol") {
      const bound = token?.boundKey;
      if (bound !== undefined && !equalSecrets(bound, peerKey))
        return fail("wrong-key", "the token is bound to another key");
      return undefined;
    }
    if (chain.instanceKey === undefined)
      return fail("unknown", "the instance has not enrolled: it needs a token");
    return equalSecrets(chain.instanceKey, peerKey)
      ? undefined
      : fail("wrong-key", "the instance has another key");
  }

  private challenge(begin: Begin, subject: Subject, suite: Suite): LinkOutput {
    const ephemeral = makeEphemeral(this.ports.random);
    const windowSeconds = this.own.windowSeconds ?? WINDOW_SECONDS;
    const challenge: Challenge = {
      kind: "challenge",
      nonce: this.ports.random(32),
      suite,
      ephemeral: ephemeral.publicKey,
      id: subject.id,
      idNonce: subject.idNonce,
      epoch: subject.epoch,
      catalogVersion: subject.catalogVersion,
      catalogDigest: subject.catalogDigest,
      time: this.ports.time(),
      windowSeconds,
    };
    const until = this.ports.now() + windowSeconds * 1000;
    this.challenged = { begin, challenge, ephemeral, until };
    this.proved = undefined;
    const behind = !equalSecrets(begin.catalogDigest, subject.catalogDigest);
    const catalog = behind ? subject.catalog : [];
    const parts = catalog.map((part) => ({ kind: "catalog", ...part }) as const);
    return { send: [...parts, challenge], events: [], close: false };
  }

  private async evidence(evidence: Evidence): Promise<LinkOutput> {
    const open = this.challenged;
    // One answer to a challenge, whatever comes of it.
    this.challenged = undefined;
    if (open === undefined) return this.refuse("expired", "no challenge waits for an answer");
    if (this.ports.now() > open.until)
      return this.refuse("expired", "the challenge was answered too late");
    const enrols = open.begin.purpose === "enrol";
    if (
      enrols !== (evidence.tokenSignature !== undefined) ||
      enrols !== (evidence.proof === undefined)
    )
      return this.refuse("malformed", "a proof belongs to a renewal, a token to an enrolment");
    return this.ports.exclusively(open.challenge.id, () => this.step(open, evidence));
  }

  private async step(open: Challenged, evidence: Evidence): Promise<LinkOutput> {
    const { begin, challenge } = open;
    // Anew: another connection may have moved the chain since Begin.
    const subject = await this.ports.find(begin);
    if (subject === undefined || !equalSecrets(subject.id, challenge.id))
      return this.refuse("unknown", "the instance was removed meanwhile");
    const transcript = this.transcript(open, evidence);
    const fault = this.checkSignatures(begin, subject, evidence, transcript);
    if (fault !== undefined) return this.refuse(fault.reason, fault.sentence, subject.id);
    const { chain } = subject;
    if (subject.revoked) return this.refuse("revoked", "the instance is revoked", subject.id);
    const theft = this.checkToken(subject);
    if (theft !== undefined)
      return theft.stop === undefined
        ? this.refuse(theft.fault.reason, theft.fault.sentence, subject.id)
        : this.stop(subject.id, chain, theft.stop);
    if (chain.stopped !== undefined)
      return this.refuse(
        "stopped",
        `stopped before (${chain.stopped}): an operator decides`,
        subject.id,
      );
    const base = linkOf(chain, evidence.counter, transcript, evidence.proof);
    if (!base.ok) return this.stop(subject.id, chain, base);
    const secret = agree(open.ephemeral, evidence.ephemeral);
    if (secret === undefined)
      return this.refuse("small-secret", "the ephemeral key gives no secret", subject.id);
    return this.accept(open, evidence, subject, { transcript, secret, base: base.value });
  }

  private transcript({ begin, challenge }: Challenged, evidence: Evidence): Uint8Array {
    return encodeTranscript({
      suite: challenge.suite,
      secEmSuites: this.own.suites,
      agentSuites: begin.suites,
      purpose: begin.purpose,
      exporter: this.connection.exporter,
      agentNonce: begin.nonce,
      secEmNonce: challenge.nonce,
      agentEphemeral: evidence.ephemeral,
      secEmEphemeral: challenge.ephemeral,
      tenant: begin.tenant,
      vnf: begin.vnf,
      instance: begin.instance,
      id: challenge.id,
      secEm: this.own.name,
      transportKey: this.own.transportKey.publicKey,
      epoch: challenge.epoch,
      instanceKey: this.connection.peerKey,
      counter: evidence.counter,
      image: evidence.image,
      manifest: evidence.manifest,
      catalogVersion: evidence.catalogVersion,
      catalogDigest: evidence.catalogDigest,
      root: evidence.root,
      rootDigest: sha256(evidence.rootDocument),
      time: challenge.time,
      windowSeconds: challenge.windowSeconds,
      tokenId: begin.tokenId,
      allowed: evidence.allowed,
    });
  }

  private checkSignatures(
    begin: Begin,
    { token }: Subject,
    evidence: Evidence,
    transcript: Uint8Array,
  ): Fault | undefined {
    this.verifier ??= publicKeyObject(this.connection.peerKey);
    const { verifier } = this;
    if (!verifier || !verifyLabelledWith(verifier, "evidence", transcript, evidence.signature))
      return fail("signature", "the evidence's signature is wrong");
    if (begin.purpose === "renew") return undefined;
    const { tokenSignature } = evidence;
    if (token === undefined || tokenSignature === undefined)
      return fail("unknown", "no such token");
    return verifyLabelled(token.publicKey, "enrol", transcript, tokenSignature)
      ? undefined
      : fail("signature", "the token's signature is wrong");
  }

  /** Of an enrolment whose sender holds token and key: whether the token is still good. */
  private checkToken({ token, chain }: Subject): { fault: Fault; stop?: Stop } | undefined {
    if (token === undefined) return undefined;
    const { instanceKey, confirmed } = chain;
    if (instanceKey !== undefined && !equalSecrets(instanceKey, this.connection.peerKey)) {
      const fault = fail("two-keys", "the token was used with two keys: it was in two hands");
      // An old token that leaks must not be a button that stops a healthy instance for ever.
      return token.expired ? { fault } : { fault, stop: { ...fault, stop: "two-keys" } };
    }
    if (confirmed !== undefined)
      return { fault: fail("token-used", "the token was used: the instance renews without one") };
    if (token.expired) return { fault: fail("token-expired", "the token's time is over") };
    return undefined;
  }

  private async accept(
    open: Challenged,
    evidence: Evidence,
    subject: Subject,
    step: { transcript: Uint8Array; secret: Uint8Array; base: ChainLink | undefined },
  ): Promise<LinkOutput> {
    const { begin, challenge } = open;
    const { id, chain, token } = subject;
    const { peerKey, remoteAddress, exporter } = this.connection;
    const { image, manifest, counter } = evidence;
    if (token !== undefined && !equalSecrets(token.image, image))
      return this.refuse("image", "not the image that the token is bound to", id);
    const facts: EvidenceFacts = {
      begin,
      id,
      instanceKey: peerKey,
      image,
      manifest,
      allowed: evidence.allowed,
      catalogVersion: evidence.catalogVersion,
      catalogDigest: evidence.catalogDigest,
      askedCatalogVersion: challenge.catalogVersion,
      askedCatalogDigest: challenge.catalogDigest,
      root: evidence.root,
      rootDocument: evidence.rootDocument,
      rootChallenge: rootChallenge({
        exporter,
        secEmNonce: challenge.nonce,
        agentNonce: begin.nonce,
        instanceKey: peerKey,
      }),
      remoteAddress,
    };
    const judgement = await this.ports.judge(facts);
    if (token !== undefined && judgement.reason === "image")
      return this.refuse("image", judgement.sentence, id);
    const hash = sha256(step.transcript);
    const former = step.base?.state;
    const { secret } = step;
    const { purpose } = begin;
    const state = nextState({
      purpose,
      former,
      secret,
      counter,
      image,
      manifest,
      transcript: hash,
    });
    const link: ChainLink = { counter, state, transcript: hash };
    try {
      await this.ports.store(id, acceptLink(chain, step.base, link, peerKey));
    } catch {
      return this.refuse("storage", "the Sec-EM could not store the step: nothing has changed", id);
    }
    this.proved = { link, id, begin, facts, judgement };
    return this.result(challenge.suite, step.transcript, this.proved);
  }

  private result(suite: Suite, transcript: Uint8Array, proved: Proved): LinkOutput {
    const { link, id, facts, judgement } = proved;
    const { reason, sentence, lifetimeSeconds, renewSeconds, binding, md5Key } = judgement;
    const isGood = reason === "none";
    const fields = {
      counter: link.counter,
      state: isGood ? "trusted" : "untrusted",
      reason,
      sentence,
      lifetimeSeconds,
      renewSeconds,
      binding,
      sealed:
        md5Key === undefined ? undefined : sealMd5Key(suite, link.state, link.transcript, md5Key),
    } as const;
    const octets = encodeResultFields(fields);
    const signature = signLabelled(this.own.transportKey, "result", resultBody(transcript, octets));
    const confirmation = secEmConfirmation(link.state, link.transcript, octets);
    const fault = fail(reason, sentence);
    if (!isGood) this.confirmed = undefined;
    const events: LinkEvent[] = isGood
      ? []
      : [{ kind: "untrusted", id, fault, facts, counter: link.counter }];
    return { send: [{ kind: "result", ...fields, signature, confirmation }], events, close: false };
  }

  private async confirm(confirm: Confirm): Promise<LinkOutput> {
    const { proved } = this;
    this.proved = undefined;
    if (proved?.link.counter !== confirm.counter)
      return this.refuse("order", "a confirmation of a step that was not made here");
    const { link, id, begin } = proved;
    if (!equalSecrets(agentConfirmation(link.state, link.transcript), confirm.confirmation))
      return this.refuse("signature", "the confirmation is wrong", id);
    return this.ports.exclusively(id, async () => {
      const subject = await this.ports.find(begin);
      if (subject === undefined || !equalSecrets(subject.id, id))
        return this.refuse("unknown", "the instance was removed meanwhile", id);
      const { chain } = subject;
      if (subject.revoked) return this.refuse("revoked", "the instance is revoked", id);
      if (chain.stopped !== undefined)
        return this.refuse("stopped", `stopped meanwhile (${chain.stopped})`, id);
      const outcome = confirmLink(chain, link);
      if (outcome.kind === "stop") return this.stop(id, chain, outcome.stop);
      try {
        if (outcome.kind === "confirmed") await this.ports.store(id, outcome.record);
      } catch {
        return this.refuse("storage", "the Sec-EM could not store the confirmation", id);
      }
      return this.finish(proved);
    });
  }

  private finish({ link, id, facts, judgement }: Proved): LinkOutput {
    const { counter } = link;
    const isGood = judgement.reason === "none";
    this.confirmed = isGood ? facts : undefined;
    const events: LinkEvent[] = isGood ? [{ kind: "trusted", id, facts, counter, judgement }] : [];
    return { send: [{ kind: "done", counter }], events, close: false };
  }

  private async ask(ask: Ask): Promise<LinkOutput> {
    // The steps come in order (ASM-02): who has not proved itself is told nothing of others.
    if (this.confirmed === undefined)
      return this.refuse("order", "ask after the step is confirmed, not before");
    const answer = await this.ports.ask(ask, this.confirmed);
    return { send: [answer], events: [], close: false };
  }

  private async stop(id: Uint8Array, chain: ChainRecord, stop: Stop): Promise<LinkOutput> {
    const stored = await this.ports.store(id, stopChain(chain, stop.stop)).then(
      () => true,
      () => false,
    );
    const { reason, sentence } = stop;
    this.closed = true;
    return {
      send: [{ kind: "refused", reason, sentence }],
      events: [{ kind: "stopped", id, stop: stop.stop, sentence, stored }],
      close: true,
    };
  }

  private gone(fault: Fault): LinkOutput {
    this.closed = true;
    const event = { kind: "refused", fault, alarm: false, id: this.proved?.id } as const;
    return { send: [], events: [event], close: true };
  }

  private refuse(reason: Reason, sentence: string, id?: Uint8Array): LinkOutput {
    this.closed = true;
    const fault = fail(reason, sentence);
    return {
      send: [{ kind: "refused", reason, sentence }],
      events: [{ kind: "refused", fault, alarm: ALARMS.has(reason), id }],
      close: true,
    };
  }
}
