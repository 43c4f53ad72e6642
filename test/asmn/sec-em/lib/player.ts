/** An agent as a test plays it: the protocol's own side over a real TLS connection, its disk in memory. */
import { connect } from "node:net";
import { fromHex, toHex } from "../../../../src/util/bytes.js";
import { SUITES, systemRandom, type SigningKey } from "../../../../src/asmn/crypto/index.js";
import { MessageLink, openTls, tlsIdentity } from "../../../../src/asmn/link/index.js";
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
  type AgentEvent,
  type AgentMessage,
  type AgentOutput,
  type AgentPorts,
  type AgentState,
  type Answer,
  type Begin,
  type Notice,
  type Result,
} from "../../../../src/asmn/protocol/index.js";
import type { SecEmStatus } from "../../../../src/asmn/sec-em/index.js";
import { IMAGE } from "./world.js";

/** What a player needs of the world: where the Sec-EM is, and what time it is. */
export interface PlayerWorld {
  readonly service: { status(): Promise<Pick<SecEmStatus, "listening" | "rootKey">> };
  readonly clock: { wall(): number };
}

export interface PlayerOptions {
  readonly key: SigningKey;
  readonly token?: string | undefined;
  readonly vnf?: string;
  readonly instance?: string;
  image?: string;
  manifest?: string;
  /** Digest of its list of allowed changes; without it the list is empty. */
  allowed?: Uint8Array;
  /** Its root of trust; none without it. */
  prove?: AgentPorts["prove"] | undefined;
  /** Local address. */
  readonly source?: string;
}

const MOST_LOOKS = 2000;

/** What a step came to. */
export type Outcome =
  | { readonly kind: "done"; readonly result: Result; readonly md5Key: string | undefined }
  | { readonly kind: "refused"; readonly reason: string; readonly sentence: string }
  | { readonly kind: "closed" };

export class Player {
  readonly options: PlayerOptions;
  state: AgentState = NEW_AGENT;
  /** Messages that it neither sends nor takes: lost on the way, and the connection with them. */
  lose: ((message: AgentMessage, way: "out" | "in") => boolean) | undefined;
  readonly notices: Notice[] = [];
  readonly answers: Answer[] = [];
  private readonly world: PlayerWorld;
  private readonly assembler = new CatalogAssembler();
  private catalog: { readonly version: number; readonly digest: Uint8Array } = {
    version: 0,
    digest: new Uint8Array(32),
  };
  private line: Line | undefined;

  constructor(world: PlayerWorld, options: PlayerOptions) {
    this.world = world;
    this.options = options;
  }

  /** Another one with its key and its disk as it is now. */
  clone(): Player {
    const copy = new Player(this.world, this.options);
    copy.state = this.state;
    copy.catalog = this.catalog;
    return copy;
  }

  /** A step, on the connection that stands or on a new one. */
  async step(): Promise<Outcome> {
    if (this.line !== undefined) return this.line.renew();
    this.line = await this.open();
    return this.line.outcome();
  }

  /** Resolves with what the Sec-EM's next prompt leads to. */
  prompted(): Promise<Outcome> {
    if (this.line === undefined) throw new Error("not connected");
    return this.line.outcome();
  }

  send(message: AgentMessage): void {
    this.line?.send(message);
  }

  async answer(request: number): Promise<Answer> {
    return until(() => this.answers.find((one) => one.request === request));
  }

  close(): void {
    this.line?.close();
    this.line = undefined;
  }

  private async open(): Promise<Line> {
    const { key, token, vnf = "pe", instance = "1", source } = this.options;
    const { service, clock } = this.world;
    const { listening, rootKey } = await service.status();
    const peer = await openTls({
      ...{ address: "127.0.0.1", port: listening[0]?.port ?? 0, alpn: ALPN.agent },
      ...{ identity: tlsIdentity(key, "agent"), source, timeoutMs: 10_000 },
    });
    const ring = new KeyRing([fromHex(rootKey)!], () => clock.wall());
    const names = { tenant: "red", vnf, instance };
    const link = new AgentLink(
      {
        random: systemRandom,
        store: (state) => {
          this.state = state;
          return Promise.resolve();
        },
        measure: () =>
          Promise.resolve({
            image: fromHex(this.options.image ?? IMAGE)!,
            manifest: fromHex(this.options.manifest ?? "00".repeat(32))!,
            allowed: this.options.allowed,
          }),
        prove: (challenge) =>
          this.options.prove?.(challenge) ??
          Promise.resolve({ kind: "none", document: new Uint8Array(0) }),
        catalog: () => this.catalog,
        takeCatalog: (part) => {
          const taken = this.assembler.take(part);
          if (taken.ok && taken.value !== undefined) this.catalog = taken.value;
          return Promise.resolve(taken);
        },
      },
      {
        ...{ names, key, suites: SUITES, secEm: undefined },
        token: token === undefined ? undefined : parseToken(token),
      },
      this.state,
      ring,
      { exporter: exporterOf(peer.socket, ALPN.agent), peerKey: peer.publicKey },
    );
    return new Line(this, link, peer.socket);
  }
}

