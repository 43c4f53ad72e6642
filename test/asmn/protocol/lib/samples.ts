/** One of each message, with fields filled. */
import type {
  AgentMessage,
  FeedMessage,
  PeerMessage,
  ProxyMessage,
} from "../../../../src/asmn/protocol/index.js";
import { CERTIFICATES } from "./keys.js";
import { seededRandom } from "./random.js";

const random = seededRandom("samples");
const names = { tenant: "red", vnf: "edge", instance: "edge-1" } as const;

const REFUSED = { kind: "refused", reason: "clone", sentence: "two of them" } as const;
const HELLO = {
  kind: "hello",
  mode: "sound",
  secEm: "em1",
  suites: ["aes-256-gcm", "chacha20-poly1305"],
  time: 1_767_225_600_000,
  certificates: CERTIFICATES,
} as const;
const CATALOG = {
  kind: "catalog",
  tenant: "red",
  version: 4,
  digest: random(32),
  part: 0,
  parts: 1,
  octets: random(100),
} as const;
const HEARTBEAT = { kind: "heartbeat", document: random(200) } as const;

export function sampleAgent(): readonly AgentMessage[] {
  return [
    HELLO,
    {
      kind: "begin",
      purpose: "enrol",
      ...names,
      nonce: random(32),
      suites: ["chacha20-poly1305"],
      catalogVersion: 0,
      catalogDigest: new Uint8Array(32),
      tokenId: random(16),
    },
    {
      kind: "challenge",
      nonce: random(32),
      suite: "aes-256-gcm",
      ephemeral: random(32),
      id: random(32),
      idNonce: random(16),
      epoch: 3,
      catalogVersion: 4,
      catalogDigest: random(32),
      time: 1_767_225_600_000,
      windowSeconds: 60,
    },
    {
      kind: "evidence",
      ephemeral: random(32),
      counter: 5,
      image: random(32),
      manifest: random(32),
      catalogVersion: 4,
      catalogDigest: random(32),
      root: "platform",
      rootDocument: random(300),
      signature: random(64),
      proof: random(32),
      tokenSignature: undefined,
      allowed: random(32),
    },
    {
      kind: "result",
      counter: 5,
      state: "trusted",
      reason: "none",
      sentence: "",
      lifetimeSeconds: 300,
      renewSeconds: 60,
      binding: "tcp-md5",
      sealed: random(48),
      signature: random(64),
      confirmation: random(32),
    },
    { kind: "confirm", counter: 5, confirmation: random(32) },
    { kind: "done", counter: 5 },
    REFUSED,
    { kind: "prompt", sentence: "verify" },
    { kind: "notice", state: "untrusted", reason: "revoked", sentence: "by mary" },
    CATALOG,
    { kind: "ask", request: 1, vnf: "edge", instance: undefined, id: random(32), maxAgeSeconds: 5 },
    {
      kind: "answer",
      request: 1,
      time: 7,
      state: "trusted",
      reason: "none",
      sentence: "",
      verdict: random(400),
    },
    HEARTBEAT,
    { kind: "keys", certificates: CERTIFICATES },
  ];
}

export function sampleFeed(): readonly FeedMessage[] {
  return [
    HELLO,
    REFUSED,
    CATALOG,
    HEARTBEAT,
    { kind: "subscribe", audience: "rr1", reader: "gate", nonce: random(32) },
    { kind: "item", verdict: random(500), md5Key: random(32), revocation: 2 },
    { kind: "gone", id: random(32), serial: 9 },
    { kind: "marker", items: 1, catalogs: 1, revocation: 2 },
    { kind: "applied", revocation: 2 },
    { kind: "keys", certificates: CERTIFICATES },
    { kind: "glass", document: random(300) },
    { kind: "glass-end", serial: 1 },
  ];
}

export function samplePeer(): readonly PeerMessage[] {
  return [
    {
      kind: "greet",
      mode: "sound",
      suites: ["aes-256-gcm"],
      tenant: "red",
      initiator: random(32),
      responder: random(32),
      protocol: 6,
      port: 179,
      nonce: random(32),
      ephemeral: random(32),
    },
    {
      kind: "reply",
      suite: "aes-256-gcm",
      nonce: random(32),
      ephemeral: random(32),
      sealed: random(153),
    },
    { kind: "prove", sealed: random(153) },
    { kind: "accept", sealed: random(48) },
    REFUSED,
  ];
}

export function sampleProxy(): readonly ProxyMessage[] {
  return [
    { kind: "bind", tenant: "red", id: random(32), router: "192.0.2.1" },
    { kind: "bound", audience: "rr1" },
    REFUSED,
  ];
}
