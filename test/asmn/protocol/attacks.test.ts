/** Attacks on a step by somebody on the way, or with keys of their own: refused, and nothing has changed. */
import { describe, expect, test } from "vitest";
import {
  agree,
  isPublicKey,
  makeEphemeral,
  sha256,
  signLabelled,
  verifyLabelled,
} from "../../../src/asmn/crypto/index.js";
import { agentLink, encodeTranscript, VERSION } from "../../../src/asmn/protocol/index.js";
import type { AgentMessage } from "../../../src/asmn/protocol/index.js";
import { testKey } from "./lib/keys.js";
import { seededRandom } from "./lib/random.js";
import { Connection, enrolled, NAMES, recode, Vnf } from "./lib/world.js";
import type { Side } from "./lib/world.js";

type Change = (message: AgentMessage) => AgentMessage;

/** Runs a renewal in which messages of one kind are changed on the way; gives how it ended. */
async function changed(kind: AgentMessage["kind"], change: Change): Promise<string> {
  const { world, vnf, entry } = await enrolled();
  const before = { chain: world.chain(entry), counter: vnf.state.chain?.counter };
  const connection = new Connection(world, vnf, (_from, message) => [
    message.kind === kind ? change(message) : message,
  ]);
  await connection.run();
  expect(connection.closed).toBe(true);
  const after = world.chain(entry);
  expect(after.confirmed).toEqual(before.chain.confirmed);
  expect(after.stopped).toBeUndefined();
  const { message } = connection.seen.findLast((one) => one.message.kind === "refused") ?? {};
  return message?.kind === "refused" ? message.reason : "none";
}

const flip = (octets: Uint8Array): Uint8Array =>
  octets.map((octet, at) => (at === 0 ? octet ^ 1 : octet));

describe("ASM-63: everything of the exchange is under the signature", () => {
  test.each<[string, AgentMessage["kind"], Change]>([
    [
      "nonce of the agent",
      "begin",
      (m) => (m.kind === "begin" ? { ...m, nonce: flip(m.nonce) } : m),
    ],
    [
      "suites of the agent",
      "begin",
      (m) => (m.kind === "begin" ? { ...m, suites: ["aes-256-gcm"] } : m),
    ],
    [
      "suites of the Sec-EM",
      "hello",
      (m) => (m.kind === "hello" ? { ...m, suites: ["chacha20-poly1305"] } : m),
    ],
    [
      "nonce of the Sec-EM",
      "challenge",
      (m) => (m.kind === "challenge" ? { ...m, nonce: flip(m.nonce) } : m),
    ],
    [
      "ephemeral key of the Sec-EM",
      "challenge",
      (m) => (m.kind === "challenge" ? { ...m, ephemeral: flip(m.ephemeral) } : m),
    ],
    [
      "suite that was chosen",
      "challenge",
      (m) => (m.kind === "challenge" ? { ...m, suite: "chacha20-poly1305" } : m),
    ],
    ["epoch", "challenge", (m) => (m.kind === "challenge" ? { ...m, epoch: 9 } : m)],
    ["time", "challenge", (m) => (m.kind === "challenge" ? { ...m, time: m.time + 1 } : m)],
    ["window", "challenge", (m) => (m.kind === "challenge" ? { ...m, windowSeconds: 600 } : m)],
    [
      "ephemeral key of the agent",
      "evidence",
      (m) => (m.kind === "evidence" ? { ...m, ephemeral: flip(m.ephemeral) } : m),
    ],
    ["counter", "evidence", (m) => (m.kind === "evidence" ? { ...m, counter: m.counter + 1 } : m)],
    ["image", "evidence", (m) => (m.kind === "evidence" ? { ...m, image: flip(m.image) } : m)],
    [
      "manifest",
      "evidence",
      (m) => (m.kind === "evidence" ? { ...m, manifest: flip(m.manifest) } : m),
    ],
    [
      "list of allowed changes",
      "evidence",
      (m) => (m.kind === "evidence" ? { ...m, allowed: sha256() } : m),
    ],
    ["catalog", "evidence", (m) => (m.kind === "evidence" ? { ...m, catalogVersion: 2 } : m)],
    ["root of trust", "evidence", (m) => (m.kind === "evidence" ? { ...m, root: "platform" } : m)],
    [
      "document of the root of trust",
      "evidence",
      (m) => (m.kind === "evidence" ? { ...m, rootDocument: Uint8Array.of(1) } : m),
    ],
    [
      "signature",
      "evidence",
      (m) => (m.kind === "evidence" ? { ...m, signature: flip(m.signature) } : m),
    ],
    ["result", "result", (m) => (m.kind === "result" ? { ...m, lifetimeSeconds: 1e6 } : m)],
    [
      "state in the result",
      "result",
      (m) => (m.kind === "result" ? { ...m, state: "untrusted" } : m),
    ],
    [
      "sealed key",
      "result",
      (m) => (m.kind === "result" && m.sealed ? { ...m, sealed: flip(m.sealed) } : m),
    ],
    [
      "signature of the Sec-EM",
      "result",
      (m) => (m.kind === "result" ? { ...m, signature: flip(m.signature) } : m),
    ],
    [
      "confirmation of the Sec-EM",
      "result",
      (m) => (m.kind === "result" ? { ...m, confirmation: flip(m.confirmation) } : m),
    ],
    [
      "confirmation of the agent",
      "confirm",
      (m) => (m.kind === "confirm" ? { ...m, confirmation: flip(m.confirmation) } : m),
    ],
  ])("%s", async (_what, kind, change) => {
    expect(await changed(kind, change)).toBe("signature");
  });

  test("ID of the instance, and names", async () => {
    const other: Change = (m) => (m.kind === "challenge" ? { ...m, id: flip(m.id) } : m);
    expect(await changed("challenge", other)).toBe("malformed");
    const name: Change = (m) => (m.kind === "begin" ? { ...m, instance: "edge-9" } : m);
    expect(await changed("begin", name)).toBe("unknown");
  });

  test("ASM-63: the proof under the chain is over the same: a wrong one stops the instance", async () => {
    const { world, vnf, entry } = await enrolled();
    const connection = new Connection(world, vnf);
    connection.meddle = (_from, message) => [
      message.kind === "evidence" && message.proof !== undefined
        ? { ...message, proof: flip(message.proof) }
        : message,
    ];
    await connection.run();
    expect(world.chain(entry).stopped).toBe("out-of-sync");
  });
});

