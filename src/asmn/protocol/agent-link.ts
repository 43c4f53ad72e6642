/**
 * The agent's side of its connection to a Sec-EM: one message in, messages and events out. It believes the
 * Sec-EM whose transport key the pinned root certified, stores its counter before it sends evidence and the
 * new state before it confirms, and goes back in nothing: counter, chain, epoch. The caller hands over messages
 * one at a time, sends what comes out in order, and closes when told.
 */
import {
  agree,
  equalSecrets,
  instanceId,
  makeEphemeral,
  sha256,
  signLabelled,
  verifyLabelled,
} from "../crypto/index.js";
import type { Ephemeral } from "../crypto/index.js";
import type { AgentIdentity, AgentOutput, AgentPorts, SecEmFacts } from "./agent-ports.js";
import type {
  AgentMessage,
  Begin,
  Catalog,
  Challenge,
  Done,
  Evidence,
  Hello,
  Result,
} from "./agent-messages.js";
import type { AgentState } from "./agent-state.js";
import { encodeTranscript, rootChallenge } from "./evidence.js";
import type { KeyRing } from "./key-certificate.js";
import {
  agentConfirmation,
  nextState,
  openMd5Key,
  resultBody,
  secEmConfirmation,
  stateProof,
} from "./ratchet.js";
import { encodeResultFields } from "./result-fields.js";
import { fail, pass } from "./words.js";
import type { Checked, Reason } from "./words.js";

interface Proving {
  readonly begin: Begin;
  readonly challenge: Challenge;
  readonly evidence: Evidence;
  readonly ephemeral: Ephemeral;
  readonly transcript: Uint8Array;
}

type Phase =
  | { readonly kind: "greeting" }
  | { readonly kind: "idle" }
  | { readonly kind: "begun"; readonly begin: Begin }
  | ({ readonly kind: "proving" } & Proving)
  | { readonly kind: "confirming"; readonly result: Result }
  | { readonly kind: "closed" };

const NOTHING: AgentOutput = { send: [], events: [], close: false };

export class AgentLink {
  private readonly ports: AgentPorts;
  private readonly own: AgentIdentity;
  private readonly ring: KeyRing;
  private readonly connection: SecEmFacts;
  private phase: Phase = { kind: "greeting" };
  private greeted: Hello | undefined;
  /** A prompt came while a step was under way: what it was for may not be in that step. */
  private prompted = false;
  private state: AgentState;

  /** @param state as stored; the caller uses `current` for the next connection */
  constructor(
    ports: AgentPorts,
    own: AgentIdentity,
    state: AgentState,
    ring: KeyRing,
    connection: SecEmFacts,
  ) {
    this.ports = ports;
    this.own = own;
    this.state = state;
    this.ring = ring;
    this.connection = connection;
  }

  /** What is stored, as far as this connection knows. */
  get current(): AgentState {
    return this.state;
  }

  /** Begins a step; nothing when one is under way or before Hello. */
  renew(): AgentOutput {
    if (this.phase.kind !== "idle") return NOTHING;
    const { names, suites, token } = this.own;
    const enrols = this.state.chain === undefined;
    if (enrols && token === undefined)
      return this.refuse("unknown", "this instance has not enrolled and has no token");
    const { version, digest } = this.ports.catalog();
    const begin: Begin = {
      kind: "begin",
      purpose: enrols ? "enrol" : "renew",
      ...names,
      nonce: this.ports.random(32),
      suites,
      catalogVersion: version,
      catalogDigest: digest,
      tokenId: enrols ? token?.id : undefined,
    };
    this.phase = { kind: "begun", begin };
    return { send: [begin], events: [], close: false };
  }