class Line {
  private readonly player: Player;
  private readonly link: AgentLink;
  private readonly socket: Awaited<ReturnType<typeof openTls>>["socket"];
  private readonly messages: MessageLink<AgentMessage>;
  private work: Promise<void> = Promise.resolve();
  private waiting: ((outcome: Outcome) => void)[] = [];
  private early: Outcome[] = [];
  private md5Key: string | undefined;
  private over = false;

  constructor(
    player: Player,
    link: AgentLink,
    socket: Awaited<ReturnType<typeof openTls>>["socket"],
  ) {
    this.player = player;
    this.link = link;
    this.socket = socket;
    this.messages = new MessageLink(socket, agentLink, new FrameReader(FRAME_LIMIT), {
      message: (message) => {
        this.work = this.work.then(() => this.take(message));
      },
      fault: () => this.settle({ kind: "closed" }),
      closed: () => {
        void this.work.then(() => {
          this.over = true;
          this.settle({ kind: "closed" });
        });
      },
    });
  }

  outcome(): Promise<Outcome> {
    const early = this.early.shift();
    if (early !== undefined) return Promise.resolve(early);
    if (this.over) return Promise.resolve({ kind: "closed" });
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  renew(): Promise<Outcome> {
    this.early = [];
    this.perform(this.link.renew());
    return this.outcome();
  }

  send(message: AgentMessage): void {
    this.messages.send(message);
  }

  close(): void {
    this.over = true;
    this.socket.destroy();
  }

  private async take(message: AgentMessage): Promise<void> {
    if (this.over) return;
    if (this.player.lose?.(message, "in") === true) {
      this.cut();
      return;
    }
    this.perform(await this.link.receive(message));
  }

  private perform({ send, events, close }: AgentOutput): void {
    for (const message of send) {
      if (this.player.lose?.(message, "out") === true) {
        this.cut();
        return;
      }
      this.messages.send(message);
    }
    for (const event of events) this.event(event);
    if (close) this.messages.end();
  }

  private event(event: AgentEvent): void {
    switch (event.kind) {
      case "result":
        this.md5Key = event.md5Key === undefined ? undefined : Buffer.from(event.md5Key).toString();
        return;
      case "done":
        this.settle({ kind: "done", result: event.result, md5Key: this.md5Key });
        return;
      case "refused":
        this.settle({ kind: "refused", ...event.fault });
        return;
      case "message":
        if (event.message.kind === "notice") this.player.notices.push(event.message);
        if (event.message.kind === "answer") this.player.answers.push(event.message);
    }
  }

  private cut(): void {
    this.close();
    this.settle({ kind: "closed" });
  }

  private settle(outcome: Outcome): void {
    const waiting = this.waiting.shift();
    if (waiting !== undefined) waiting(outcome);
    else if (outcome.kind !== "closed") this.early.push(outcome);
  }
}

/** Looks again and again until there is something; rejects when there is nothing for long. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (let left = MOST_LOOKS; left > 0; left--) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing came of ${look.toString()}`);
}

/** How a begin looks that somebody makes up. */
export function madeUpBegin(change: Partial<Begin> = {}): Begin {
  return {
    ...{ kind: "begin", purpose: "renew", tenant: "red", vnf: "pe", instance: "1" },
    ...{ nonce: systemRandom(32), suites: SUITES, catalogVersion: 0 },
    ...{ catalogDigest: new Uint8Array(32), tokenId: undefined },
    ...change,
  };
}

export function idOf(state: AgentState): string {
  return toHex(state.id ?? new Uint8Array(0));
}

/** A plain TCP connection that says nothing; what becomes of it. */
export function knock(port: number, octets?: Uint8Array): Promise<"closed"> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      if (octets !== undefined) socket.write(octets);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve("closed"));
    socket.resume();
  });
}
