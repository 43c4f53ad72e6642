/**
 * Runs a small fabric through a reflector of its own before the real one listens, so that the first
 * table, the first move and the first lost PE meet compiled code and not the interpreter: a PE that
 * dies minutes after a start is withdrawn in half the time. Takes some tenths of a second; nothing
 * of it remains.
 */
import { makeAttribute } from "../fast-bgp-codec/attribute/list.js";
import { Family } from "../fast-bgp-codec/family.js";
import { encodeMessage } from "../fast-bgp-codec/message.js";
import { scanUpdate, UpdateScan, type DecodeContext } from "../fast-bgp-codec/update-scan.js";
import type { Clock } from "../util/clock.js";
import { silentLog } from "../util/log.js";
import {
  PEER_POLICY_DEFAULTS,
  type PeerPolicy,
  type PolicySettings,
} from "./policy/rules/settings.js";
import { Reflector } from "./reflector.js";
import { NEGOTIATED_DEFAULTS, type EstablishedSession, type Negotiated } from "./session/types.js";
import { PEER_OPTION_DEFAULTS, type PeerOptions, type SpeakerSettings } from "./settings.js";

const SESSIONS = 4;
const UPDATES = 250;
const NLRI_PER_UPDATE = 10;
/** Octets of a MAC/IP route without IP address, and where its MAC stands. */
const NLRI_LENGTH = 35;
const MAC_AT = 25;
const RD_AT = 2;

/** Rules that routes will meet. */
export interface WarmUpPolicy {
  readonly policies: readonly PolicySettings[];
  readonly policy: PeerPolicy;
}

/** More rules than these would make the start wait. */
const MOST_RULES = 200;

/** The rules of the first peer that has any; undefined when there are none, or too many. */
export function rulesToWarmUp(settings: SpeakerSettings): WarmUpPolicy | undefined {
  const { policies, peers, dynamic } = settings;
  const ruled = [...peers, ...dynamic].find(
    ({ policy }) => policy.importPolicies.length + policy.exportPolicies.length > 0,
  );
  const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
  if (ruled === undefined || rules > MOST_RULES) return undefined;
  return { policies, policy: ruled.policy };
}

/**
 * Announcements, moves, withdrawals and lost sessions of one small fabric.
 * @param rules of its peers
 * @returns that reflector's statistics at the end
 */
export function warmUp(
  clock: Clock,
  as: number,
  rules?: WarmUpPolicy,
): Readonly<Record<string, number>> {
  let queue: (() => void)[] = [];
  const reflector = new Reflector({
    as,
    routerId: 1,
    clusterId: 1,
    compareMobility: true,
    flushIntervalMs: 0,
    log: silentLog,
    clock,
    soon: (run) => queue.push(run),
  });
  if (rules !== undefined) reflector.policies.configure(rules.policies);
  const policy = rules?.policy ?? PEER_POLICY_DEFAULTS;
  const settle = (): void => {
    while (queue.length > 0) {
      const due = queue;
      queue = [];
      for (const run of due) run();
    }
  };
  const sessions = Array.from({ length: SESSIONS }, (_unused, index) =>
    idleSession(index, as, policy),
  );
  for (const session of sessions) reflector.established(session);
  settle();
  for (const sequence of [0, 1]) {
    for (const [index, session] of sessions.entries()) {
      const announce = announcement(sequence);
      const start = firstNlri(announce);
      for (let n = 0; n < UPDATES; n++) {
        number(announce, start, index, n);
        reflector.update(session, announce, 0, announce.length);
        if (n % 20 === 0) settle();
      }
      settle();
    }
  }
  for (const [index, session] of sessions.entries()) {
    const withdraw = withdrawal();
    const start = firstNlri(withdraw);
    for (let n = 0; n < UPDATES; n += 2) {
      number(withdraw, start, index, n);
      reflector.update(session, withdraw, 0, withdraw.length);
      if (n % 20 === 0) settle();
    }
  }
  for (const session of sessions) {
    reflector.closed(session, { reason: "warm-up", detail: "" });
    settle();
  }
  return reflector.stats();
}

/** An UPDATE whose routes `number` fills in. */
function announcement(sequence: number): Uint8Array {
  return encodeMessage({
    message: "UPDATE",
    attributes: [
      makeAttribute(1, "IGP"),
      makeAttribute(2, []),
      makeAttribute(5, 100),
      makeAttribute(14, { afi: 25, safi: 70, nextHop: "192.0.2.1", nlri: blanks() }),
      makeAttribute(16, [
        "rt:65000:100",
        "encapsulation:8",
        `mac-mobility:sticky=0:seq=${sequence}`,
      ]),
    ],
  });
}

function withdrawal(): Uint8Array {
  return encodeMessage({
    message: "UPDATE",
    attributes: [makeAttribute(15, { afi: 25, safi: 70, withdrawn: blanks() })],
  });
}

function blanks() {
  return Array.from({ length: NLRI_PER_UPDATE }, () => ({
    type: 2 as const,
    rd: "1:192.0.2.1:100",
    esi: "00".repeat(10),
    ethTag: 0,
    macLen: 48,
    mac: "02:00:00:00:00:00",
    ipLen: 0,
    ip: null,
    label1: { raw: "000064", vni24: 100, mpls20: 6, bos: 0 },
    label2: null,
  }));
}

/** Gives the message's routes, the first of them at `start`, RDs and MACs of their own. */
function number(message: Uint8Array, start: number, session: number, update: number): void {
  for (let i = 0; i < NLRI_PER_UPDATE; i++) {
    const at = start + i * NLRI_LENGTH;
    message[at + RD_AT + 5] = session;
    const value = update * NLRI_PER_UPDATE + i;
    message[at + MAC_AT + 4] = value >>> 8;
    message[at + MAC_AT + 5] = value;
  }
}

/** Where the routes of a message of ours begin. */
function firstNlri(message: Uint8Array): number {
  const scan = new UpdateScan();
  scanUpdate(message, 0, message.length, CONTEXT, scan);
  return scan.reachFamily >= 0 ? scan.reachStart : scan.unreachStart;
}

function idleSession(index: number, as: number, policy: PeerPolicy): EstablishedSession {
  return {
    id: index,
    peerAddress: `127.0.0.${index + 1}`,
    localAddress: "127.0.0.1",
    options: { ...OPTIONS, policy },
    negotiated: { ...NEGOTIATED, localAs: as, peerAs: as, peerId: index + 2 },
    pendingBytes: 0,
    send() {},
    sendMany() {},
    pause() {},
    resume() {},
    reset() {},
  };
}

const CONTEXT: DecodeContext = {
  as4: true,
  ibgp: true,
  peerAs: 0,
  families: 1 << Family.Evpn,
  addPath: 0,
  malformedNlri: "drop",
};

const OPTIONS: PeerOptions = {
  ...PEER_OPTION_DEFAULTS,
  passive: true,
  extendedMessage: false,
};

const NEGOTIATED: Negotiated = { ...NEGOTIATED_DEFAULTS, families: 1 << Family.Evpn };