test("ASM-62: evidence that was recorded is refused on any other connection, and changes nothing", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  await connection.renew();
  const recorded = connection.seen
    .filter(({ from }) => from === "agent")
    .map(({ message }) => message);
  const before = entry.chain;
  for (const first of recorded.filter(({ kind }) => kind === "begin")) {
    for (const second of recorded.filter(({ kind }) => kind === "evidence")) {
      // The strongest case: even the TLS key is the instance's.
      const link = world.link(world.random(32), vnf.key.publicKey);
      link.hello();
      await link.receive(first);
      const output = await link.receive(second);
      expect(output.close).toBe(true);
      expect(output.send[0]).toMatchObject({ kind: "refused" });
      expect(entry.chain).toEqual(before);
    }
  }
});

test("ASM-62, ASM-63: a genuine agent's answer relayed over another connection does not serve there", async () => {
  const { world, vnf, entry } = await enrolled();
  // The man in the middle ends TLS on both sides with keys of his own; here he even has the instance's.
  const front = vnf.link(world.random(32), () => Date.UTC(2026, 0, 1));
  const back = world.link(world.random(32), vnf.key.publicKey);
  const before = entry.chain;
  let toAgent: readonly AgentMessage[] = [back.hello()];
  let closed = false;
  while (toAgent.length > 0 && !closed) {
    const answers: AgentMessage[] = [];
    for (const message of toAgent) answers.push(...(await front.receive(recode(message))).send);
    toAgent = [];
    for (const message of answers) {
      const output = await back.receive(recode(message));
      world.events.push(...output.events);
      toAgent = output.send;
      closed ||= output.close;
    }
  }
  expect(world.events.at(-1)).toMatchObject({ kind: "refused", fault: { reason: "signature" } });
  expect(entry.chain).toEqual(before);
});

test("ASM-63: reflection: no message of one side is taken when it comes back to it", async () => {
  const { world, vnf, entry, connection } = await enrolled();
  const all = [...connection.seen];
  const before = entry.chain;
  for (const { from, message } of all) {
    const mirrored = await new Connection(world, vnf).run();
    const other: Side = from === "agent" ? "sec-em" : "agent";
    const chain = entry.chain;
    mirrored.put(other, [message]);
    await mirrored.run();
    expect(mirrored.closed, `${message.kind} back to the ${from}`).toBe(true);
    expect(entry.chain).toEqual(chain);
  }
  expect(entry.chain).not.toEqual(before);
});

test("ASM-63: misbinding: an agent with its own key and chain cannot speak for another instance", async () => {
  const { world, vnf } = await enrolled();
  const other = { ...NAMES, instance: "edge-2" };
  const { token, entry } = world.issue(other);
  const second = new Vnf(other, token);
  await new Connection(world, second).run();
  // It names the first one.
  const liar = new Connection(world, second);
  liar.meddle = (from, message) => [
    from === "agent" && message.kind === "begin"
      ? { ...message, instance: vnf.names.instance }
      : message,
  ];
  await liar.run();
  expect(world.events.at(-1)).toMatchObject({ kind: "refused", fault: { reason: "wrong-key" } });
  expect(world.told(entry)).toEqual(["trusted"]);
});

