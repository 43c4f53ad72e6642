/**
 * Known answers: a whole enrolment, a renewal, an exchange of two VNFs and the signed documents, from fixed
 * seeds. A difference is a change of the protocol on the wire: it needs a new version number.
 * EVPND_UPDATE_VECTORS=1 writes the file anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { instanceId, sha256 } from "../../../src/asmn/crypto/index.js";
import {
  agentLink,
  encodeAgentState,
  encodeChain,
  peerLink,
  SigmaInitiator,
  SigmaResponder,
  signHeartbeat,
  signVerdict,
} from "../../../src/asmn/protocol/index.js";
import type { PeerMessage } from "../../../src/asmn/protocol/index.js";
import { CERTIFICATES, START, testKey, VERDICT } from "./lib/keys.js";
import { seededRandom } from "./lib/random.js";
import { enrolled, NAMES } from "./lib/world.js";

const FILE = "test/asmn/protocol/vectors.json";
const hex = (octets: Uint8Array) => Buffer.from(octets).toString("hex");

async function stepVectors() {
  const { world, vnf, entry, connection } = await enrolled("vectors");
  await connection.renew();
  return {
    messages: connection.seen.map(({ from, message }) => ({
      from,
      kind: message.kind,
      octets: hex(agentLink.encode(message)),
    })),
    secEm: hex(encodeChain(world.chain(entry))),
    agent: hex(encodeAgentState(vnf.state)),
  };
}

function peerVectors() {
  const party = (instance: string) => ({
    key: testKey(instance),
    id: instanceId({ tenant: "red", vnf: "edge", instance }, new Uint8Array(16)),
    tenant: "red",
    suites: ["chacha20-poly1305"] as const,
  });
  const [a, b] = [party("a"), party("b")];
  const random = seededRandom("peer vectors");
  const wanted = { id: b.id, key: b.key.publicKey };
  const left = new SigmaInitiator(random, a, wanted, { protocol: 6, port: 179 });
  const right = new SigmaResponder(random, b);
  const greet = left.greet();
  const reply = right.greet(greet, () => true);
  if (!reply.ok) throw new Error(reply.sentence);
  const prove = left.reply(reply.value);
  if (!prove.ok) throw new Error(prove.sentence);
  const caller = right.prove(prove.value);
  if (!caller.ok) throw new Error(caller.sentence);
  const accepted = right.accept(a.key.publicKey);
  if (!accepted.ok) throw new Error(accepted.sentence);
  const { message, channel } = accepted.value;
  const messages: PeerMessage[] = [greet, reply.value, prove.value, message];
  return {
    messages: messages.map((one) => ({ kind: one.kind, octets: hex(peerLink.encode(one)) })),
    data: hex(channel.seal(Buffer.from("data of the responder"))),
    end: hex(channel.end()),
  };
}

function documentVectors() {
  const verdict = signVerdict(
    {
      secEm: "em1",
      audience: "rr1",
      ...NAMES,
      id: instanceId(NAMES, new Uint8Array(16)),
      instanceKey: testKey("edge-1").publicKey,
      state: "untrusted",
      reason: "revoked",
      sentence: "by mary",
      addresses: ["192.0.2.1"],
      as: 65001,
      routerId: undefined,
      binding: "address",
      md5Commitment: undefined,
      catalogVersion: 1,
      catalogDigest: sha256(),
      root: "none",
      epoch: 1,
      serial: 2,
      issued: START,
      lifetimeSeconds: 300,
      counter: 3,
      proven: START,
    },
    VERDICT,
  );
  const heartbeat = signHeartbeat(
    {
      secEm: "em1",
      audience: "rr1",
      nonce: new Uint8Array(32),
      sequence: 1,
      time: START,
      epoch: 1,
      revocation: 4,
      intervalSeconds: 5,
    },
    VERDICT,
  );
  return { certificates: CERTIFICATES.map(hex), verdict: hex(verdict), heartbeat: hex(heartbeat) };
}

test("ASM-61, ASM-63, ASM-67: the octets of the protocol are what they were", async () => {
  const vectors = { step: await stepVectors(), peer: peerVectors(), documents: documentVectors() };
  const text = `${JSON.stringify(vectors, undefined, 2)}\n`;
  if (process.env["EVPND_UPDATE_VECTORS"] === "1") writeFileSync(FILE, text);
  expect(JSON.parse(readFileSync(FILE, "utf8"))).toEqual(vectors);
});
