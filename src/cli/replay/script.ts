/**
 * What the peers of a recording said, as a script: who connects when, with which OPEN, and every
 * message behind it in order of time. What evpnd said in the recording is left out: a fresh one is to
 * answer for itself.
 */
import { decodeOpen, openAs } from "../../fast-bgp-codec/open.js";
import { isFault } from "../../fast-bgp-codec/fault.js";
import { MessageType } from "../../fast-bgp-codec/iana.js";
import { readBgpMessages, type CapturedMessage } from "../capture/bgp-stream.js";
import { readCapture } from "../capture/capture-file.js";
import { segmentOf } from "../capture/segment.js";

export interface ScriptPeer {
  /** As in the recording. */
  readonly address: string;
  readonly as: number;
  readonly bgpId: string;
  messages: number;
}

export type ScriptStep =
  | { readonly kind: "open"; readonly peer: ScriptPeer; readonly bytes: Uint8Array }
  | { readonly kind: "message"; readonly peer: ScriptPeer; readonly bytes: Uint8Array }
  /** The connection ended without a NOTIFICATION of the peer's. */
  | { readonly kind: "close"; readonly peer: ScriptPeer };

export interface Script {
  readonly peers: readonly ScriptPeer[];
  readonly steps: readonly ScriptStep[];
  /** What evpnd called itself, from its OPENs. */
  readonly evpnd: { readonly as: number; readonly bgpId: string } | undefined;
  /** For people: what was passed over. */
  readonly notes: readonly string[];
}

/** The file does not say which side evpnd was, or holds nothing to play. */
export class ScriptError extends Error {}

interface Timed {
  readonly time: number;
  readonly step: ScriptStep;
}

/** @param local evpnd's address in the recording; needed where the file does not say which packets it sent */
export function readScript(file: Uint8Array, local: string | undefined): Script {
  const report = { notes: [] as string[] };
  const messages = [...readBgpMessages(file, report)];
  const isOurs = whoIsEvpnd(messages, local);
  const peers = new Map<string, ScriptPeer>();
  const connections = new Map<string, ScriptPeer>();
  const timed: Timed[] = [];
  let evpnd: Script["evpnd"];
  for (const message of messages) {
    const type = message.bytes[18];
    const time = message.time ?? 0;
    if (isOurs(message)) {
      evpnd ??= type === MessageType.Open ? whoSays(message.bytes) : undefined;
      continue;
    }
    if (type === MessageType.Open) {
      const peer = peerOf(message, peers);
      if (peer === undefined) continue;
      connections.set(message.connection, peer);
      timed.push({ time, step: { kind: "open", peer, bytes: message.bytes } });
    } else if (type !== MessageType.Keepalive) {
      const peer = connections.get(message.connection);
      if (peer === undefined) {
        report.notes.push(`${message.source}: a message without an OPEN before it is left out`);
        continue;
      }
      peer.messages++;
      timed.push({ time, step: { kind: "message", peer, bytes: message.bytes } });
    }
  }
  for (const [connection, time] of ends(file)) {
    const peer = connections.get(connection);
    if (peer !== undefined) timed.push({ time, step: { kind: "close", peer } });
  }
  if (timed.length === 0) throw new ScriptError("no peer opens a session in this recording");
  timed.sort((a, b) => a.time - b.time);
  const steps = timed.map(({ step }) => step);
  return { peers: [...peers.values()], steps, evpnd, notes: report.notes };
}

function whoIsEvpnd(
  messages: readonly CapturedMessage[],
  local: string | undefined,
): (message: CapturedMessage) => boolean {
  if (local !== undefined) return ({ source }) => hostOf(source) === local;
  if (messages.every(({ outgoing }) => outgoing !== undefined)) {
    return ({ outgoing }) => outgoing === true;
  }
  // The one end that all connections have in common.
  const pairs = new Set(messages.map(({ connection }) => connection));
  const counts = new Map<string, number>();
  for (const pair of pairs) {
    for (const host of new Set(pair.split(" ").map(hostOf))) {
      counts.set(host, (counts.get(host) ?? 0) + 1);
    }
  }
  const common = [...counts].filter(([, count]) => count === pairs.size).map(([host]) => host);
  const [only] = common;
  if (only !== undefined && common.length === 1) return ({ source }) => hostOf(source) === only;
  throw new ScriptError("the file does not say which side evpnd was: say it with --local ADDRESS");
}

function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
}

function whoSays(bytes: Uint8Array): { as: number; bgpId: string } | undefined {
  const open = decodeOpen(bytes, 0, bytes.length);
  return isFault(open) ? undefined : { as: openAs(open), bgpId: open.bgpId };
}

function peerOf(message: CapturedMessage, peers: Map<string, ScriptPeer>): ScriptPeer | undefined {
  const address = hostOf(message.source);
  const known = peers.get(address);
  if (known !== undefined) return known;
  const said = whoSays(message.bytes);
  if (said === undefined) return undefined;
  const peer = { address, ...said, messages: 0 };
  peers.set(address, peer);
  return peer;
}

/** When each connection ended, by FIN or RST of either side. */
function ends(file: Uint8Array): Map<string, number> {
  const found = new Map<string, number>();
  for (const frame of readCapture(file)) {
    const segment = segmentOf(frame);
    if (segment?.isLast !== true) continue;
    const { source, sourcePort, destination, destinationPort, time } = segment;
    const names = [endpoint(source, sourcePort), endpoint(destination, destinationPort)].sort();
    const connection = names.join(" ");
    if (!found.has(connection)) found.set(connection, time ?? 0);
  }
  return found;
}

function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
