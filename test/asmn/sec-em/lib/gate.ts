/** A reader of the feed as a test plays it: verifies as a gate does, keeps what it was told. */
import { MessageChannel } from "node:worker_threads";
import { onTestFinished } from "vitest";
import { generateSigningKey, type SigningKey } from "../../../../src/asmn/crypto/index.js";
import { openTls, tlsIdentity } from "../../../../src/asmn/link/index.js";
import {
  ALPN,
  CatalogAssembler,
  feedLink,
  FRAME_LIMIT,
  FrameReader,
  HeartbeatWatch,
  KeyRing,
  VerdictChecker,
  type FeedMessage,
  type Verdict,
} from "../../../../src/asmn/protocol/index.js";
import { systemRandom } from "../../../../src/asmn/crypto/index.js";
import { fromHex, toHex } from "../../../../src/util/bytes.js";
import { until } from "./player.js";
import type { World } from "./world.js";

export class GatePlayer {
  readonly messages: FeedMessage[] = [];
  readonly verdicts = new Map<string, Verdict>();
  readonly md5Keys = new Map<string, string>();
  readonly catalogs = new Map<string, { readonly version: number; readonly octets: Uint8Array }>();
  /** Sentences of what it refused. */
  readonly refused: string[] = [];
  readonly remaining = new Map<string, number>();
  ring: KeyRing;
  checker: VerdictChecker;
  watch: HeartbeatWatch | undefined;
  send: (message: FeedMessage) => void = () => {};
  close: () => void = () => {};
  pause: () => void = () => {};
  resume: () => void = () => {};
  private readonly world: World;
  private readonly reader: "gate" | "gateway";
  private readonly audience: string;
  private readonly assembler = new CatalogAssembler();
  private readonly frames = new FrameReader(FRAME_LIMIT);

  constructor(
    world: World,
    rootKey: string,
    {
      reader = "gate",
      audience = "evpnd",
    }: { reader?: "gate" | "gateway"; audience?: string } = {},
  ) {
    this.world = world;
    this.reader = reader;
    this.audience = audience;
    this.ring = new KeyRing([fromHex(rootKey)!], () => world.clock.wall());
    this.checker = new VerdictChecker(audience, this.ring);
  }

  read(chunk: Uint8Array): void {
    this.frames.push(chunk, (frame) => {
      const message = feedLink.decode(frame);
      if (!message.ok) throw new Error(message.sentence);
      this.take(message.value);
      return true;
    });
  }

  /** The snapshot is complete. */
  async synced(): Promise<this> {
    await until(() => this.messages.some(({ kind }) => kind === "marker"));
    return this;
  }

  state(instance: string): string | undefined {
    const verdict = [...this.verdicts.values()].find((one) => one.instance === instance);
    return verdict && `${verdict.state} ${verdict.reason}`;
  }

  until(instance: string, state: string): Promise<true> {
    return until(() => this.state(instance) === state);
  }

  private take(message: FeedMessage): void {
    this.messages.push(message);
    const now = this.world.clock.now();
    switch (message.kind) {
      case "hello": {
        for (const one of message.certificates) this.note(this.ring.take(one));
        const nonce = systemRandom(32);
        const { audience, reader } = this;
        this.watch = new HeartbeatWatch(
          { secEm: message.secEm, audience, nonce, askedAt: now },
          this.ring,
        );
        this.send({ kind: "subscribe", audience, reader, nonce });
        return;
      }
      case "keys":
        for (const one of message.certificates) this.note(this.ring.take(one));
        return;
      case "heartbeat":
        this.note(this.watch!.accept(message.document, now));
        return;
      case "item": {
        const accepted = this.checker.accept(
          message.verdict,
          "sec-em-1",
          this.watch!.secEmTime(now),
        );
        this.note(accepted);
        if (!accepted.ok) return;
        const { verdict, remainingMs } = accepted.value;
        const id = toHex(verdict.id);
        this.verdicts.set(id, verdict);
        this.remaining.set(id, remainingMs);
        if (message.md5Key !== undefined) {
          this.md5Keys.set(id, Buffer.from(message.md5Key).toString());
        }
        this.watch!.revocationShown(message.revocation);
        return;
      }
      case "gone":
        this.verdicts.delete(toHex(message.id));
        return;
      case "catalog": {
        const taken = this.assembler.take(message);
        this.note(taken);
        if (taken.ok && taken.value !== undefined)
          this.catalogs.set(taken.value.tenant, taken.value);
        return;
      }
      case "marker":
        this.watch!.revocationShown(message.revocation);
        return;
      case "applied":
      case "glass":
      case "glass-end":
      case "refused":
      case "subscribe":
    }
  }

  private note(outcome: { readonly ok: boolean; readonly sentence?: string }): void {
    if (!outcome.ok) this.refused.push(outcome.sentence ?? "");
  }
}

/** Over TLS; the settings must have its key. */
export async function gateOverTls(
  world: World,
  key: SigningKey = generateSigningKey(),
  options: { reader?: "gate" | "gateway"; audience?: string } = {},
): Promise<GatePlayer> {
  const { rootKey, feedListening } = await world.service.status();
  const gate = new GatePlayer(world, rootKey, options);
  const { socket } = await openTls({
    ...{ address: "127.0.0.1", port: feedListening[0]?.port ?? 0, alpn: ALPN.feed },
    ...{ identity: tlsIdentity(key, "gate"), timeoutMs: 10_000 },
  });
  gate.send = (message) => void socket.write(feedLink.encode(message));
  gate.close = () => socket.destroy();
  gate.pause = () => socket.pause();
  gate.resume = () => socket.resume();
  socket.on("data", (chunk: Uint8Array) => gate.read(chunk));
  onTestFinished(() => void socket.destroy());
  return gate;
}

/** In the same process. */
export async function gateOverPort(
  world: World,
  options: { reader?: "gate" | "gateway" } = {},
): Promise<GatePlayer> {
  const { rootKey } = await world.service.status();
  const gate = new GatePlayer(world, rootKey, options);
  const { port1, port2 } = new MessageChannel();
  gate.send = (message) => port1.postMessage(feedLink.encode(message));
  gate.close = () => port1.close();
  port1.on("message", (chunk: Uint8Array) => gate.read(chunk));
  world.service.subscribe(port2);
  port1.postMessage(new Uint8Array(0));
  onTestFinished(() => port1.close());
  return gate.synced();
}
