/**
 * One agent's connection: frames in, one at a time through `SecEmLink`, what comes of it out. Behind a few
 * messages that wait nothing more is read, so that a peer costs those and what the kernel holds. Who has not
 * proved itself in time, or sends more than anybody honest would, is closed.
 */
import { toHex } from "../../../util/bytes.js";
import type { TimerHandle } from "../../../util/clock.js";
import { SUITES } from "../../crypto/index.js";
import type { TlsPeer } from "../../link/index.js";
import {
  agentLink,
  ALPN,
  exporterOf,
  FRAME_LIMIT,
  FrameReader,
  SecEmLink,
  type AgentMessage,
  type Frame,
  type LinkOutput,
  type Notice,
} from "../../protocol/index.js";
import type { AgentLine } from "../agent-links.js";
import { newAsker, type Asker, type Asks } from "../asks.js";
import type { Core } from "../core.js";
import type { Steps } from "../steps.js";
import { FrameRate, type DoorLimits } from "./limits.js";

export interface AgentParts {
  readonly core: Core;
  readonly steps: Steps;
  readonly asks: Asks;
  readonly limits: DoorLimits;
}

/** From the connection to its first message, */
const SILENT_MS = 10_000;
/** and to the first evidence that is authentic. */
const STRANGER_MS = 60_000;
/** Messages that wait for the one that is worked on; then nothing more is read. */
const MOST_WAITING = 4;
/** What it may leave unread of what it is sent. */
const MOST_UNREAD = 2 * 1024 * 1024;

export class AgentConnection implements AgentLine {
  private readonly parts: AgentParts;
  private readonly peer: TlsPeer;
  private readonly address: string;
  private readonly link: SecEmLink;
  private readonly reader = new FrameReader();
  private readonly rate: FrameRate;
  private readonly asker: Asker;
  private readonly waiting: Frame[] = [];
  private readonly silent: TimerHandle;
  private readonly late: TimerHandle;
  private identity: string | undefined;
  private working = false;
  private ended = false;

  constructor(parts: AgentParts, peer: TlsPeer, address: string) {
    this.parts = parts;
    this.peer = peer;
    this.address = address;
    const { core, steps, asks } = parts;
    const { keys, settings, clock } = core;
    const { socket, publicKey: peerKey } = peer;
    this.rate = new FrameRate(clock);
    const exporter = exporterOf(socket, ALPN.agent);
    this.asker = newAsker((message) => this.send(message), exporter);
    this.link = new SecEmLink(
      steps.ports(peerKey, (ask, facts) => asks.answer(ask, facts, this.asker)),
      {
        name: settings.name,
        transportKey: keys.current("transport"),
        certificates: keys.certificates(),
        suites: SUITES,
      },
      { exporter, peerKey, remoteAddress: address },
    );
    this.silent = clock.setTimer(SILENT_MS, () => this.close());
    this.late = clock.setTimer(STRANGER_MS, () => this.close());
    socket.on("data", (chunk: Uint8Array) => this.read(chunk));
    socket.once("end", () => socket.end());
    socket.once("close", () => this.gone());
    this.send(this.link.hello());
  }

  prompt(sentence: string): void {
    this.send({ kind: "prompt", sentence });
  }

  keys(certificates: readonly Uint8Array[]): void {
    this.send({ kind: "keys", certificates });
  }

  notice(notice: Omit<Notice, "kind">): void {
    this.send({ kind: "notice", ...notice });
  }

  /** What was sent goes out first. */
  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.peer.socket.end();
    this.peer.socket.destroySoon();
  }

  private read(chunk: Uint8Array): void {
    if (this.ended) return;
    const { core, limits } = this.parts;
    const read = this.reader.push(chunk, (frame) => {
      if (!this.rate.take()) {
        this.refuse("limit", "more messages than an agent needs");
        return false;
      }
      this.silent.cancel();
      this.waiting.push(frame);
      return true;
    });
    if (!read.ok) {
      core.counters.badFrames++;
      limits.failed(this.address);
      this.refuse("malformed", read.sentence);
      return;
    }
    // Not for each message: to stop and start reading costs more than the message does.
    if (this.waiting.length >= MOST_WAITING) this.peer.socket.pause();
    if (this.waiting.length > 0 && !this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    try {
      for (let frame = this.waiting.shift(); frame !== undefined && !this.ended;) {
        await this.take(frame);
        frame = this.waiting.shift();
      }
    } catch (error) {
      this.parts.core.log.error({ err: error }, "a step failed; its connection is closed");
      this.close();
    }
    this.working = false;
    if (this.peer.socket.isPaused()) this.peer.socket.resume();
  }

  private async take(frame: Frame): Promise<void> {
    const { core, limits } = this.parts;
    const message = agentLink.decode(frame);
    if (!message.ok) {
      core.counters.badFrames++;
      limits.failed(this.address);
      this.refuse("malformed", message.sentence);
      return;
    }
    await this.perform(await this.link.receive(message.value));
  }

  private async perform({ send, events, close }: LinkOutput): Promise<void> {
    const { steps, limits } = this.parts;
    // Said first: a prompt that an event leads to must not overtake the end of this step.
    for (const message of send) this.send(message);
    for (const event of events) {
      if (event.kind === "trusted" || event.kind === "untrusted") this.known(toHex(event.id));
      const cost = await steps.apply(event, this.address);
      if (cost === "guess") limits.failed(this.address);
    }
    if (close) this.close();
  }

  /** It has shown authentic evidence: it may be spoken to, and its frames may be longer. */
  private known(identity: string): void {
    const { links } = this.parts.core;
    this.late.cancel();
    this.reader.limit = FRAME_LIMIT;
    if (this.identity === identity) return;
    if (this.identity !== undefined) links.remove(this.identity, this);
    this.identity = identity;
    links.add(identity, this);
  }

  private refuse(reason: "malformed" | "limit", sentence: string): void {
    this.send({ kind: "refused", reason, sentence: sentence.slice(0, 400) });
    this.parts.core.auditor.stranger(this.address, "refused", "", `${reason}: ${sentence}`);
    this.close();
  }

  private send(message: AgentMessage): void {
    const { socket } = this.peer;
    if (this.ended || socket.destroyed) return;
    socket.write(agentLink.encode(message));
    if (socket.writableLength > MOST_UNREAD) socket.destroy();
  }

  private gone(): void {
    this.ended = true;
    this.silent.cancel();
    this.late.cancel();
    this.parts.asks.leave(this.asker);
    if (this.identity !== undefined) this.parts.core.links.remove(this.identity, this);
  }
}
