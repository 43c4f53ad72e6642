/** Frames, fields and values: one encoding each, and a sentence for everything else. */
import { describe, expect, test } from "vitest";
import {
  agentLink,
  CatalogAssembler,
  feedLink,
  FRAME_LIMIT,
  FrameReader,
  makeToken,
  parseToken,
  peerLink,
  proxyLink,
  splitCatalog,
  STRANGER_LIMIT,
} from "../../../src/asmn/protocol/index.js";
import type { Frame } from "../../../src/asmn/protocol/index.js";
import {
  address,
  bool,
  choice,
  list,
  name,
  sentence,
  u16,
  u64,
} from "../../../src/asmn/protocol/kinds.js";
import { sha256 } from "../../../src/asmn/crypto/index.js";
import { seededRandom } from "./lib/random.js";
import { sampleAgent, sampleFeed, samplePeer, sampleProxy } from "./lib/samples.js";

const encoded = [
  ...sampleAgent().map((message) => agentLink.encode(message)),
  ...sampleFeed().map((message) => feedLink.encode(message)),
  ...samplePeer().map((message) => peerLink.encode(message)),
  ...sampleProxy().map((message) => proxyLink.encode(message)),
];

function read(octets: Uint8Array, chunk: number): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader(FRAME_LIMIT);
  for (let at = 0; at < octets.length; at += chunk) {
    const result = reader.push(octets.subarray(at, at + chunk), (frame) => frames.push(frame) > 0);
    if (!result.ok) throw new Error(result.sentence);
  }
  return frames;
}

describe("ASM-63: messages", () => {
  test("every message of every connection comes back as it was, wherever it is cut", () => {
    for (const octets of encoded) {
      const whole = read(octets, octets.length);
      expect(whole).toHaveLength(1);
      for (const chunk of [1, 2, 3, 5, 7]) expect(read(octets, chunk)).toEqual(whole);
    }
    const joined = new Uint8Array(Buffer.concat(encoded));
    expect(read(joined, 1000)).toHaveLength(encoded.length);
  });

  test.each([
    ["agent", agentLink, sampleAgent()],
    ["feed", feedLink, sampleFeed()],
    ["peer", peerLink, samplePeer()],
    ["proxy", proxyLink, sampleProxy()],
  ] as const)("%s: what is decoded is what was encoded", (_name, link, samples) => {
    const codec = link as { encode(m: unknown): Uint8Array; decode(f: Frame): unknown };
    for (const message of samples) {
      const [frame] = read(codec.encode(message), 65_536);
      expect(codec.decode(frame ?? { type: 0, body: new Uint8Array(0) })).toEqual({
        ok: true,
        value: message,
      });
    }
  });

  test("a message does not belong on every connection", () => {
    const [frame] = read(feedLink.encode({ kind: "applied", revocation: 1 }), 100);
    expect(agentLink.decode(frame ?? { type: 0, body: new Uint8Array(0) })).toEqual({
      ok: false,
      sentence: "message type 37 does not belong on the agent's connection",
    });
  });
});

describe("ASM-63: one encoding", () => {
  const done = (hex: string) => agentLink.decode({ type: 7, body: Buffer.from(hex, "hex") });

  test.each([
    ["0100080000000000000001", undefined],
    ["", "done: counter (field 1) is missing, found the end"],
    ["0200080000000000000001", "done: counter (field 1) is missing, found field 2 at octet 0"],
    ["01000800000000000001", "done: counter (field 1) is cut short"],
    ["010007" + "00".repeat(7), "done: counter: expected 8 octets, below 2^53"],
    ["0100080020000000000000", "done: counter: expected 8 octets, below 2^53"],
    ["01000800000000000000010100080000000000000002", "done: unexpected field 1 at octet 11"],
    ["0100080000000000000001020000", "done: unexpected field 2 at octet 11"],
  ])("done %s", (hex, expected) => {
    const result = done(hex);
    expect(result.ok ? undefined : result.sentence).toBe(expected);
  });

  test("values", () => {
    expect(name.read(Buffer.from("a b"))).toBeUndefined();
    expect(name.read(Buffer.from(""))).toBeUndefined();
    expect(name.read(Buffer.alloc(65, "a"))).toBeUndefined();
    expect(sentence.read(Buffer.from("c0af", "hex"))).toBeUndefined();
    expect(sentence.read(Buffer.from("line\n"))).toBeUndefined();
    expect(sentence.read(Buffer.from("\u202e"))).toBeUndefined();
    expect(sentence.read(Buffer.from("gr\u00fcn"))).toBe("gr\u00fcn");
    // What an operator typed is made to fit.
    expect(sentence.read(sentence.write("two\nlines\u202e"))).toBe("two lines ");
    expect(sentence.read(sentence.write("\u00fc".repeat(300)))).toBe("\u00fc".repeat(256));
    expect(sentence.read(sentence.write(`x${"\u00fc".repeat(300)}`))).toBe(
      `x${"\u00fc".repeat(255)}`,
    );
    expect(address.read(Buffer.from("192.0.2.1; rm"))).toBeUndefined();
    expect(bool.read(Buffer.of(2))).toBeUndefined();
    expect(choice({ a: 1 }).read(Buffer.of(2))).toBeUndefined();
    expect(list(u16, 2).read(Buffer.from("000200010002000200020003", "hex"))).toBeUndefined();
    expect(list(u16, 2).read(Buffer.from("0002000100", "hex"))).toBeUndefined();
    expect(u64.read(u64.write(2 ** 53 - 1))).toBe(2 ** 53 - 1);
    expect(() => u64.write(2 ** 53)).toThrow();
    expect(() => name.write("a b")).toThrow();
  });
});

