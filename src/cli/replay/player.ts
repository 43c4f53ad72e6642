/**
 * Plays a script to an evpnd: one TCP connection per peer, each from an address of 127.0.0.0/8 of its
 * own, octet for octet what the peer said. KEEPALIVEs are the player's own.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { MessageType } from "../../fast-bgp-codec/iana.js";
import { KEEPALIVE } from "../../fast-bgp-codec/keepalive.js";
import { decodeNotification, describeNotification } from "../../fast-bgp-codec/notification.js";
import { readU16, readU8 } from "../../util/bytes.js";
import type { Script, ScriptPeer } from "./script.js";

export interface PlayOptions {
  readonly address: string;
  readonly port: number;
  /** Least time between two messages, so that evpnd reads them in the recording's order; milliseconds. */
  readonly paceMs: number;
  /** For a session to come up. */
  readonly patienceMs: number;
  readonly tell?: (line: string) => void;
}

export interface PlayResult {
  /** Messages given to evpnd, OPENs and KEEPALIVEs aside. */
  readonly played: number;
  /** What did not go as in the recording. */
  readonly problems: readonly string[];
  /** Ends the sessions that are still up. */
  close(): void;
}

/** Address that stands for the script's nth peer. */
export function standIn(index: number): string {
  return `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

export async function play(script: Script, options: PlayOptions): Promise<PlayResult> {
  const problems: string[] = [];
  const sessions = new Map<ScriptPeer, PlayedSession>();
  const tell = options.tell ?? (() => {});
  let played = 0;
  for (const step of script.steps) {
    const { peer } = step;
    const name = `${peer.address} (${standIn(script.peers.indexOf(peer))})`;
    const session = sessions.get(peer);
    if (step.kind === "close") {
      session?.close();
      sessions.delete(peer);
      await sleep(options.paceMs);
      continue;
    }
    if (step.kind === "open") {
      session?.close();
      const next = new PlayedSession(standIn(script.peers.indexOf(peer)), step.bytes, options);
      sessions.set(peer, next);
      const failure = await next.established(options.patienceMs);
      if (failure === undefined) tell(`${name}: up`);
      else problems.push(`${name}: ${failure}`);
      continue;
    }
    if (session === undefined || !session.isUp) {
      problems.push(`${name}: a message could not be played, its session is not up`);
      continue;
    }
    session.send(step.bytes);
    played++;
    await sleep(options.paceMs);
  }
  for (const [peer, session] of sessions) {
    if (session.reason !== "") problems.push(`${peer.address}: ${session.reason}`);
  }
  return {
    played,
    problems,
    close: () => {
      for (const session of sessions.values()) session.close();
    },
  };
}

class PlayedSession {
  isUp = false;
  /** Why evpnd ended it; empty as long as it has not. */
  reason = "";
  private readonly socket: Socket;
  private readonly open: Uint8Array;
  private keepalives: NodeJS.Timeout | undefined;
  private pending: Uint8Array = new Uint8Array(0);
  private opened = false;
  private settled: (failure: string | undefined) => void = () => {};

  constructor(localAddress: string, open: Uint8Array, target: PlayOptions) {
    this.open = open;
    this.socket = connect({ host: target.address, port: target.port, localAddress });
    this.socket.setNoDelay(true);
    this.socket.on("connect", () => this.send(open));
    this.socket.on("data", (chunk: Uint8Array) => this.read(chunk));
    this.socket.on("error", (error) => (this.reason ||= error.message));
    this.socket.on("close", () => {
      this.isUp = false;
      clearInterval(this.keepalives);
      this.reason ||= "evpnd closed the connection";
      this.settled(this.reason);
    });
  }

  /** Undefined once it is up, else why it did not come up. */
  established(patienceMs: number): Promise<string | undefined> {
    if (this.isUp) return Promise.resolve(undefined);
    if (this.socket.destroyed) return Promise.resolve(this.reason);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.settled = () => {};
        resolve(`evpnd did not bring the session up within ${patienceMs / 1000} s`);
      }, patienceMs);
      this.settled = (failure) => {
        clearTimeout(timer);
        resolve(failure);
      };
    });
  }

  send(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  close(): void {
    clearInterval(this.keepalives);
    this.socket.removeAllListeners("close");
    this.socket.end();
    this.socket.destroySoon();
    this.isUp = false;
  }

  private read(chunk: Uint8Array): void {
    let data: Uint8Array = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
    while (data.length >= 19) {
      const length = readU16(data, 16);
      if (length < 19) {
        this.reason ||= "what answers there is no BGP speaker";
        this.socket.destroy();
        return;
      }
      if (length > data.length) break;
      this.message(readU8(data, 18), data, length);
      data = data.subarray(length);
    }
    this.pending = data.slice();
  }

  private message(type: number, bytes: Uint8Array, length: number): void {
    if (type === MessageType.Open && !this.opened) {
      this.opened = true;
      this.send(KEEPALIVE);
      const hold = Math.min(readU16(bytes, 22), readU16(this.open, 22));
      if (hold > 0) {
        this.keepalives = setInterval(() => this.send(KEEPALIVE), (hold / 3) * 1000);
        this.keepalives.unref();
      }
    } else if (type === MessageType.Keepalive && this.opened && !this.isUp) {
      this.isUp = true;
      this.settled(undefined);
    } else if (type === MessageType.Notification) {
      const told = decodeNotification(bytes, 0, length);
      this.reason = `evpnd sent NOTIFICATION ${describeNotification(told)}`;
    }
  }
}
