/** A connection that carries messages of one set, in both directions, until one side ends it. */
import type { Duplex } from "node:stream";
import type { FrameReader } from "../protocol/frame.js";
import type { MessageSet } from "../protocol/frame.js";

export interface MessageLinkEvents<M> {
  message(message: M): void;
  /** The other side broke the protocol: the connection is closed behind this. */
  fault(sentence: string): void;
  /** Called once, whoever ended it. */
  closed(): void;
}

/** The other side reads so little that the connection is of no use. */
const UNREAD_MAX = 4 * 1024 * 1024;

export class MessageLink<M> {
  private readonly stream: Duplex;
  private readonly set: MessageSet<M>;
  private ended = false;

  constructor(
    stream: Duplex,
    set: MessageSet<M>,
    reader: FrameReader,
    events: MessageLinkEvents<M>,
  ) {
    this.stream = stream;
    this.set = set;
    stream.on("data", (chunk: Uint8Array) => {
      const read = reader.push(chunk, (frame) => {
        if (this.ended) return false;
        const message = set.decode(frame);
        if (message.ok) events.message(message.value);
        else this.break(events, message.sentence);
        return !this.ended;
      });
      if (!read.ok) this.break(events, read.sentence);
    });
    stream.on("error", () => undefined);
    stream.once("close", () => {
      this.ended = true;
      events.closed();
    });
    // An end without a close would keep half a connection for ever.
    stream.once("end", () => stream.end());
    stream.resume();
  }

  send(message: M): void {
    if (this.ended) return;
    this.stream.write(this.set.encode(message));
    if (this.stream.writableLength > UNREAD_MAX) this.stream.destroy();
  }

  /** What was sent goes out first. */
  end(): void {
    this.ended = true;
    this.stream.end();
  }

  destroy(): void {
    this.ended = true;
    this.stream.destroy();
  }

  private break(events: MessageLinkEvents<M>, sentence: string): void {
    if (this.ended) return;
    events.fault(sentence);
    this.end();
  }
}