describe("frames", () => {
  const fault = (reader: FrameReader, octets: Uint8Array) => {
    const result = reader.push(octets, () => true);
    return result.ok ? "ok" : result.sentence;
  };

  test("a length beyond the limit is refused as soon as it is read, and nothing is taken after it", () => {
    const reader = new FrameReader();
    expect(fault(reader, Buffer.from("00010000", "hex"))).toBe(
      `a frame of 65536 octets, where 2 to ${STRANGER_LIMIT} may come`,
    );
    let taken = 0;
    const valid = encoded[0] ?? new Uint8Array(0);
    expect(reader.push(valid, () => ++taken > 0).ok).toBe(true);
    expect(taken).toBe(0);
    expect(fault(new FrameReader(), Buffer.from("00000001", "hex"))).toMatch(/1 octets/);
  });

  test("octet by octet a frame costs few pieces, and is whole in the end", () => {
    const reader = new FrameReader();
    const body = Buffer.alloc(STRANGER_LIMIT - 2, 7);
    const octets = Buffer.concat([Buffer.from("000060000105", "hex"), body]);
    let most = 0;
    let whole: Uint8Array | undefined;
    for (const octet of octets) {
      reader.push(Uint8Array.of(octet), (frame) => {
        whole = frame.body;
        return true;
      });
      most = Math.max(most, reader.pieces);
    }
    expect(most).toBeLessThan(40);
    expect(whole).toEqual(new Uint8Array(body));
  });

  test("ASM-63: another version is refused, with both numbers", () => {
    expect(fault(new FrameReader(), Buffer.from("00000002" + "0207", "hex"))).toBe(
      "version 2 of the protocol, where 1 is spoken",
    );
  });

  test("a reader stops when it is told", () => {
    const reader = new FrameReader();
    const two = Buffer.concat([encoded[0] ?? Buffer.of(), encoded[0] ?? Buffer.of()]);
    let taken = 0;
    reader.push(two, () => ++taken > 1);
    expect(taken).toBe(1);
  });
});

test("ASM-70: a catalog comes in parts, and only as the whole that its digest names", () => {
  const octets = seededRandom("catalog")(120_000);
  const digest = sha256(octets);
  const parts = splitCatalog({ tenant: "red", version: 3, digest, octets });
  expect(parts).toHaveLength(3);
  const assembler = new CatalogAssembler();
  const taken = parts.map((part) => assembler.take(part));
  expect(taken.slice(0, 2)).toEqual([
    { ok: true, value: undefined },
    { ok: true, value: undefined },
  ]);
  expect(taken[2]).toMatchObject({ ok: true, value: { version: 3, digest } });
  const [first, second, third] = parts;
  if (first === undefined || second === undefined || third === undefined) throw new Error("parts");
  const run = (...some: (typeof parts)[number][]) => {
    const one = new CatalogAssembler();
    return some.map((part) => one.take(part)).at(-1);
  };
  expect(run(second)).toMatchObject({ ok: false });
  expect(run(first, third)).toMatchObject({ ok: false });
  expect(run(first, { ...second, version: 4 })).toMatchObject({ ok: false });
  expect(run(first, second, { ...third, octets: Uint8Array.of(1) })).toMatchObject({
    ok: false,
    reason: "catalog",
  });
  expect(run({ ...first, parts: 60_000 })).toMatchObject({ ok: false });
  expect(run(first, first, second, third)).toMatchObject({ ok: true, value: { version: 3 } });
});

test("ASM-74: a token's text is id and seed; what is kept of it enrols nobody", () => {
  const made = makeToken(seededRandom("token"));
  const token = parseToken(` ${made.text}\n`);
  expect(token?.id).toEqual(made.id);
  expect(token?.key.publicKey).toEqual(made.publicKey);
  for (const bad of [
    "",
    "asmn1.",
    made.text.slice(0, -1),
    `${made.text}A`,
    made.text.replace("1", "2"),
  ])
    expect(parseToken(bad)).toBeUndefined();
  expect(Buffer.from(made.text.slice(6), "base64url").includes(Buffer.from(made.publicKey))).toBe(
    false,
  );
});