  /** Never rejects but for bugs of the ports. */
  async receive(message: AgentMessage): Promise<AgentOutput> {
    const { phase } = this;
    if (phase.kind === "closed") return { send: [], events: [], close: true };
    switch (message.kind) {
      case "hello":
        return phase.kind === "greeting" ? this.hello(message) : this.outOfOrder(message);
      case "challenge":
        return phase.kind === "begun"
          ? this.challenge(phase.begin, message)
          : this.outOfOrder(message);
      case "result":
        return phase.kind === "proving" ? this.result(phase, message) : this.outOfOrder(message);
      case "done":
        return phase.kind === "confirming"
          ? this.done(phase.result, message)
          : this.outOfOrder(message);
      case "catalog":
        return phase.kind === "greeting" ? this.outOfOrder(message) : this.catalog(message);
      case "refused":
        // Before Hello it may be anybody, and nobody's word takes trust away.
        if (phase.kind === "greeting") return this.outOfOrder(message);
        this.phase = { kind: "closed" };
        return {
          send: [],
          events: [
            { kind: "refused", fault: fail(message.reason, message.sentence), by: "sec-em" },
          ],
          close: true,
        };
      case "keys":
        if (phase.kind === "greeting") return this.outOfOrder(message);
        // One that is not the root's changes nothing.
        for (const one of message.certificates) this.ring.take(one);
        return NOTHING;
      case "prompt":
        if (phase.kind === "greeting") return this.outOfOrder(message);
        this.prompted = phase.kind !== "idle";
        return this.renew();
      case "notice":
      case "answer":
      case "heartbeat":
        if (phase.kind === "greeting") return this.outOfOrder(message);
        return { send: [], events: [{ kind: "message", message }], close: false };
      default:
        return this.outOfOrder(message);
    }
  }

  private hello(hello: Hello): AgentOutput {
    if (this.own.secEm !== undefined && hello.secEm !== this.own.secEm)
      return this.refuse("issuer", `this is ${hello.secEm}, not ${this.own.secEm}`);
    const faults = hello.certificates.map((one) => this.ring.take(one)).filter(({ ok }) => !ok);
    const key = this.ring.find("transport", hello.secEm, this.connection.peerKey);
    if (!key.ok) {
      // A certificate that was refused says more than that none is there.
      const why = faults.find((one) => !one.ok && one.reason !== "issuer") ?? key;
      const { reason, sentence } = why.ok ? key : why;
      const clock = reason === "key-expired" ? `; the Sec-EM's clock says ${iso(hello.time)}` : "";
      return this.refuse(reason, sentence + clock);
    }
    this.greeted = hello;
    this.phase = { kind: "idle" };
    return this.renew();
  }

  private async catalog(part: Catalog): Promise<AgentOutput> {
    const taken = await this.ports.takeCatalog(part);
    return taken.ok ? NOTHING : this.refuse(taken.reason, taken.sentence);
  }

  private async challenge(begin: Begin, challenge: Challenge): Promise<AgentOutput> {
    const checked = this.checkChallenge(begin, challenge);
    if (!checked.ok) return this.refuse(checked.reason, checked.sentence);
    const attempt = this.state.attempt + 1;
    const { exporter } = this.connection;
    const instanceKey = this.own.key.publicKey;
    const rootInput = {
      exporter,
      secEmNonce: challenge.nonce,
      agentNonce: begin.nonce,
      instanceKey,
    };
    const measured = await this.ports.measure();
    const root = await this.ports.prove(rootChallenge(rootInput));
    // Nothing was sent, so nothing has changed: the next attempt is as good as this one.
    if ("reason" in root) return this.refuse(root.reason, root.sentence);
    const catalog = this.ports.catalog();
    if (!(await this.store({ ...this.state, attempt })))
      return this.refuse("storage", "the agent could not store its counter");
    const ephemeral = makeEphemeral(this.ports.random);
    const unsigned = {
      kind: "evidence",
      ephemeral: ephemeral.publicKey,
      counter: attempt,
      image: measured.image,
      manifest: measured.manifest,
      catalogVersion: catalog.version,
      catalogDigest: catalog.digest,
      root: root.kind,
      rootDocument: root.document,
      allowed: measured.allowed,
    } as const;
    const transcript = this.transcript(begin, challenge, unsigned);
    const { chain } = this.state;
    const evidence: Evidence = {
      ...unsigned,
      signature: signLabelled(this.own.key, "evidence", transcript),
      proof: chain === undefined ? undefined : stateProof(chain.state, transcript),
      tokenSignature:
        chain === undefined && this.own.token !== undefined
          ? signLabelled(this.own.token.key, "enrol", transcript)
          : undefined,
    };
    this.phase = { kind: "proving", begin, challenge, evidence, ephemeral, transcript };
    return { send: [evidence], events: [], close: false };
  }

