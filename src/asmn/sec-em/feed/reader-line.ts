/**
 * The Sec-EM's side of one subscription, over TLS or a port: Hello out, Subscribe in, and from then on the
 * feed. Who may subscribe is the settings' word: its key, as a gate or a gateway, for this audience.
 */
import { toHex } from "../../../util/bytes.js";
import {
  feedLink,
  FRAME_LIMIT,
  FrameReader,
  type FeedMessage,
  type Reason,
  type Subscribe,
} from "../../protocol/index.js";
import type { Core } from "../core.js";
import type { FeedPipe, Subscriber } from "./subscriber.js";
import { SUITES } from "../../crypto/index.js";

export interface ReaderFacts {
  /** Raw Ed25519 key of the TLS connection; undefined in the same process, which is trusted. */
  readonly publicKey: Uint8Array | undefined;
  readonly address: string;
}

export class ReaderLine {
  private readonly core: Core;
  private readonly pipe: FeedPipe;
  private readonly facts: ReaderFacts;
  private readonly frames = new FrameReader(FRAME_LIMIT);
  private subscriber: Subscriber | undefined;
  private ended = false;

  constructor(core: Core, pipe: FeedPipe, facts: ReaderFacts) {
    this.core = core;
    this.pipe = pipe;
    this.facts = facts;
    const { keys, settings } = core;
    const time = Math.trunc(core.time());
    const certificates = keys.certificates();
    const { name: secEm } = settings;
    this.send({ kind: "hello", mode: "sound", secEm, suites: SUITES, time, certificates });
  }

  get isSubscribed(): boolean {
    return this.subscriber !== undefined;
  }

  read(chunk: Uint8Array): void {
    if (this.ended) return;
    const read = this.frames.push(chunk, (frame) => {
      const message = feedLink.decode(frame);
      if (message.ok) this.take(message.value);
      else this.refuse("malformed", message.sentence);
      return !this.ended;
    });
    if (!read.ok) this.refuse("malformed", read.sentence);
  }

  drained(): void {
    this.subscriber?.drained();
  }

  /** The other side is gone. */
  gone(): void {
    this.ended = true;
    if (this.subscriber !== undefined) this.core.hub.remove(this.subscriber);
  }

  private take(message: FeedMessage): void {
    switch (message.kind) {
      case "subscribe":
        this.subscribe(message);
        return;
      case "applied":
        if (this.subscriber !== undefined) this.subscriber.applied = message.revocation;
        return;
      case "refused":
        this.end();
        return;
      default:
        this.refuse("order", `${message.kind} is not for a Sec-EM`);
    }
  }

  private subscribe({ audience, reader, nonce }: Subscribe): void {
    if (this.subscriber !== undefined) return this.refuse("order", "one subscription at a time");
    const { settings, clock, hub, glass, auditor } = this.core;
    const { publicKey, address } = this.facts;
    const key = publicKey === undefined ? undefined : toHex(publicKey);
    const known =
      key === undefined
        ? { name: "local", tenants: undefined }
        : settings.feeds.find((one) => one.publicKey === key && one.role === reader);
    if (known === undefined) {
      auditor.stranger(address, "refused", "feed", `no ${reader} with the key ${key ?? ""}`);
      return this.refuse("unknown", `no ${reader} with this key is in the Sec-EM's settings`);
    }
    if (audience !== settings.audience) {
      return this.refuse("audience", `this Sec-EM's verdicts are for ${settings.audience}`);
    }
    const { name, tenants } = known;
    const connectedAt = clock.wall();
    this.subscriber = hub.add(
      { name, reader, audience, tenants, nonce, address, connectedAt, key },
      this.pipe,
    );
    for (const document of glass.documents()) this.subscriber.tell({ kind: "glass", document });
    // Whoever was away when it was ended would keep it open until its time is over.
    for (const serial of glass.ended()) this.subscriber.tell({ kind: "glass-end", serial });
  }

  private send(message: FeedMessage): void {
    this.pipe.send(feedLink.encode(message));
  }

  private refuse(reason: Reason, sentence: string): void {
    this.send({ kind: "refused", reason, sentence: sentence.slice(0, 400) });
    this.end();
  }

  private end(): void {
    this.gone();
    this.pipe.close();
  }
}
