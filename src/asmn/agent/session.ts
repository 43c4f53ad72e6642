/**
 * One connection to a Sec-EM: TLS around the protocol's own machine (`protocol/agent-link.ts`), messages one
 * at a time, and questions about other VNFs with their answers verified.
 */
import { toHex } from "../../util/bytes.js";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { MessageLink, openTls } from "../link/index.js";
import type { TlsIdentity, TlsPeer } from "../link/index.js";
import { AgentLink } from "../protocol/agent-link.js";
import { agentLink } from "../protocol/agent-messages.js";
import type { AgentMessage, Result } from "../protocol/agent-messages.js";
import type {
  AgentEvent,
  AgentIdentity,
  AgentOutput,
  AgentPorts,
} from "../protocol/agent-ports.js";
import type { AgentState } from "../protocol/agent-state.js";
import { FRAME_LIMIT, FrameReader } from "../protocol/frame.js";
import type { KeyRing } from "../protocol/key-certificate.js";
import { ALPN, exporterOf } from "../protocol/transport.js";
import type { Fault, TrustState } from "../protocol/words.js";
import type { AsmnEndpoint } from "../settings.js";
import { Inquiry } from "./inquiry.js";
import type { PeerQuery, PeerVerdict } from "./inquiry.js";

const CONNECT_MS = 5000;
/** For each message that we wait for: a Sec-EM that takes longer is as good as gone. */
const ANSWER_MS = 20_000;

export interface SessionParts {
  readonly endpoint: AsmnEndpoint;
  readonly identity: AgentIdentity;
  readonly tls: TlsIdentity;
  readonly state: AgentState;
  readonly ring: KeyRing;
  readonly ports: AgentPorts;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: SessionEvents;
}

export interface SessionEvents {
  /** The new state is stored; the Sec-EM does not know that yet. */
  result(result: Result, id: Uint8Array, md5Key: Uint8Array | undefined): void;
  /**
   * Both sides know the step.
   * @param secEm its key, hex
   */
  done(result: Result, secEm: string): void;
  /** Behind it the connection ends. */
  refused(fault: Fault, by: "agent" | "sec-em", secEm: string): void;
  notice(state: TrustState, fault: Fault): void;
  /** Called once. */
  closed(): void;
}

export class SecEmSession {
  private readonly parts: SessionParts;
  private readonly link: AgentLink;
  private readonly wire: MessageLink<AgentMessage>;
  private readonly inquiry: Inquiry;
  /** Of the Sec-EM, hex. */
  private readonly key: string;
  /** Messages are handled in their order, each to its end. */
  private work: Promise<void> = Promise.resolve();
  private overdue: { cancel(): void } | undefined;
  private closed = false;

  private constructor(parts: SessionParts, { socket, publicKey }: TlsPeer) {
    this.parts = parts;
    this.key = toHex(publicKey);
    const { ports, identity, state, ring, clock, log } = parts;
    const exporter = exporterOf(socket, ALPN.agent);
    this.link = new AgentLink(ports, identity, state, ring, { exporter, peerKey: publicKey });
    this.inquiry = new Inquiry({
      ring,
      clock,
      exporter,
      send: (message) => this.wire.send(message),
      broken: (why) => {
        log.warn({}, `the Sec-EM's heartbeat was refused: ${why}; connecting anew`);
        this.wire.destroy();
      },
    });
    this.wire = new MessageLink(socket, agentLink, new FrameReader(FRAME_LIMIT), {
      message: (message) => this.enqueue(() => this.receive(message)),
      fault: (sentence) => log.warn({}, `the Sec-EM sent something else: ${sentence}`),
      closed: () => this.enqueue(() => Promise.resolve(this.end())),
    });
    this.await();
  }

  /** Rejects with an Error that says why there is no connection. */
  static async open(parts: SessionParts): Promise<SecEmSession> {
    const { endpoint, tls } = parts;
    const target = { ...endpoint, alpn: ALPN.agent, identity: tls, timeoutMs: CONNECT_MS };
    return new SecEmSession(parts, await openTls(target));
  }

  /** What the Sec-EM calls itself; empty before it has said so. */
  get name(): string {
    return this.inquiry.secEm;
  }

  /** Begins a step, unless one is under way. */
  renew(): void {
    this.enqueue(() => Promise.resolve(this.perform(this.link.renew())));
  }

  /** Whether another instance of the tenant is trusted, by the Sec-EM's word; undefined = no answer. */
  ask(query: PeerQuery): Promise<PeerVerdict | undefined> {
    return this.inquiry.ask(query);
  }

  /** What the Sec-EM says of it from now on, until it is no longer trusted. */
  watch(id: Uint8Array, lost: (why: string) => void): () => void {
    return this.inquiry.watch(id, lost);
  }

  destroy(): void {
    this.wire.destroy();
  }

  private enqueue(run: () => Promise<void>): void {
    this.work = this.work.then(run).catch((error: unknown) => {
      this.parts.log.error({ err: error }, "the connection to the Sec-EM failed");
      this.wire.destroy();
    });
  }

  private async receive(message: AgentMessage): Promise<void> {
    if (this.closed) return;
    if (message.kind === "hello") this.inquiry.secEm = message.secEm;
    // Our turn, and what is measured in it may take long: the Sec-EM has its own window.
    if (message.kind === "challenge") this.overdue?.cancel();
    this.perform(await this.link.receive(message));
  }

  private perform({ send, events, close }: AgentOutput): void {
    for (const message of send) this.wire.send(message);
    if (send.some(({ kind }) => kind !== "refused")) this.await();
    for (const event of events) this.tell(event);
    if (!close) return;
    this.wire.end();
    // Whoever does not end it as well has its time for that.
    this.await();
  }

  private tell(event: AgentEvent): void {
    const { events } = this.parts;
    switch (event.kind) {
      case "result":
        this.inquiry.own = event.id;
        return events.result(event.result, event.id, event.md5Key);
      case "done":
        this.overdue?.cancel();
        this.inquiry.ready = event.result.state === "trusted";
        return events.done(event.result, this.key);
      case "refused":
        return events.refused(event.fault, event.by, this.key);
      case "message": {
        const { message } = event;
        if (message.kind !== "notice") return this.inquiry.take(message);
        const { state, reason, sentence } = message;
        return events.notice(state, { reason, sentence });
      }
    }
  }

  /** The Sec-EM's turn: it has its time. */
  private await(): void {
    this.overdue?.cancel();
    this.overdue = this.parts.clock.setTimer(ANSWER_MS, () => this.wire.destroy());
  }

  private end(): void {
    if (this.closed) return;
    this.closed = true;
    this.overdue?.cancel();
    this.inquiry.close();
    this.parts.events.closed();
  }
}
