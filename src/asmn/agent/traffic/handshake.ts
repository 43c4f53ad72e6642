/**
 * Two agents meet (ASM-16, ASM-60): the exchange of `protocol/sigma.ts` over a TCP connection, each side asking
 * its own Sec-EM about the other. What comes out is a channel and who is at the other end.
 */
import type { Socket } from "node:net";
import { systemRandom, SUITES } from "../../crypto/index.js";
import type { SigningKey } from "../../crypto/index.js";
import { readFirstFrame } from "../../link/index.js";
import type { Channel } from "../../protocol/channel.js";
import { peerLink } from "../../protocol/peer-messages.js";
import type { PeerMessage } from "../../protocol/peer-messages.js";
import { SigmaInitiator, SigmaResponder } from "../../protocol/sigma.js";
import type { SigmaSelf } from "../../protocol/sigma.js";
import type { Verdict } from "../../protocol/verdict.js";
import type { Checked } from "../../protocol/words.js";
import type { fail } from "../../protocol/words.js";
import type { PeerQuery, PeerVerdict } from "../inquiry.js";

const MESSAGE_MAX = 1024;
const MESSAGE_MS = 5000;
/** The other side asks its Sec-EM before it accepts. */
const ACCEPT_MS = 10_000;
const TCP = 6;

export interface Self {
  readonly key: SigningKey;
  readonly id: Uint8Array;
  readonly tenant: string;
}

export interface Met {
  readonly channel: Channel;
  /** Of the other side, trusted, from our own Sec-EM. */
  readonly verdict: Verdict;
  readonly port: number;
}

export type AskAbout = (query: PeerQuery) => Promise<PeerVerdict | undefined>;

/** Rejects with an Error that says why they did not meet; the socket is the caller's to close. */
export async function meet(
  socket: Socket,
  self: Self,
  verdict: Verdict,
  port: number,
): Promise<Met> {
  const peer = { id: verdict.id, key: verdict.instanceKey };
  const service = { protocol: TCP, port };
  const sigma = new SigmaInitiator(systemRandom, sigmaSelf(self), peer, service);
  send(socket, sigma.greet());
  const prove = need(socket, sigma.reply(await expect(socket, "reply", MESSAGE_MS)));
  send(socket, prove);
  const channel = need(socket, sigma.accept(await expect(socket, "accept", ACCEPT_MS)));
  return { channel, verdict, port };
}

export interface Door {
  readonly ask: AskAbout;
  /** Whether anybody may reach the port, and then whether this VNF may: a sentence when not. */
  readonly opens: (port: number) => string | undefined;
  readonly admits: (from: Verdict, port: number) => string | undefined;
}

/** The same on the other side. */
export async function receive(socket: Socket, self: Self, door: Door): Promise<Met> {
  const sigma = new SigmaResponder(systemRandom, sigmaSelf(self));
  const greet = await expect(socket, "greet", MESSAGE_MS);
  const opens = ({ protocol, port }: { protocol: number; port: number }): boolean =>
    protocol === TCP && door.opens(port) === undefined;
  send(socket, need(socket, sigma.greet(greet, opens)));
  const caller = need(socket, sigma.prove(await expect(socket, "prove", MESSAGE_MS)));
  const known = await door.ask({ id: caller.id });
  if (known === undefined) return refuse(socket, "unreachable", "the Sec-EM does not answer");
  const { verdict } = known;
  if (!known.trusted || verdict === undefined) return refuse(socket, "unknown", known.why);
  const shut = door.admits(verdict, caller.port);
  if (shut !== undefined) return refuse(socket, "port", shut);
  const accepted = need(socket, sigma.accept(verdict.instanceKey));
  send(socket, accepted.message);
  return { channel: accepted.channel, verdict, port: caller.port };
}

function sigmaSelf({ key, id, tenant }: Self): SigmaSelf {
  return { key, id, tenant, suites: SUITES };
}

async function expect<K extends PeerMessage["kind"]>(
  socket: Socket,
  kind: K,
  timeoutMs: number,
): Promise<Extract<PeerMessage, { kind: K }>> {
  const decoded = peerLink.decode(await readFirstFrame(socket, MESSAGE_MAX, timeoutMs));
  if (!decoded.ok) return refuse(socket, "malformed", decoded.sentence);
  const message = decoded.value;
  if (message.kind === kind) return message as Extract<PeerMessage, { kind: K }>;
  if (message.kind === "refused") throw new Error(`the other agent refused: ${message.sentence}`);
  return refuse(socket, "order", `${message.kind} where ${kind} was expected`);
}

function need<T>(socket: Socket, checked: Checked<T>): T {
  return checked.ok ? checked.value : refuse(socket, checked.reason, checked.sentence);
}

function refuse(socket: Socket, ...[reason, sentence]: Parameters<typeof fail>): never {
  const words = sentence.slice(0, 200);
  send(socket, { kind: "refused", reason, sentence: words });
  throw new Error(words);
}

function send(socket: Socket, message: PeerMessage): void {
  socket.write(peerLink.encode(message));
}
