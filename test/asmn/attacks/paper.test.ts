/** Attacks that succeed against paper mode; `sound.test.ts` has the same ones against sound mode. */
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ATTACKS, runAttack, type AttackName } from "../../../src/asmn/paper/index.js";
import { withCrc32 } from "../../../src/asmn/paper/attacks/crc-forgery.js";
import { shortExponent } from "../../../src/asmn/paper/attacks/discrete-log.js";
import { chosenNonce } from "../../../src/asmn/paper/attacks/identifier.js";
import { agreementOf, recoverKey } from "../../../src/asmn/paper/attacks/key.js";
import { publicValue } from "../../../src/asmn/paper/agreement.js";
import { standardGroup } from "../../../src/asmn/paper/group.js";
import { CHAIN_HASHES } from "../../../src/asmn/paper/hash.js";
import { paperId } from "../../../src/asmn/paper/identifier.js";
import { overheard } from "../../../src/asmn/paper/wire/trace.js";
import { IMAGE, NOW, run } from "../paper/lib.js";

const attack = (name: AttackName, hash: (typeof CHAIN_HASHES)[number] = "sha1") =>
  runAttack(name, { hash, image: IMAGE, now: () => NOW });

describe("key recovery", () => {
  test.each(CHAIN_HASHES)(
    "ASM-73, ASM-60: image and wire give the key of paper mode: %s",
    async (hash) => {
      const report = await attack("key", hash);
      expect(report).toMatchObject({ mode: "paper", attack: "key", succeeded: true });
      expect(report.lines[0]).toBe(`R was made with ${hash}, link 4 of the image`);
      expect(report.lines[1]).toMatch(/and the traffic reads "the password is swordfish"$/);
    },
  );

  test("ASM-60: it takes the image: another one gives nothing", async () => {
    const report = await run();
    const seen = agreementOf(overheard(report.trace));
    if (seen === undefined) throw new Error("no agreement was seen");
    const other = { name: "another image", octets: Buffer.from("another image") };
    expect(await recoverKey(other, seen)).toBeUndefined();
    expect(await recoverKey(IMAGE, seen)).toMatchObject({ hash: "sha1", index: 2 });
  });

  test("ASM-60: nothing of the management network is needed", async () => {
    const report = await run();
    const kinds = new Set(overheard(report.trace).map(({ kind }) => kind));
    for (const kind of ["register", "deliver", "renew"] as const)
      expect(kinds.has(kind)).toBe(false);
    expect(agreementOf(report.trace.filter(({ network }) => network === "management"))).toBe(
      undefined,
    );
  });
});

describe("identifier collisions", () => {
  test("ASM-73, ASM-64: another tenant's VNF takes over an identifier of paper mode", async () => {
    const report = await attack("identifier");
    expect(report.succeeded).toBe(true);
    expect(report.lines).toMatchObject(
      [
        "tenant and VNF swapped: the same identifier",
        /^VNF9 of tenant "attacker" has VNF2's identifier [0-9a-f]{32}$/,
        "VNF1 has VNF2 verified: VNF9 answers and is trusted",
        /^VNF1 hears "trusted/,
      ].map((line) => (typeof line === "string" ? line : (expect.stringMatching(line) as string))),
    );
  });

  test("ASM-64: a nonce for any identifier at all", () => {
    const names = { tenant: "t", vnf: "v", instance: "i" };
    const target = "00112233445566778899aabbccddeeff";
    expect(paperId({ ...names, nonce: chosenNonce(target, names) })).toBe(target);
  });
});

describe("replay", () => {
  test("ASM-73, ASM-62: recorded messages of paper mode are as good as new ones", async () => {
    const report = await attack("replay");
    expect(report.succeeded).toBe(true);
    expect(report.lines).toEqual([
      "recorded traffic sent again: accepted a second time",
      "a fake that plays VNF2's recorded proof: Sec-EM says trusted, it has link 4",
      'VNF1 goes on with it, told "trusted" by a recorded result',
    ]);
  });
});

describe("further weaknesses", () => {
  test("ASM-61: one old link gives all later ones", async () => {
    const report = await attack("chain");
    expect(report.lines).toEqual([
      "20 renewals later the Sec-EM has link 24",
      "the thief computed it from link 2: Sec-EM says trusted",
    ]);
    expect(report.succeeded).toBe(true);
  });

  test("ASM-63: a mirror is trusted", async () => {
    expect(await attack("reflection")).toMatchObject({ succeeded: true, ids: "ASM-63" });
  });

  test("ASM-65: CRC32: a forged image, and a key without an image", async () => {
    expect(await attack("hash")).toMatchObject({ succeeded: true, ids: "ASM-65" });
  });

  test("ASM-65: four octets give any CRC32", () => {
    for (const wanted of [0, 1, 0xdeadbeef, 0xffffffff])
      expect(crc32(withCrc32(Buffer.from("back door"), wanted))).toBe(wanted);
  });

  test("ASM-22: an exponent of 32 bits is found by its R alone", () => {
    const group = standardGroup(5n);
    const exponent = Buffer.from("00c0ffee", "hex");
    expect(shortExponent(group, publicValue(group, exponent), 24)).toBe(0xc0ffeen);
    expect(shortExponent(group, publicValue(group, Buffer.from("ff".repeat(16), "hex")), 8)).toBe(
      undefined,
    );
  });

  test("ASM-69: encrypted traffic becomes another text on its way", async () => {
    const report = await attack("integrity");
    expect(report.lines[1]).toBe('VNF2 took "permit  10.6.6.6" without the key being known');
    expect(report.succeeded).toBe(true);
  });

  test("every attack names its requirement, and what stands against it", () => {
    for (const spec of Object.values(ATTACKS)) {
      expect(spec.ids).toMatch(/^ASM-\d\d$/);
      expect(spec.soundMode.length).toBeGreaterThan(10);
    }
  });
});
