/** Identifier, renewal, group, agreement, cipher and messages of paper mode, each by itself. */
import { execFileSync } from "node:child_process";
import { createDiffieHellman, createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publicValue, sharedKey } from "../../../src/asmn/paper/agreement.js";
import { ChainHolder, linkAt, nextLink, renewalOf } from "../../../src/asmn/paper/chain.js";
import { seal, unseal } from "../../../src/asmn/paper/cipher.js";
import {
  generatedGroup,
  groupProblem,
  modularPower,
  standardGroup,
  toBigInt,
  toOctets,
} from "../../../src/asmn/paper/group.js";
import { hashOf } from "../../../src/asmn/paper/hash.js";
import { hex, idField, paperId } from "../../../src/asmn/paper/identifier.js";
import { decodeMessage, encodeMessage, message } from "../../../src/asmn/paper/wire/message.js";

const link = (text: string): Uint8Array => hashOf("sha1", Buffer.from(text));

describe("the identifier", () => {
  test("ASM-04: exclusive-or of four fields of 128 bits", () => {
    const nonce = new Uint8Array(16).fill(0xf0);
    const id = paperId({ tenant: "a", vnf: "b", instance: "c", nonce });
    const first = 0x61 ^ 0x62 ^ 0x63 ^ 0xf0;
    expect(id).toBe(`${first.toString(16)}${"f0".repeat(15)}`);
  });

  test("ASM-04: a name that does not fit into 128 bits is refused", () => {
    expect(idField("sixteen octets..")).toHaveLength(16);
    for (const name of ["", "seventeen octets."])
      expect(() => idField(name)).toThrow(/must have 1 to 16 octets in paper mode/);
    const nonce = new Uint8Array(15);
    expect(() => paperId({ tenant: "a", vnf: "b", instance: "c", nonce })).toThrow(/16 octets/);
  });
});

describe("renewal", () => {
  const first = linkAt("sha1", link("image"), 1);
  const second = nextLink("sha1", first);
  const third = nextLink("sha1", second);

  test("ASM-14: the new link, encrypted under the former one", () => {
    const renewal = renewalOf(first, second);
    expect(renewal.index).toBe(2);
    expect(hex(renewal.sealed)).not.toContain(hex(second.octets));
    expect(unseal(first.octets, renewal.sealed)).toEqual(second.octets);
    const holder = new ChainHolder(first);
    expect(holder.take(renewal)).toBeUndefined();
    expect(holder.link).toEqual(second);
  });

  test("ASM-14: what we encrypt, openssl decrypts", () => {
    const { sealed } = renewalOf(first, second);
    const key = createHash("sha256").update(first.octets).digest("hex");
    const words = ["enc", "-d", "-aes-256-cbc", "-K", key, "-iv", hex(sealed.subarray(0, 16))];
    const plain = execFileSync("openssl", words, { input: sealed.subarray(16) });
    expect(hex(plain)).toBe(hex(second.octets));
  });

  test("ASM-15: who missed one cannot decrypt the next, is out of step, and stays so until registered", () => {
    const holder = new ChainHolder(first);
    const missed = renewalOf(second, third);
    expect(unseal(first.octets, missed.sealed)).not.toEqual(third.octets);
    expect(holder.take(missed)).toMatch(
      /out of step: has link 1, and renewal 3 needs link 2; register/,
    );
    expect(holder.take(renewalOf(first, second))).toMatch(/out of step/);
    expect(holder.link).toEqual(first);
    expect(holder.outOfStep).toMatch(/out of step/);
    holder.register(first);
    expect(holder.outOfStep).toBeUndefined();
    expect(holder.take(renewalOf(first, second))).toBeUndefined();
  });

  test("ASM-15: a renewal under another link is noticed", () => {
    const holder = new ChainHolder(first);
    const other = { index: 2, sealed: new Uint8Array(16) };
    expect(holder.take(other)).toMatch(
      /renewal 2 does not decrypt under link 1; register it again/,
    );
    expect(holder.outOfStep).toBeDefined();
  });
});

