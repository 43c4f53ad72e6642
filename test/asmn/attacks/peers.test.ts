/** The attacks on the traffic of two VNFs, against the exchange of sound mode: none succeeds. */
import { describe, expect, test } from "vitest";
import {
  agree,
  generateSigningKey,
  makeEphemeral,
  SUITES,
  systemRandom,
} from "../../../src/asmn/crypto/index.js";
import type { Channel } from "../../../src/asmn/protocol/channel.js";
import { FrameReader, type Frame } from "../../../src/asmn/protocol/index.js";
import type { Greet, Prove, Reply } from "../../../src/asmn/protocol/peer-messages.js";
import {
  SigmaInitiator,
  SigmaResponder,
  type SigmaSelf,
} from "../../../src/asmn/protocol/sigma.js";
import { deriveSigma, openIdentity } from "../../../src/asmn/protocol/sigma-keys.js";
import type { Checked } from "../../../src/asmn/protocol/words.js";
import { IMAGE } from "./sound-lab.js";

const BGP = { protocol: 6, port: 179 } as const;
const all = (): boolean => true;

function vnf(): SigmaSelf {
  return {
    key: generateSigningKey(),
    ...{ id: systemRandom(32), tenant: "tenant-1", suites: SUITES },
  };
}

function must<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw new Error(checked.sentence);
}

interface Exchange {
  readonly greet: Greet;
  readonly reply: Reply;
  readonly prove: Prove;
  readonly from: Channel;
  readonly to: Channel;
}

/** What passed, and both ends of what came of it. */
function talk(one: SigmaSelf, other: SigmaSelf): Exchange {
  const peer = { id: other.id, key: other.key.publicKey };
  const initiator = new SigmaInitiator(systemRandom, one, peer, BGP);
  const responder = new SigmaResponder(systemRandom, other);
  const greet = initiator.greet();
  const reply = must(responder.greet(greet, all));
  const prove = must(initiator.reply(reply));
  must(responder.prove(prove));
  const { message, channel } = must(responder.accept(one.key.publicKey));
  return { greet, reply, prove, from: must(initiator.accept(message)), to: channel };
}

function frameOf(octets: Uint8Array): Frame {
  let found: Frame | undefined;
  new FrameReader().push(octets, (frame) => {
    found = frame;
    return true;
  });
  if (found === undefined) throw new Error("no frame");
  return found;
}

describe("key recovery", () => {
  test("ASM-73, ASM-60: who has both images and all that passed cannot open a thing", () => {
    const { greet, reply } = talk(vnf(), vnf());
    const wire = Buffer.concat([
      ...[greet.initiator, greet.responder, greet.nonce, greet.ephemeral],
      ...[reply.nonce, reply.ephemeral, reply.sealed],
    ]);
    const windows = Array.from({ length: wire.length - 31 }, (_, at) => wire.subarray(at, at + 32));
    for (const guess of [IMAGE, new Uint8Array(32), ...windows]) {
      const own = makeEphemeral(() => guess);
      const secrets = [greet.ephemeral, reply.ephemeral].map((key) => agree(own, key));
      for (const secret of [guess, ...secrets]) {
        if (secret === undefined) continue;
        const keys = deriveSigma(greet, reply, secret);
        expect(openIdentity(keys, "responder", greet, reply.sealed).ok).toBe(false);
      }
    }
  });
});

describe("replay", () => {
  test("ASM-73, ASM-62: a recorded exchange is worth nothing at a fresh responder", () => {
    const [one, other] = [vnf(), vnf()];
    const recorded = talk(one, other);
    const responder = new SigmaResponder(systemRandom, other);
    expect(must(responder.greet(recorded.greet, all)).ephemeral).not.toEqual(
      recorded.reply.ephemeral,
    );
    expect(responder.prove(recorded.prove)).toMatchObject({ ok: false, reason: "signature" });
    expect(responder.accept(one.key.publicKey)).toMatchObject({ ok: false, reason: "order" });
  });

  test("ASM-62: a recorded reply is worth nothing at a fresh initiator", () => {
    const [one, other] = [vnf(), vnf()];
    const recorded = talk(one, other);
    const peer = { id: other.id, key: other.key.publicKey };
    const initiator = new SigmaInitiator(systemRandom, one, peer, BGP);
    initiator.greet();
    expect(initiator.reply(recorded.reply)).toMatchObject({ ok: false, reason: "signature" });
  });

  test("ASM-73, ASM-62: recorded traffic is not accepted a second time", () => {
    const { from, to } = talk(vnf(), vnf());
    const [first, second] = [from.seal(Buffer.from("once")), from.seal(Buffer.from("twice"))];
    expect(to.open(frameOf(first)).ok).toBe(true);
    expect(to.open(frameOf(first))).toMatchObject({ ok: false, reason: "signature" });
    expect(to.open(frameOf(second)).ok).toBe(true);
  });
});

describe("the further weaknesses", () => {
  test("ASM-63: what a side sent is refused when it comes back", () => {
    const [one, other] = [vnf(), vnf()];
    const peer = { id: other.id, key: other.key.publicKey };
    const initiator = new SigmaInitiator(systemRandom, one, peer, BGP);
    const greet = initiator.greet();
    expect(new SigmaResponder(systemRandom, one).greet(greet, all)).toMatchObject({ ok: false });
    const { suite } = must(new SigmaResponder(systemRandom, other).greet(greet, all));
    const { nonce, ephemeral } = greet;
    const mirrored: Reply = { kind: "reply", suite, nonce, ephemeral, sealed: new Uint8Array(64) };
    expect(initiator.reply(mirrored)).toMatchObject({ ok: false, reason: "signature" });
    const { from } = talk(one, other);
    const frame = from.seal(Buffer.from("to the other"));
    expect(from.open(frameOf(frame))).toMatchObject({ ok: false, reason: "signature" });
  });

  test("ASM-63: another key under somebody's ID is not taken for him", () => {
    const [one, other] = [vnf(), vnf()];
    const fake: SigmaSelf = { ...other, key: generateSigningKey() };
    const peer = { id: other.id, key: other.key.publicKey };
    const initiator = new SigmaInitiator(systemRandom, one, peer, BGP);
    const reply = must(new SigmaResponder(systemRandom, fake).greet(initiator.greet(), all));
    expect(initiator.reply(reply)).toMatchObject({ ok: false, reason: "wrong-key" });
  });

  test("ASM-69: not a bit of the traffic can be changed", () => {
    const { from, to } = talk(vnf(), vnf());
    const sealed = from.seal(Buffer.from("permit  10.0.0.1"));
    const { type, body } = frameOf(sealed);
    for (let bit = 0; bit < body.length * 8; bit++) {
      const altered = Uint8Array.from(body);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(to.open({ type, body: altered })).toMatchObject({ ok: false, reason: "signature" });
    }
    expect(to.open({ type, body }).ok).toBe(true);
  });
});
