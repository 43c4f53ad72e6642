/** Roots of trust: none, a platform's word, a TPM's quote made here as a TPM would make it. */
import { constants, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../../src/asmn/crypto/index.js";
import {
  encodeTpmDocument,
  parseQuote,
  signPlatformDocument,
  tpmKeyId,
  verifyRoot,
} from "../../../src/asmn/protocol/index.js";
import type {
  PlatformDocument,
  QuoteAlgorithm,
  RootKind,
  RootPolicy,
} from "../../../src/asmn/protocol/index.js";
import { START, testKey } from "./lib/keys.js";
import { IMAGE, NAMES } from "./lib/world.js";

const CHALLENGE = sha256(Buffer.from("challenge"));
const FACTS = {
  ...NAMES,
  image: IMAGE,
  instanceKey: testKey("edge-1").publicKey,
  challenge: CHALLENGE,
};
const PLATFORM = testKey("platform");
const NOTHING = new Uint8Array(0);

const POLICY: RootPolicy = {
  demands: "none",
  platformKeys: new Map([["cloud1", PLATFORM.publicKey]]),
  staticSeconds: 0,
  tpm: () => [],
};

const DOCUMENT: PlatformDocument = {
  platform: "cloud1",
  ...NAMES,
  image: IMAGE,
  instanceKey: FACTS.instanceKey,
  challenge: CHALLENGE,
  time: START,
};

function outcome(
  kind: RootKind,
  octets: Uint8Array,
  policy: Partial<RootPolicy> = {},
  time = START,
) {
  const result = verifyRoot(kind, octets, FACTS, { ...POLICY, ...policy }, time);
  return result.ok ? result.value : result.sentence;
}

test("ASM-68: without a root of trust an agent's word is taken, and that it is only that is said", () => {
  expect(outcome("none", NOTHING)).toBe("none");
  expect(outcome("none", NOTHING, { demands: "platform" })).toBe(
    "platform is demanded, the agent has none",
  );
});

describe("ASM-68: a platform speaks for the instance that it started", () => {
  const made = (changes: Partial<PlatformDocument> = {}, key = PLATFORM) =>
    signPlatformDocument({ ...DOCUMENT, ...changes }, key);

  test("for that instance, image and key, by that challenge", () => {
    expect(outcome("platform", made(), { demands: "platform" })).toBe("platform");
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["another key", made({}, testKey("mallory")), /signature/],
    ["a platform that is not registered", made({ platform: "cloud2" }), /no key is registered/],
    ["another instance", made({ instance: "edge-2" }), /another instance/],
    ["another image", made({ image: sha256() }), /another instance, image/],
    ["another instance key", made({ instanceKey: testKey("x").publicKey }), /image or key/],
    ["another challenge", made({ challenge: sha256() }), /another challenge/],
    ["no challenge", made({ challenge: undefined }), /no challenge/],
    ["something else", new Uint8Array(100), /platform document/],
  ])("not with %s", (_what, octets, expected) => {
    expect(outcome("platform", octets)).toMatch(expected);
  });

  test("without a challenge only where an age is allowed, by the Sec-EM's time", () => {
    const old = made({ challenge: undefined });
    expect(outcome("platform", old, { staticSeconds: 3600 }, START + 3_600_000)).toBe("platform");
    expect(outcome("platform", old, { staticSeconds: 3600 }, START + 3_601_000)).toMatch(/3601 s/);
    expect(outcome("platform", old, { staticSeconds: 3600 }, START - 3_601_000)).toMatch(/3601 s/);
  });
});

describe("ASM-68: a TPM's quote", () => {
  const selection = Buffer.from("00000001000b03070000", "hex");
  const digest = sha256(Buffer.from("PCR 0, 1, 2"));
  const sized = (octets: Uint8Array) => Buffer.concat([Buffer.of(0, octets.length), octets]);

  function attest(extra: Uint8Array, pcrs: Uint8Array = digest, chosen: Uint8Array = selection) {
    const head = Buffer.from("ff5443478018", "hex");
    return Buffer.concat([
      head,
      sized(sha256()),
      sized(extra),
      Buffer.alloc(25),
      chosen,
      sized(pcrs),
    ]);
  }

  const ecdsa = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = (key: KeyObject) => new Uint8Array(key.export({ type: "spki", format: "der" }));

  function quote(
    blob: Uint8Array,
    algorithm: QuoteAlgorithm = "ecdsa-sha256",
    signature = sign("sha256", blob, { key: ecdsa.privateKey, dsaEncoding: "ieee-p1363" }),
    key = ecdsa.publicKey,
  ): string {
    const publicKey = spki(key);
    const keyId = tpmKeyId(publicKey);
    const id = Buffer.from(keyId).toString("hex");
    const other = { publicKey, selection, digest: sha256(Buffer.from("another boot")) };
    const tpm = (one: string) => (one === id ? [other, { publicKey, selection, digest }] : []);
    const octets = encodeTpmDocument({ keyId, algorithm, attest: blob, signature });
    return outcome("tpm", octets, { demands: "tpm", tpm });
  }

  test("signed by ECDSA, RSASSA or RSA-PSS, over the PCRs that are registered", () => {
    const blob = attest(CHALLENGE);
    expect(quote(blob)).toBe("tpm");
    const plain = sign("sha256", blob, rsa.privateKey);
    expect(quote(blob, "rsassa-sha256", plain, rsa.publicKey)).toBe("tpm");
    const pss = sign("sha256", blob, {
      key: rsa.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
    });
    expect(quote(blob, "rsapss-sha256", pss, rsa.publicKey)).toBe("tpm");
    expect(quote(blob, "rsassa-sha256", pss, rsa.publicKey)).toMatch(/signature/);
    expect(quote(blob, "ecdsa-sha256", plain, rsa.publicKey)).toMatch(/signature/);
  });

  test("not an old one, not over other PCRs, not of another boot, not of a key nobody knows", () => {
    expect(quote(attest(sha256()))).toMatch(/another challenge/);
    expect(quote(attest(CHALLENGE, sha256()))).toMatch(/something else was booted/);
    const other = Buffer.from("00000001000b03010000", "hex");
    expect(quote(attest(CHALLENGE, digest, other))).toMatch(/other PCRs/);
    const wrong = sign("sha256", sha256(), { key: ecdsa.privateKey, dsaEncoding: "ieee-p1363" });
    expect(quote(attest(CHALLENGE), "ecdsa-sha256", wrong)).toMatch(/signature/);
    const unknown = encodeTpmDocument({
      keyId: new Uint8Array(16),
      algorithm: "ecdsa-sha256",
      attest: attest(CHALLENGE),
      signature: wrong,
    });
    expect(outcome("tpm", unknown)).toMatch(/no TPM key 0{32} is registered/);
  });

  test("no octets cut off or added make a quote, and none break the reader", () => {
    const blob = attest(CHALLENGE);
    expect(parseQuote(blob)?.digest).toEqual(digest);
    for (let end = 0; end < blob.length; end++)
      expect(parseQuote(blob.subarray(0, end))).toBeUndefined();
    expect(parseQuote(Buffer.concat([blob, Buffer.of(0)]))).toBeUndefined();
    const endless = Buffer.from(blob);
    endless.fill(0xff, blob.indexOf(selection), blob.indexOf(selection) + 4);
    expect(parseQuote(endless)).toBeUndefined();
  });
});
