/** The exchange of two VNFs: mutual, fresh, bound to both; and what becomes of every attempt to bend it. */
import { describe, expect, test } from "vitest";
import { instanceId, makeEphemeral } from "../../../src/asmn/crypto/index.js";
import type { SigningKey, Suite } from "../../../src/asmn/crypto/index.js";
import {
  FrameReader,
  peerLink,
  SigmaInitiator,
  SigmaResponder,
} from "../../../src/asmn/protocol/index.js";
import type { Channel, ChannelItem, Frame, PeerMessage } from "../../../src/asmn/protocol/index.js";
import { deriveSigma, openIdentity, sealIdentity } from "../../../src/asmn/protocol/sigma-keys.js";
import { testKey } from "./lib/keys.js";
import { seededRandom } from "./lib/random.js";

const SERVICE = { protocol: 6, port: 179 };

interface Party {
  readonly key: SigningKey;
  readonly id: Uint8Array;
  readonly tenant: string;
  readonly suites: readonly Suite[];
}

function party(
  instance: string,
  suites: readonly Suite[] = ["aes-256-gcm", "chacha20-poly1305"],
): Party {
  const id = instanceId({ tenant: "red", vnf: "edge", instance }, new Uint8Array(16));
  return { key: testKey(instance), id, tenant: "red", suites };
}

const A = party("a");
const B = party("b");
const EVE = party("eve");

type Change = (message: PeerMessage) => PeerMessage;

interface Play {
  readonly initiator?: Party;
  readonly responder?: Party;
  /** Whom the initiator's verdict names. */
  readonly wanted?: { readonly id: Uint8Array; readonly key: Uint8Array };
  /** Key in the responder's verdict about the caller. */
  readonly verdictKey?: Uint8Array;
  readonly allows?: (service: { port: number }) => boolean;
  readonly change?: Change;
  readonly seed?: string;
}

interface Outcome {
  readonly end: string;
  readonly initiator?: Channel;
  readonly responder?: Channel;
  readonly messages: PeerMessage[];
}

/** All four messages, through the codec; ends with the first fault. */
function play(options: Play = {}): Outcome {
  const { initiator = A, responder = B, change = (message: PeerMessage) => message } = options;
  const wanted = options.wanted ?? { id: responder.id, key: responder.key.publicKey };
  const random = seededRandom(options.seed ?? "sigma");
  const left = new SigmaInitiator(random, initiator, wanted, SERVICE);
  const right = new SigmaResponder(random, responder);
  const messages: PeerMessage[] = [];
  const carry = <M extends PeerMessage>(message: M): M => {
    messages.push(message);
    return recode(change(message)) as M;
  };
  const reply = right.greet(carry(left.greet()), options.allows ?? (() => true));
  if (!reply.ok) return { end: `greet ${reply.reason}`, messages };
  const proof = left.reply(carry(reply.value));
  if (!proof.ok) return { end: `reply ${proof.reason}`, messages };
  const caller = right.prove(carry(proof.value));
  if (!caller.ok) return { end: `prove ${caller.reason}`, messages };
  const accepted = right.accept(options.verdictKey ?? initiator.key.publicKey);
  if (!accepted.ok) return { end: `verdict ${accepted.reason}`, messages };
  const channel = left.accept(carry(accepted.value.message));
  if (!channel.ok) return { end: `accept ${channel.reason}`, messages };
  return { end: "up", initiator: channel.value, responder: accepted.value.channel, messages };
}

function recode(message: PeerMessage): PeerMessage {
  const [frame] = framesOf(peerLink.encode(message));
  const decoded = peerLink.decode(frame ?? { type: 0, body: new Uint8Array(0) });
  if (!decoded.ok) throw new Error(decoded.sentence);
  return decoded.value;
}

function framesOf(octets: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  const read = new FrameReader().push(octets, (frame) => frames.push(frame) > 0);
  if (!read.ok) throw new Error(read.sentence);
  return frames;
}

function up(options: Play = {}): { left: Channel; right: Channel } {
  const { end, initiator, responder } = play(options);
  if (initiator === undefined || responder === undefined) throw new Error(end);
  return { left: initiator, right: responder };
}

function carry(from: Channel, to: Channel, text: Uint8Array): ChannelItem[] {
  return framesOf(from.seal(text)).map((frame) => {
    const item = to.open(frame);
    if (!item.ok) throw new Error(item.sentence);
    return item.value;
  });
}

const text = (words: string) => new Uint8Array(Buffer.from(words));

test("ASM-60, ASM-16: both prove themselves to each other, and have the same keys", () => {
  const { left, right } = up();
  expect(carry(left, right, text("to the right"))).toEqual([
    { kind: "data", octets: text("to the right") },
  ]);
  expect(carry(right, left, text("to the left"))).toEqual([
    { kind: "data", octets: text("to the left") },
  ]);
});

