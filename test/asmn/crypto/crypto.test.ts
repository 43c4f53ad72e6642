/** Keys, agreement, derivation, sealing, IDs: checked against node and openssl, and what must not be taken. */
import { execFileSync } from "node:child_process";
import { createHash, diffieHellman, generateKeyPairSync, hkdfSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  agree,
  equalSecrets,
  generateSigningKey,
  hkdfExpand,
  hkdfExtract,
  instanceId,
  isName,
  isPublicKey,
  keyId,
  makeEphemeral,
  open,
  publicKeyFromPem,
  seal,
  SealedDirection,
  signingKeyFromPem,
  signingKeyFromSeed,
  signingKeyToPem,
  signLabelled,
  SUITES,
  verifyLabelled,
} from "../../../src/asmn/crypto/index.js";

const text = (words: string) => new Uint8Array(Buffer.from(words));

describe("keys", () => {
  test("RFC 8032 section 7.1, test 1: the public key of a seed", () => {
    const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const { publicKey } = signingKeyFromSeed(new Uint8Array(Buffer.from(seed, "hex")));
    expect(Buffer.from(publicKey).toString("hex")).toBe(
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
  });

  test("PEM there and back, as openssl reads it", () => {
    const key = generateSigningKey();
    const pem = signingKeyToPem(key);
    expect(signingKeyFromPem(pem)?.publicKey).toEqual(key.publicKey);
    const publicPem = execFileSync("openssl", ["pkey", "-pubout"], { input: pem }).toString();
    expect(publicKeyFromPem(publicPem)).toEqual(key.publicKey);
    expect(signingKeyFromPem("nonsense")).toBeUndefined();
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(
      signingKeyFromPem(rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    ).toBeUndefined();
    expect(
      publicKeyFromPem(rsa.publicKey.export({ type: "spki", format: "pem" }).toString()),
    ).toBeUndefined();
  });

  test("a key id is half of SHA-256", () => {
    const { publicKey } = generateSigningKey();
    const digest = createHash("sha256").update(publicKey).digest();
    expect(Buffer.from(keyId(publicKey)).equals(digest.subarray(0, 16))).toBe(true);
  });

  test("ASM-60: points of small order, in every encoding, sign for nobody", () => {
    const points = [
      "00".repeat(32),
      "01" + "00".repeat(31),
      "ec" + "ff".repeat(30) + "7f",
      "ed" + "ff".repeat(30) + "7f",
      "ee" + "ff".repeat(30) + "7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    for (const point of points) {
      const octets = Buffer.from(point, "hex");
      expect(isPublicKey(octets), point).toBe(false);
      octets[31] = (octets[31] ?? 0) | 0x80;
      expect(isPublicKey(octets), point).toBe(false);
    }
    expect(isPublicKey(generateSigningKey().publicKey)).toBe(true);
    expect(isPublicKey(new Uint8Array(31))).toBe(false);
  });

  test("ASM-63: a signature belongs to its label, its body and its key", () => {
    const key = generateSigningKey();
    const signature = signLabelled(key, "verdict", text("body"));
    expect(verifyLabelled(key.publicKey, "verdict", text("body"), signature)).toBe(true);
    expect(verifyLabelled(key.publicKey, "heartbeat", text("body"), signature)).toBe(false);
    expect(verifyLabelled(key.publicKey, "verdict", text("bodY"), signature)).toBe(false);
    const other = generateSigningKey().publicKey;
    expect(verifyLabelled(other, "verdict", text("body"), signature)).toBe(false);
    expect(verifyLabelled(key.publicKey, "verdict", text("body"), signature.subarray(1))).toBe(
      false,
    );
  });
});

describe("ASM-60, ASM-61: X25519", () => {
  test("the same secret as node's own, on both sides", () => {
    const own = makeEphemeral();
    const other = generateKeyPairSync("x25519");
    const raw = new Uint8Array(
      other.publicKey.export({ type: "spki", format: "der" }).subarray(12),
    );
    const mirror = makeEphemeral();
    expect(agree(own, mirror.publicKey)).toEqual(agree(mirror, own.publicKey));
    const theirs = diffieHellman({ privateKey: own.privateKey, publicKey: other.publicKey });
    expect(Buffer.from(agree(own, raw) ?? []).equals(theirs)).toBe(true);
  });

  test("an all-zero secret is none", () => {
    const own = makeEphemeral();
    const small = ["00".repeat(32), "01" + "00".repeat(31), "ec" + "ff".repeat(30) + "7f"];
    for (const point of small) expect(agree(own, Buffer.from(point, "hex"))).toBeUndefined();
    expect(agree(own, new Uint8Array(31))).toBeUndefined();
  });
});

test("ASM-60: HKDF is RFC 5869's, with labels that keep purposes apart", () => {
  const [salt, secret] = [text("salt"), text("secret")];
  const info = Buffer.from("evpnd asmn 1 label\0context");
  const expected = new Uint8Array(hkdfSync("sha256", secret, salt, info, 80));
  expect(hkdfExpand(hkdfExtract(salt, secret), "label", text("context"), 80)).toEqual(expected);
  const root = hkdfExtract(salt, secret);
  expect(hkdfExpand(root, "a")).not.toEqual(hkdfExpand(root, "b"));
  expect(equalSecrets(root, root.subarray(1))).toBe(false);
});

describe.each(SUITES)("ASM-69: %s", (suite) => {
  test("opens with the right key, nonce and data only", () => {
    const [key, nonce] = [new Uint8Array(32).fill(1), new Uint8Array(12)];
    const sealed = seal(suite, key, nonce, text("data"), text("words"));
    expect(open(suite, key, nonce, text("data"), sealed)).toEqual(text("words"));
    expect(open(suite, key, nonce, text("datA"), sealed)).toBeUndefined();
    expect(open(suite, new Uint8Array(32), nonce, text("data"), sealed)).toBeUndefined();
    expect(open(suite, key, new Uint8Array(12).fill(1), text("data"), sealed)).toBeUndefined();
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.map((octet, index) => (index === at ? octet ^ 1 : octet));
      expect(open(suite, key, nonce, text("data"), changed)).toBeUndefined();
    }
    expect(open(suite, key, nonce, text("data"), sealed.subarray(0, 15))).toBeUndefined();
  });

  test("a direction counts its messages, and moves to the next key by itself", () => {
    const [one, two] = [0, 1].map(() => new SealedDirection(suite, text("secret"), 4));
    if (one === undefined || two === undefined) throw new Error("no directions");
    const sent = Array.from({ length: 10 }, () => one.seal(text(""), text("same")));
    expect(new Set(sent.map((octets) => Buffer.from(octets).toString("hex"))).size).toBe(10);
    expect(two.open(text(""), sent[1] ?? text(""))).toBeUndefined();
    for (const octets of sent) expect(two.open(text(""), octets)).toEqual(text("same"));
    expect(two.open(text(""), sent[9] ?? text(""))).toBeUndefined();
  });
});

describe("ASM-64: IDs", () => {
  const nonce = new Uint8Array(16).fill(9);
  const id = (tenant: string, vnf: string, instance: string, n = nonce) =>
    Buffer.from(instanceId({ tenant, vnf, instance }, n)).toString("hex");

  test("are SHA-256 over length-prefixed fields", () => {
    const fields = [text("red"), text("edge"), text("edge-1"), nonce];
    const hash = createHash("sha256");
    for (const field of fields) hash.update(Buffer.of(0, 0, 0, field.length)).update(field);
    expect(id("red", "edge", "edge-1")).toBe(hash.digest("hex"));
  });

  test("swapped or shifted fields, or another nonce, give another", () => {
    const all = [
      id("red", "edge", "e"),
      id("edge", "red", "e"),
      id("e", "edge", "red"),
      id("rede", "dge", "e"),
      id("re", "dedge", "e"),
      id("red", "edgee", ""),
      id("red", "edge", "e", new Uint8Array(16)),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test("names have an alphabet", () => {
    for (const good of ["a", "Edge-1.x_2", "a".repeat(64)]) expect(isName(good)).toBe(true);
    for (const bad of ["", "a b", "a/b", "a".repeat(65), "ä", "a\n"])
      expect(isName(bad)).toBe(false);
  });
});
