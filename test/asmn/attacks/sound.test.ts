/** The attacks that succeed against paper mode, against sound mode: none does. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  agree,
  generateSigningKey,
  instanceId,
  makeEphemeral,
  sha256,
} from "../../../src/asmn/crypto/index.js";
import { nextState, openMd5Key } from "../../../src/asmn/protocol/index.js";
import { withCrc32 } from "../../../src/asmn/paper/attacks/crc-forgery.js";
import { hashOf } from "../../../src/asmn/paper/hash.js";
import { leafDigest, rootDigest } from "../../../src/asmn/measure/tree.js";
import {
  HonestAgent,
  IMAGE,
  NAMES,
  octetsOf,
  passed,
  resultOf,
  say,
  soundTenant,
  type Wire,
} from "./sound-lab.js";

/** Everything of 32 octets that somebody with the image and the whole wire can think of. */
function guesses(wire: Wire): Uint8Array[] {
  const octets = octetsOf(wire);
  const windows = Array.from({ length: octets.length - 31 }, (_, at) => octets.slice(at, at + 32));
  const digests = [IMAGE];
  // The paper's chain over the digest, and the other hashes of the image filled up to 32 octets.
  for (let n = 1; n < 16; n++) digests.push(sha256(digests[n - 1] ?? IMAGE));
  for (const name of ["md5", "sha1"]) {
    const padded = new Uint8Array(32);
    padded.set(createHash(name).update("an image that everybody has").digest());
    digests.push(padded);
  }
  return [...windows, ...digests, new Uint8Array(32)];
}

/** What the guess would be if it were the private half of an ephemeral key, or the secret itself. */
function secretsOf(guess: Uint8Array, publicKeys: readonly Uint8Array[]): Uint8Array[] {
  const own = makeEphemeral(() => guess);
  const agreed = publicKeys.flatMap((key) => agree(own, key) ?? []);
  return [guess, ...agreed];
}

/** Whether a guess opens what the Sec-EM sealed in that step. @param former states that he has */
function opens(wire: Wire, hash: Uint8Array, former: Uint8Array | undefined): boolean {
  const challenge = passed(wire, "challenge");
  const evidence = passed(wire, "evidence");
  const { sealed } = resultOf(wire);
  if (sealed === undefined) throw new Error("nothing was sealed");
  const keys = [challenge.ephemeral, evidence.ephemeral];
  const { counter, image, manifest } = evidence;
  const { purpose } = passed(wire, "begin");
  return guesses(wire).some((guess) =>
    secretsOf(guess, keys).some((secret) => {
      const input = { purpose, former, secret, counter, image, manifest, transcript: hash };
      return openMd5Key(challenge.suite, nextState(input), hash, sealed) !== undefined;
    }),
  );
}

describe("key recovery", () => {
  test("ASM-73, ASM-60: image and wire give no key of sound mode", async () => {
    const { secEm, enrolled } = await soundTenant();
    const link = secEm.chain(NAMES).confirmed;
    if (link === undefined) throw new Error("nothing was confirmed");
    const { sealed } = resultOf(enrolled);
    const { suite } = passed(enrolled, "challenge");
    // The state opens it, so what is tried below is the right thing.
    const opened = openMd5Key(suite, link.state, link.transcript, sealed ?? new Uint8Array(0));
    expect(opened).toHaveLength(32);
    expect(opens(enrolled, link.transcript, undefined)).toBe(false);
    for (const secret of [link.state, opened ?? new Uint8Array(0)])
      expect(Buffer.from(octetsOf(enrolled)).includes(Buffer.from(secret))).toBe(false);
  });

  test("ASM-60: the same image twice gives two keys", async () => {
    const [one, other] = [await soundTenant(), await soundTenant()];
    expect(one.agent.state.chain?.state).toHaveLength(32);
    expect(one.agent.state.chain?.state).not.toEqual(other.agent.state.chain?.state);
  });

  test("ASM-61: a state that was stolen does not give the next one, with all that passes", async () => {
    const { secEm, agent } = await soundTenant();
    const stolen = agent.state.chain?.state;
    const wire = await agent.step();
    expect(passed(wire, "done").counter).toBe(2);
    const link = secEm.chain(NAMES).confirmed;
    expect(link?.counter).toBe(2);
    expect(opens(wire, link?.transcript ?? IMAGE, stolen)).toBe(false);
  });
});

describe("identifier collisions", () => {
  const nonce = new Uint8Array(16);

  test("ASM-73, ASM-64: swapped and shifted names have other identifiers in sound mode", () => {
    const names = { tenant: "alpha", vnf: "beta", instance: "1" };
    const others = [
      { ...names, tenant: "beta", vnf: "alpha" },
      { ...names, tenant: "alphab", vnf: "eta" },
      { ...names, vnf: "beta1", instance: "" },
    ];
    const ids = [names, ...others].map((each) =>
      Buffer.from(instanceId(each, nonce)).toString("hex"),
    );
    expect(new Set(ids).size).toBe(4);
  });

  test("ASM-73, ASM-64: the nonce that hits an identifier of paper mode hits nothing in sound mode", () => {
    const target = instanceId(NAMES, nonce);
    const names = { tenant: "attacker", vnf: "VNF9", instance: "1" };
    const field = (text: string): Buffer => Buffer.concat([Buffer.from(text)], 16);
    const chosen = new Uint8Array(16);
    for (const part of [target.subarray(0, 16), field("attacker"), field("VNF9"), field("1")])
      part.forEach((octet, at) => (chosen[at] = (chosen[at] ?? 0) ^ octet));
    expect(instanceId(names, chosen)).not.toEqual(target);
    expect(Buffer.from(instanceId(names, chosen)).subarray(0, 4)).not.toEqual(
      Buffer.from(target).subarray(0, 4),
    );
  });

  test("ASM-64: the agent cannot choose: the Sec-EM draws the nonce, and Begin has no place for one", async () => {
    const { enrolled } = await soundTenant();
    expect(passed(enrolled, "challenge").idNonce).toHaveLength(16);
    expect(Object.keys(passed(enrolled, "begin"))).not.toContain("idNonce");
  });
});