test("ASM-60: whoever has images, long-lived keys and all that went by has no key of a session", () => {
  // The same parties again: nothing but the ephemeral keys differs, and the sessions do not open each other.
  const one = up({ seed: "one" });
  const two = up({ seed: "two" });
  const [frame] = framesOf(one.left.seal(text("secret")));
  expect(two.right.open(frame ?? { type: 68, body: new Uint8Array(0) })).toMatchObject({
    ok: false,
    reason: "signature",
  });
});

test("ASM-60: a small-order ephemeral key aborts, on both sides", () => {
  const zero: Change = (message) =>
    message.kind === "greet" || message.kind === "reply"
      ? { ...message, ephemeral: new Uint8Array(32) }
      : message;
  expect(play({ change: zero }).end).toBe("greet small-secret");
  const late: Change = (message) =>
    message.kind === "reply" ? { ...message, ephemeral: new Uint8Array(32) } : message;
  expect(play({ change: late }).end).toBe("reply small-secret");
});

describe("ASM-16: each holds a verdict about the other, from its own Sec-EM", () => {
  test("the responder has another key than the initiator was told", () => {
    expect(play({ wanted: { id: B.id, key: EVE.key.publicKey } }).end).toBe("reply wrong-key");
  });

  test("the caller has another key than its ID's verdict: it took another's ID", () => {
    const liar = { ...EVE, id: A.id };
    expect(play({ initiator: liar, verdictKey: A.key.publicKey }).end).toBe("verdict wrong-key");
  });

  test("who answers for another is found out", () => {
    const liar = { ...EVE, id: B.id };
    expect(play({ responder: liar, wanted: { id: B.id, key: B.key.publicKey } }).end).toBe(
      "reply wrong-key",
    );
  });

  test("a responder does nothing for a caller that is not accepted", () => {
    const right = new SigmaResponder(seededRandom("x"), B);
    expect(right.accept(A.key.publicKey)).toMatchObject({ ok: false, reason: "order" });
  });
});

describe("ASM-63: bound to both, to their roles and to the exchange", () => {
  test("own ID, own key or own ephemeral key comes back", () => {
    expect(
      play({ responder: { ...B, id: A.id }, wanted: { id: A.id, key: B.key.publicKey } }).end,
    ).toBe("greet signature");
    const same = { ...A, id: EVE.id };
    const mirrored = play({ initiator: A, responder: same });
    expect(mirrored.end).toBe("prove signature");
    const random = seededRandom("mirror");
    const left = new SigmaInitiator(random, A, { id: B.id, key: B.key.publicKey }, SERVICE);
    const { ephemeral, nonce } = left.greet();
    const back = { kind: "reply", suite: "aes-256-gcm", nonce, ephemeral, sealed: nonce } as const;
    expect(left.reply(back)).toMatchObject({ ok: false, reason: "signature" });
  });

  test.each<[string, Change]>([
    ["tenant", (m) => (m.kind === "greet" ? { ...m, tenant: "blue" } : m)],
    ["another responder", (m) => (m.kind === "greet" ? { ...m, responder: EVE.id } : m)],
    ["another initiator", (m) => (m.kind === "greet" ? { ...m, initiator: EVE.id } : m)],
    ["port", (m) => (m.kind === "greet" ? { ...m, port: 22 } : m)],
    ["nonce", (m) => (m.kind === "greet" ? { ...m, nonce: new Uint8Array(32) } : m)],
    [
      "ephemeral",
      (m) =>
        m.kind === "greet" ? { ...m, ephemeral: makeEphemeral(seededRandom("e")).publicKey } : m,
    ],
    [
      "suites, so that the second is taken",
      (m) => (m.kind === "greet" ? { ...m, suites: ["chacha20-poly1305"] } : m),
    ],
    ["suite of the reply", (m) => (m.kind === "reply" ? { ...m, suite: "chacha20-poly1305" } : m)],
    ["nonce of the reply", (m) => (m.kind === "reply" ? { ...m, nonce: new Uint8Array(32) } : m)],
    [
      "sealed reply",
      (m) => (m.kind === "reply" ? { ...m, sealed: m.sealed.map((o) => o ^ 1) } : m),
    ],
    [
      "sealed proof",
      (m) => (m.kind === "prove" ? { ...m, sealed: m.sealed.map((o) => o ^ 1) } : m),
    ],
    [
      "sealed accept",
      (m) => (m.kind === "accept" ? { ...m, sealed: m.sealed.map((o) => o ^ 1) } : m),
    ],
  ])("changed on the way: %s", (_what, change) => {
    expect(play({ change }).end).toMatch(
      /^(greet (tenant|unknown)|(reply|prove|accept) signature)$/,
    );
  });

  test("messages of another session", () => {
    const { messages } = play({ seed: "recorded" });
    for (const old of messages.slice(1)) {
      const change: Change = (message) => (message.kind === old.kind ? old : message);
      expect(play({ change }).end).toMatch(/^(reply|prove|accept) signature$/);
    }
    // Its greeting alone gets a reply that the one who repeats it cannot read, and no further.
    const greeting = messages[0];
    const change: Change = (message) =>
      message.kind === "greet" ? (greeting ?? message) : message;
    expect(play({ change }).end).toBe("reply signature");
  });

  test("another's public key without its private half", () => {
    const claims = (of: Party): Party => ({
      ...of,
      key: { publicKey: of.key.publicKey, privateKey: EVE.key.privateKey },
    });
    expect(play({ responder: claims(B) }).end).toBe("reply signature");
    expect(play({ initiator: claims(A) }).end).toBe("prove signature");
  });

  test("a signature of this exchange by somebody who has not its secret: the MAC is under it", () => {
    const greeting = new SigmaInitiator(
      seededRandom("m"),
      A,
      { id: B.id, key: B.key.publicKey },
      SERVICE,
    );
    const greet = greeting.greet();
    const clear = {
      suite: "aes-256-gcm",
      nonce: new Uint8Array(32),
      ephemeral: greet.ephemeral,
    } as const;
    const derive = () => deriveSigma(greet, clear, new Uint8Array(32).fill(1));
    const sealed = sealIdentity(derive(), "responder", greet, B.key);
    expect(openIdentity(derive(), "responder", greet, sealed)).toMatchObject({ ok: true });
    const keys = derive();
    const plain = keys.sealed.responder.open(keys.first, sealed);
    if (plain === undefined) throw new Error("it does not open");
    const last = plain.length - 1;
    const wrong = plain.map((octet, at) => (at === last ? octet ^ 1 : octet));
    const resealed = derive().sealed.responder.seal(keys.first, wrong);
    expect(openIdentity(derive(), "responder", greet, resealed)).toMatchObject({
      ok: false,
      sentence: "the responder's MAC is wrong",
    });
  });

  test("nothing is used twice, nothing out of order", () => {
    const random = seededRandom("order");
    const left = new SigmaInitiator(random, A, { id: B.id, key: B.key.publicKey }, SERVICE);
    const right = new SigmaResponder(random, B);
    const reply = right.greet(left.greet(), () => true);
    expect(right.greet(left.greet(), () => true)).toMatchObject({ ok: false, reason: "order" });
    expect(left.accept({ kind: "accept", sealed: new Uint8Array(48) })).toMatchObject({
      reason: "order",
    });
    if (!reply.ok) throw new Error(reply.sentence);
    const proof = left.reply(reply.value);
    expect(left.reply(reply.value)).toMatchObject({ ok: false, reason: "order" });
    if (!proof.ok) throw new Error(proof.sentence);
    expect(right.prove(proof.value).ok).toBe(true);
    expect(right.prove(proof.value)).toMatchObject({ ok: false, reason: "order" });
  });
});

