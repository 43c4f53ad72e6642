/**
 * Mutated messages on every connection, and in the middle of a step: a sentence, no exception, no change of
 * state. The seed is fixed; EVPND_FUZZ_MESSAGES makes it longer (a million takes 20 s).
 */
import { expect, test } from "vitest";
import {
  agentLink,
  feedLink,
  FrameReader,
  FRAME_LIMIT,
  openVerdict,
  peerLink,
  proxyLink,
} from "../../../src/asmn/protocol/index.js";
import type { AgentMessage, Frame } from "../../../src/asmn/protocol/index.js";
import { Dice } from "./lib/random.js";
import { sampleAgent, sampleFeed, samplePeer, sampleProxy } from "./lib/samples.js";
import { Connection, enrolled } from "./lib/world.js";

const MESSAGES = Number(process.env["EVPND_FUZZ_MESSAGES"] ?? 100_000);
/** Of them, those that are put into a step: each costs a handshake. */
const STEPS = Math.ceil(MESSAGES / 500);

interface Codec {
  encode(message: unknown): Uint8Array;
  decode(frame: Frame): {
    readonly ok: boolean;
    readonly value?: unknown;
    readonly sentence?: string;
  };
}

const LINKS = [
  [agentLink, sampleAgent()],
  [feedLink, sampleFeed()],
  [peerLink, samplePeer()],
  [proxyLink, sampleProxy()],
].map(([codec, samples]) => ({ codec: codec as Codec, samples: samples as readonly unknown[] }));

/** Cut, flipped, doubled, set, with lengths that lie. */
function mutate(dice: Dice, octets: Uint8Array): Uint8Array {
  let out = Buffer.from(octets);
  for (let n = 1 + dice.roll(4); n > 0; n--) {
    const at = dice.roll(Math.max(1, out.length));
    switch (dice.roll(6)) {
      case 0:
        out[at] = (out[at] ?? 0) ^ (1 << dice.roll(8));
        break;
      case 1:
        out[at] = dice.roll(256);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + 1 + dice.roll(20))]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), Buffer.of(dice.roll(256)), out.subarray(at)]);
        break;
      case 4:
        out = Buffer.concat([out.subarray(0, at), out.subarray(dice.roll(out.length + 1))]);
        break;
      default:
        if (at + 1 < out.length) out.writeUInt16BE(dice.pick([0, 1, 31, 32, 33, 255, 65535]), at);
    }
  }
  return out;
}

test("ASM-62, ASM-63: mutated messages: a sentence or a value with one encoding, never an exception", () => {
  const dice = new Dice(7);
  const encoded = LINKS.flatMap(({ codec, samples }) =>
    samples.map((sample) => ({ codec, octets: codec.encode(sample) })),
  );
  const counts = { refused: 0, taken: 0, other: 0 };
  for (let n = 0; n < MESSAGES; n++) {
    const { codec, octets } = dice.pick(encoded);
    const mutated = mutate(dice, octets);
    const reader = new FrameReader(FRAME_LIMIT);
    let isFramed = false;
    const result = reader.push(mutated, (frame) => {
      isFramed = true;
      const decoded = codec.decode(frame);
      if (decoded.ok) {
        counts.taken++;
        // One encoding: whatever is taken is written again as it came.
        const again = codec.encode(decoded.value);
        const came = Buffer.concat([Buffer.of(frame.type), frame.body]);
        if (!came.equals(again.subarray(5)))
          throw new Error(`two encodings: ${came.toString("hex")}`);
      } else {
        counts.refused++;
        if (!/^[a-z].{8,}/.test(decoded.sentence ?? "")) throw new Error("no sentence");
      }
      return true;
    });
    if (!result.ok || !isFramed) counts.other++;
  }
  expect(counts.refused).toBeGreaterThan(MESSAGES / 6);
  expect(counts.taken).toBeGreaterThan(0);
});

test("ASM-62: random octets as a signed document: nothing is taken", () => {
  const dice = new Dice(8);
  for (let n = 0; n < Math.min(MESSAGES, 5000); n++) {
    const octets = Uint8Array.from({ length: dice.roll(300) }, () => dice.roll(256));
    expect(openVerdict(octets).ok).toBe(false);
  }
});

test("ASM-62, ASM-63: mutated messages in a step: it fails with a reason, and nothing is trusted or lost", async () => {
  const dice = new Dice(9);
  let { world, vnf, entry } = await enrolled("fuzz");
  const changed = new Map<string, number>();
  for (let n = 0; n < STEPS; n++) {
    const target = dice.pick(TARGETS);
    let change: { from: AgentMessage; to: AgentMessage } | undefined;
    const connection = new Connection(world, vnf, (_from, message) => {
      if (message.kind !== target || change !== undefined) return [message];
      const [frame] = framesOf(mutate(dice, agentLink.encode(message)));
      const decoded = frame === undefined ? undefined : agentLink.decode(frame);
      if (decoded?.ok !== true) return []; // refused by the codec, and the connection closed
      change = { from: message, to: decoded.value };
      return [decoded.value];
    });
    const before = world.told(entry).length;
    await connection.run();
    if (change === undefined || isSame(change.from, change.to)) continue;
    changed.set(target, (changed.get(target) ?? 0) + 1);
    if (BINDING.has(target))
      expect(world.told(entry).slice(before), target).not.toContain("trusted");
    if (world.chain(entry).stopped === undefined) continue;
    // Whoever sits inside TLS and changes the proof makes the instance look out of step; nobody else can.
    expect([world.chain(entry).stopped, target]).toEqual(["out-of-sync", "evidence"]);
    ({ world, vnf, entry } = await enrolled(`fuzz ${n}`));
  }
  expect(changed.size).toBeGreaterThan(3);
  await new Connection(world, vnf).run();
  expect(world.told(entry).at(-1)).toBe("trusted");
});

const TARGETS = ["hello", "begin", "challenge", "evidence", "result", "confirm", "done"] as const;
/** A change of these is never trusted. Of the others parts are for people, or only save a message. */
const BINDING: ReadonlySet<string> = new Set(["evidence", "result", "confirm"]);

function isSame(a: AgentMessage, b: AgentMessage): boolean {
  return Buffer.compare(agentLink.encode(a), agentLink.encode(b)) === 0;
}

function framesOf(octets: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  new FrameReader(FRAME_LIMIT).push(octets, (frame) => frames.push(frame) > 0);
  return frames;
}