describe("replay", () => {
  test("ASM-73, ASM-62: recorded evidence is refused on another connection, whoever's key TLS has", async () => {
    const { secEm, agent, enrolled } = await soundTenant();
    const recorded = await agent.step();
    const before = secEm.chain(NAMES);
    const stores = secEm.stores;

    for (const wire of [recorded, enrolled]) {
      // With the instance's own key, as if TLS were broken as well.
      const again = secEm.connect(agent.key.publicKey);
      const [challenge] = await say(again, passed(wire, "begin"));
      expect(challenge?.kind).toBe("challenge");
      const [answer] = await say(again, passed(wire, "evidence"));
      expect(answer).toMatchObject({ kind: "refused", reason: "signature" });
      expect(again.events).toMatchObject([{ kind: "refused", alarm: true }]);
    }
    // With a key of his own he does not even come to a challenge.
    const stranger = secEm.connect(generateSigningKey().publicKey);
    expect(await say(stranger, passed(recorded, "begin"))).toMatchObject([
      { kind: "refused", reason: "wrong-key" },
    ]);
    expect(secEm.chain(NAMES)).toEqual(before);
    expect(secEm.stores).toBe(stores);
    expect(passed(await agent.step(), "done").counter).toBeGreaterThan(1);
  });

  test("ASM-73, ASM-62: recorded evidence is refused on its own connection", async () => {
    const { secEm, agent, enrolled } = await soundTenant();
    const before = secEm.chain(NAMES);
    expect(await say(enrolled, passed(enrolled, "evidence"))).toMatchObject([
      { kind: "refused", reason: "expired" },
    ]);
    expect(secEm.chain(NAMES)).toEqual(before);
    expect(passed(await agent.step(), "done").counter).toBeGreaterThan(1);
  });

  test("ASM-62: a recorded confirmation confirms nothing", async () => {
    const { secEm, agent, enrolled } = await soundTenant();
    const wire = secEm.connect(agent.key.publicKey);
    expect(await say(wire, passed(enrolled, "confirm"))).toMatchObject([
      { kind: "refused", reason: "order" },
    ]);
  });
});

describe("the further weaknesses", () => {
  test("ASM-63: what the Sec-EM sent is no answer to it", async () => {
    const { secEm, agent } = await soundTenant();
    const wire = secEm.connect(agent.key.publicKey);
    const [challenge] = await say(wire, passed(await agent.step(), "begin"));
    if (challenge === undefined) throw new Error("no challenge came");
    expect(await say(wire, challenge)).toMatchObject([{ kind: "refused", reason: "order" }]);
  });

  test("ASM-63: evidence of one instance is none of another", async () => {
    const { secEm, agent } = await soundTenant();
    const names = { ...NAMES, instance: "instance-2" };
    await new HonestAgent(names, secEm).step();
    const wire = await agent.step();
    // The names of the other, with this one's key and evidence.
    const misbound = secEm.connect(agent.key.publicKey);
    expect(await say(misbound, { ...passed(wire, "begin"), ...names })).toMatchObject([
      { kind: "refused", reason: "wrong-key" },
    ]);
  });

  test("ASM-65: an image that is forged to one CRC32 has another digest, and is untrusted", async () => {
    const genuine = Buffer.from("an image that everybody has");
    const crc = Buffer.from(hashOf("crc32", genuine)).readUInt32BE(0);
    const forged = withCrc32(Buffer.from("an image with a back door"), crc);
    expect(hashOf("crc32", forged)).toEqual(hashOf("crc32", genuine));
    const digest = (octets: Uint8Array): Buffer => rootDigest(leafDigest(octets), octets.length);
    expect(digest(forged)).not.toEqual(digest(genuine));
    const { agent } = await soundTenant();
    const wire = await agent.step(new Uint8Array(digest(forged)));
    expect(resultOf(wire)).toMatchObject({ state: "untrusted", reason: "image" });
  });

  test("ASM-69: not a bit of what is sealed can be changed", async () => {
    const { secEm, enrolled } = await soundTenant();
    const link = secEm.chain(NAMES).confirmed;
    const { sealed } = resultOf(enrolled);
    const { suite } = passed(enrolled, "challenge");
    if (link === undefined || sealed === undefined) throw new Error("nothing was sealed");
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const altered = Uint8Array.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openMd5Key(suite, link.state, link.transcript, altered)).toBeUndefined();
    }
  });
});