  private checkChallenge(begin: Begin, challenge: Challenge): Checked<undefined> {
    if (!begin.suites.includes(challenge.suite))
      return fail("suite", "a cipher suite that was not offered");
    if (!equalSecrets(instanceId(this.own.names, challenge.idNonce), challenge.id))
      return fail("malformed", "the ID is not made of this instance's names");
    const { id, epoch, chain } = this.state;
    if (chain !== undefined && id !== undefined && !equalSecrets(id, challenge.id))
      return fail("unknown", "the Sec-EM knows this instance by another ID: it needs a new token");
    if (challenge.epoch < epoch)
      return fail("epoch", `this Sec-EM was replaced: epoch ${challenge.epoch} is below ${epoch}`);
    if (!equalSecrets(this.ports.catalog().digest, challenge.catalogDigest))
      return fail("catalog", "the Sec-EM named a catalog that it did not send");
    return pass(undefined);
  }

  private transcript(
    begin: Begin,
    challenge: Challenge,
    evidence: Omit<Evidence, "signature" | "proof" | "tokenSignature">,
  ): Uint8Array {
    return encodeTranscript({
      suite: challenge.suite,
      secEmSuites: this.greeted?.suites ?? [],
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
      secEm: this.greeted?.secEm ?? "",
      transportKey: this.connection.peerKey,
      epoch: challenge.epoch,
      instanceKey: this.own.key.publicKey,
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

  private async result(proving: Proving, result: Result): Promise<AgentOutput> {
    const { begin, challenge, evidence, transcript } = proving;
    if (result.counter !== evidence.counter)
      return this.refuse("order", `a result of step ${result.counter}, not ${evidence.counter}`);
    const fields = encodeResultFields(result);
    const body = resultBody(transcript, fields);
    if (!verifyLabelled(this.connection.peerKey, "result", body, result.signature))
      return this.refuse("signature", "the result's signature is wrong");
    const secret = agree(proving.ephemeral, challenge.ephemeral);
    if (secret === undefined)
      return this.refuse("small-secret", "the ephemeral key gives no secret");
    const hash = sha256(transcript);
    const { purpose } = begin;
    const { counter, image, manifest } = evidence;
    const former = this.state.chain?.state;
    const state = nextState({
      purpose,
      former,
      secret,
      counter,
      image,
      manifest,
      transcript: hash,
    });
    if (!equalSecrets(secEmConfirmation(state, hash, fields), result.confirmation))
      return this.refuse("signature", "the Sec-EM's confirmation is wrong");
    const { sealed } = result;
    const md5Key = sealed && openMd5Key(challenge.suite, state, hash, sealed);
    if (sealed !== undefined && md5Key === undefined)
      return this.refuse("signature", "the sealed key does not open");
    const { attempt } = this.state;
    const { id, epoch } = challenge;
    if (!(await this.store({ attempt, id, epoch, chain: { counter, state } })))
      return this.refuse("storage", "the agent could not store the new state");
    this.phase = { kind: "confirming", result };
    return {
      send: [{ kind: "confirm", counter, confirmation: agentConfirmation(state, hash) }],
      events: [{ kind: "result", result, md5Key, id }],
      close: false,
    };
  }

  private done(result: Result, done: Done): AgentOutput {
    if (done.counter !== result.counter) return this.outOfOrder(done);
    this.phase = { kind: "idle" };
    const next = this.prompted ? this.renew() : NOTHING;
    this.prompted = false;
    return { ...next, events: [{ kind: "done", result }, ...next.events] };
  }

  private async store(state: AgentState): Promise<boolean> {
    try {
      await this.ports.store(state);
    } catch {
      return false;
    }
    this.state = state;
    return true;
  }

  private outOfOrder(message: AgentMessage): AgentOutput {
    return this.refuse("order", `${message.kind} does not belong here`);
  }

  private refuse(reason: Reason, sentence: string): AgentOutput {
    this.phase = { kind: "closed" };
    return {
      send: [{ kind: "refused", reason, sentence }],
      events: [{ kind: "refused", fault: fail(reason, sentence), by: "agent" }],
      close: true,
    };
  }
}

function iso(milliseconds: number): string {
  return milliseconds > 8.64e15 ? "nonsense" : new Date(milliseconds).toISOString();
}