test("ASM-02, ASM-23: a port that the catalog does not allow is refused before anything is computed", () => {
  expect(play({ allows: ({ port }) => port !== 179 }).end).toBe("greet port");
  const plain = party("b", []);
  expect(play({ responder: plain }).end).toBe("greet suite");
});

describe("ASM-69, ASM-23: data between VNFs", () => {
  test.each<Suite>(["aes-256-gcm", "chacha20-poly1305"])(
    "with %s, in frames of 16 KiB",
    (suite) => {
      const { left, right } = up({ initiator: party("a", [suite]) });
      const long = seededRandom("long")(40_000);
      const frames = framesOf(left.seal(long));
      expect(frames.map(({ body }) => body.length)).toEqual([16_400, 16_400, 7248]);
      const parts = frames.map((frame) => right.open(frame));
      const octets = parts.flatMap((part) =>
        part.ok && part.value.kind === "data" ? [part.value.octets] : [],
      );
      expect(Buffer.concat(octets).equals(long)).toBe(true);
      expect(Buffer.from(left.seal(text("plain words"))).includes("plain words")).toBe(false);
    },
  );

  test("not changed, not twice, not out of order, not back to its sender, not of another kind", () => {
    const { left, right } = up();
    const [first, second] = [left.seal(text("1")), left.seal(text("2"))].map(
      (one) => framesOf(one)[0],
    );
    if (first === undefined || second === undefined) throw new Error("no frames");
    const bad = { ok: false, reason: "signature" };
    expect(right.open(second)).toMatchObject(bad);
    expect(right.open({ ...first, body: first.body.map((octet) => octet ^ 1) })).toMatchObject(bad);
    expect(left.open(first)).toMatchObject(bad);
    expect(right.open({ ...first, type: 69 })).toMatchObject(bad);
    expect(right.open(first)).toMatchObject({ ok: true });
    expect(right.open(first)).toMatchObject(bad);
    expect(right.open(second)).toMatchObject({ ok: true });
  });

  test("the end is said under the key: a cut shows", () => {
    const { left, right } = up();
    const [end] = framesOf(left.end());
    if (end === undefined) throw new Error("no frame");
    expect(right.open({ type: 69, body: new Uint8Array(16) })).toMatchObject({ ok: false });
    expect(right.open(end)).toEqual({ ok: true, value: { kind: "end" } });
    expect(right.open(end)).toMatchObject({ ok: false, reason: "order" });
  });
});