describe("ASM-63: downgrade", () => {
  test("a suite that nobody has, or that was not offered", async () => {
    const { world, vnf } = await enrolled();
    vnf.suites = ["chacha20-poly1305"];
    world.suites = ["aes-256-gcm"];
    const connection = await new Connection(world, vnf).run();
    expect(world.events.at(-1)).toMatchObject({ fault: { reason: "suite" } });
    expect(connection.closed).toBe(true);
    vnf.suites = ["aes-256-gcm"];
    const forced = new Connection(world, vnf);
    forced.meddle = (_from, message) => [
      message.kind === "challenge" ? { ...message, suite: "chacha20-poly1305" } : message,
    ];
    await forced.run();
    expect(vnf.events.at(-1)).toMatchObject({ kind: "refused", fault: { reason: "suite" } });
  });

  test("ASM-72: there is one mode and one version in what is signed; paper mode has no codec here", () => {
    const zero = new Uint8Array(32);
    const transcript = encodeTranscript({
      suite: "aes-256-gcm",
      secEmSuites: ["aes-256-gcm"],
      agentSuites: ["aes-256-gcm"],
      purpose: "renew",
      exporter: zero,
      agentNonce: zero,
      secEmNonce: zero,
      agentEphemeral: zero,
      secEmEphemeral: zero,
      tenant: "red",
      vnf: "edge",
      instance: "edge-1",
      id: zero,
      secEm: "em1",
      transportKey: zero,
      epoch: 1,
      instanceKey: zero,
      counter: 1,
      image: zero,
      manifest: zero,
      catalogVersion: 1,
      catalogDigest: zero,
      root: "none",
      rootDigest: zero,
      time: 0,
      windowSeconds: 60,
      tokenId: undefined,
      allowed: undefined,
    });
    // tag 1, mode: 1 octet, sound; tag 2, version: 2 octets.
    expect([...transcript.subarray(0, 9)]).toEqual([1, 0, 1, 1, 2, 0, 2, 0, VERSION]);
    const hello = recodeMode(2);
    expect(hello).toMatch(/hello: mode: expected one of 1 \(sound\)/);
  });
});

test("ASM-63: cross-protocol: what was signed as one thing is nothing else", () => {
  const key = testKey("someone");
  const body = sha256(Buffer.from("body"));
  const labels = ["evidence", "enrol", "result", "verdict", "heartbeat", "certificate"] as const;
  for (const label of labels) {
    const signature = signLabelled(key, label, body);
    for (const other of labels)
      expect(verifyLabelled(key.publicKey, other, body, signature)).toBe(label === other);
  }
  // A label cannot be moved into the body.
  const shifted = signLabelled(key, "evidence", Buffer.from("x"));
  expect(verifyLabelled(key.publicKey, "enrol", Buffer.from("x"), shifted)).toBe(false);
});

test("ASM-60: keys of small order stand for nobody, and secrets of zero abort", async () => {
  const small = ["00", "01"].map((first) => Buffer.from(first + "00".repeat(31), "hex"));
  for (const point of small) {
    expect(isPublicKey(point)).toBe(false);
    expect(agree(makeEphemeral(seededRandom("x")), point)).toBeUndefined();
    // With such a key, this signature would be valid for every message.
    const forged = Buffer.concat([Buffer.from("01" + "00".repeat(31), "hex"), Buffer.alloc(32)]);
    expect(verifyLabelled(point, "evidence", Buffer.from("anything"), forged)).toBe(false);
  }
  const { world, vnf, entry } = await enrolled();
  const connection = new Connection(world, vnf);
  // The agent itself sends a zero key, properly signed: simulated by zeroing the Sec-EM's half.
  connection.meddle = (_from, message) => [
    message.kind === "challenge" ? { ...message, ephemeral: new Uint8Array(32) } : message,
  ];
  await connection.run();
  expect(connection.closed).toBe(true);
  expect(world.chain(entry).confirmed?.counter).toBe(1);
});

/** Decodes a hello whose mode has that code. */
function recodeMode(code: number): string {
  const message = {
    kind: "hello",
    mode: "sound",
    secEm: "em1",
    suites: [],
    time: 0,
    certificates: [],
  } as const;
  const octets = agentLink.encode(message);
  octets[9] = code;
  const decoded = agentLink.decode({ type: octets[5] ?? 0, body: octets.subarray(6) });
  return decoded.ok ? "taken" : decoded.sentence;
}
