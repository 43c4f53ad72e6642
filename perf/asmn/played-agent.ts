/** An agent as a load plays it: the protocol's own side over TLS, its disk in memory, one connection kept. */
import {
  generateSigningKey,
  SUITES,
  systemRandom,
  type SigningKey,
} from "../../src/asmn/crypto/index.js";
import { MessageLink, openTls, tlsIdentity, type TlsPeer } from "../../src/asmn/link/index.js";
import {
  AgentLink,
  agentLink,
  ALPN,
  CatalogAssembler,
  exporterOf,
  FRAME_LIMIT,
  FrameReader,
  KeyRing,
  NEW_AGENT,
  parseToken,
  type AgentMessage,
  type AgentOutput,
} from "../../src/asmn/protocol/index.js";

export interface PlayedAgentOptions {
  readonly port: number;
  readonly rootKey: Uint8Array;
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  readonly image: Uint8Array;
  readonly token: string;
  readonly key: SigningKey;
}

export class PlayedAgent {
  /** Steps that ended as trusted, and those that did not. */
  done = 0;
  failed = 0;
  private readonly options: PlayedAgentOptions;
  private readonly assembler = new CatalogAssembler();
  private catalog = { version: 0, digest: new Uint8Array(32) };
  private link: AgentLink | undefined;
  private messages: MessageLink<AgentMessage> | undefined;
  private work: Promise<void> = Promise.resolve();
  private waiting: (() => void) | undefined;
  private isClosed = false;

  constructor(options: PlayedAgentOptions) {
    this.options = options;
  }

  static makeKey(): SigningKey {
    return generateSigningKey();
  }

  /** Connects and enrols. */
  async enrol(): Promise<void> {
    const { port, key } = this.options;
    const peer = await openTls({
      ...{ address: "127.0.0.1", port, alpn: ALPN.agent, identity: tlsIdentity(key, "agent") },
      timeoutMs: 30_000,
    });
    this.link = this.linkOver(peer);
    const ended = this.ended();
    this.messages = new MessageLink(peer.socket, agentLink, new FrameReader(FRAME_LIMIT), {
      message: (message) => {
        this.work = this.work.then(() => this.take(message));
      },
      fault: () => this.end(false),
      closed: () => {
        this.isClosed = true;
        this.end(false);
      },
    });
    await ended;
  }

  /** One renewal on the connection that stands. */
  async renew(): Promise<void> {
    if (this.isClosed) {
      this.failed++;
      return;
    }
    const ended = this.ended();
    this.perform(this.link!.renew());
    await ended;
  }

  close(): void {
    this.messages?.destroy();
  }

  private linkOver(peer: TlsPeer): AgentLink {
    const { tenant, vnf, instance, key, token, rootKey, image } = this.options;
    return new AgentLink(
      {
        random: systemRandom,
        store: () => Promise.resolve(),
        measure: () => Promise.resolve({ image, manifest: new Uint8Array(32) }),
        prove: () => Promise.resolve({ kind: "none", document: new Uint8Array(0) }),
        catalog: () => this.catalog,
        takeCatalog: (part) => {
          const taken = this.assembler.take(part);
          if (taken.ok && taken.value !== undefined) {
            const { version, digest } = taken.value;
            this.catalog = { version, digest: Uint8Array.from(digest) };
          }
          return Promise.resolve(taken);
        },
      },
      {
        ...{ names: { tenant, vnf, instance }, key, suites: SUITES, secEm: undefined },
        token: parseToken(token),
      },
      NEW_AGENT,
      new KeyRing([rootKey], () => Date.now()),
      { exporter: exporterOf(peer.socket, ALPN.agent), peerKey: peer.publicKey },
    );
  }

  private async take(message: AgentMessage): Promise<void> {
    this.perform(await this.link!.receive(message));
  }

  private perform({ send, events }: AgentOutput): void {
    for (const message of send) this.messages?.send(message);
    for (const event of events) {
      if (event.kind === "done") this.end(event.result.state === "trusted");
      if (event.kind === "refused") this.end(false);
    }
  }

  private ended(): Promise<void> {
    return new Promise((resolve) => (this.waiting = resolve));
  }

  private end(good: boolean): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    this.waiting = undefined;
    if (good) this.done++;
    else this.failed++;
    waiting();
  }
}