describe("phase 2", () => {
  const group = standardGroup();

  test("ASM-20: p is a prime number of more than 300 decimal digits", () => {
    expect(group.p.toString().length).toBe(617);
    expect(groupProblem(group)).toBeUndefined();
    expect(groupProblem({ ...group, p: group.p - 2n })).toBe("p is no prime number");
    expect(groupProblem({ p: 23n, q: 5n })).toBe(
      "p has 2 decimal digits; it must have more than 300",
    );
  });

  test("ASM-20: q from 1 to p - 1, and the two that give trivial keys are refused", () => {
    const { p } = group;
    for (const q of [0n, -1n, p, p + 1n])
      expect(groupProblem({ p, q })).toBe("q must be from 1 to p - 1");
    expect(groupProblem({ p, q: 1n })).toMatch(/q = 1 gives everybody the same key/);
    expect(groupProblem({ p, q: p - 1n })).toMatch(/q = p - 1 gives everybody the same key/);
    for (const q of [2n, p - 2n]) expect(groupProblem({ p, q })).toBeUndefined();
  });

  test("ASM-20: a prime made by node:crypto is as good", () => {
    // A safe prime of 1,000 bits takes seconds; that it is checked does not depend on its size.
    const small = generatedGroup(64, 3n);
    expect(groupProblem(small)).toMatch(/decimal digits; it must have more than 300/);
    expect(modularPower(3n, small.p - 1n, small.p)).toBe(1n);
  });

  test("ASM-21: both sides arrive at the same key, and so does OpenSSL's Diffie-Hellman", () => {
    const [one, other] = [link("image of VNF1"), link("image of VNF2")];
    const [publicOne, publicOther] = [publicValue(group, one), publicValue(group, other)];
    const key = sharedKey(group, one, publicOther);
    expect(key).toBeDefined();
    expect(sharedKey(group, other, publicOne)).toEqual(key);

    const theirs = createDiffieHellman(Buffer.from(toOctets(group.p)), Buffer.from([2]));
    theirs.setPrivateKey(one);
    theirs.generateKeys();
    expect(toBigInt(theirs.getPublicKey())).toBe(publicOne);
    expect(toBigInt(theirs.computeSecret(toOctets(publicOther)))).toBe(
      toBigInt(key ?? Buffer.of()),
    );
  });

  test("ASM-21: R of 0, 1, p - 1 and beyond is no use", () => {
    const { p } = group;
    for (const value of [0n, 1n, p - 1n, p, p + 5n])
      expect(sharedKey(group, link("image"), value)).toBeUndefined();
  });

  test("ASM-23: traffic under K_ij, and no other key reads it", () => {
    const key = toOctets(modularPower(2n, 12345n, group.p));
    const plain = Buffer.from("traffic of any length");
    expect(Buffer.from(unseal(key, seal(key, plain)) ?? "").toString()).toBe(plain.toString());
    expect(seal(key, plain)).not.toEqual(seal(key, plain));
    const other = toOctets(modularPower(2n, 54321n, group.p));
    expect(unseal(other, seal(key, plain))).not.toEqual(new Uint8Array(plain));
    expect(unseal(key, new Uint8Array(31))).toBeUndefined();
  });

  test("numbers and octets, both ways", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 300n }), (value) => {
        expect(toBigInt(toOctets(value))).toBe(value);
      }),
      { numRuns: 50 },
    );
    expect(modularPower(7n, 0n, 13n)).toBe(1n);
    expect(modularPower(7n, 560n, 561n)).toBe(1n);
  });
});

describe("messages", () => {
  test("both ways", () => {
    const sent = message("renew", { id: "00ff", name: "VNF1", index: "7", sealed: "" });
    expect(decodeMessage(encodeMessage(sent).trimEnd())).toEqual({ ok: true, message: sent });
  });

  test.each([
    ["nonsense", "a message is no JSON"],
    ["[]", "a message has a kind and fields"],
    ['{"kind":"open","fields":{}}', "a message has an unknown kind"],
    ['{"kind":"toString","fields":{}}', "a message has an unknown kind"],
    ['{"kind":"done","fields":{"a":"b"}}', "done: other fields are needed"],
    ['{"kind":"hello","fields":{"id":"xyz"}}', "hello: field id must be of the form hex"],
    [
      '{"kind":"received","fields":{"octets":"1e9"}}',
      "received: field octets must be of the form number",
    ],
    [
      '{"kind":"refused","fields":{"reason":"\\u001b[2J"}}',
      "refused: field reason must be of the form text",
    ],
    [" ".repeat(65_537), "a message is longer than 65536 octets"],
  ])("%.40s", (line, problem) => {
    expect(decodeMessage(line)).toEqual({ ok: false, problem });
  });

  test("whatever comes is a message or a problem", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        expect(typeof decodeMessage(line).ok).toBe("boolean");
      }),
      { numRuns: 500 },
    );
  });
});
