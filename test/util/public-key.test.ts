/** Public keys that people paste: the right kinds, and nothing that should not have been pasted. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readPublicKey } from "../../src/util/public-key.js";

const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
const P256 = ec("P-256");
const pem = (pair: { publicKey: { export(options: object): unknown } }) =>
  pair.publicKey.export({ type: "spki", format: "pem" }) as string;

describe("a public key", () => {
  test("is read, with blanks and line ends as they come", () => {
    const text = pem(P256);
    const read = readPublicKey(`\n  ${text.replaceAll("\n", "\r\n")}  `);
    expect(read).toMatchObject({ ok: true, algorithm: "ec-p256" });
    const der = P256.publicKey.export({ type: "spki", format: "der" });
    expect(read.ok && Buffer.from(read.der).equals(der)).toBe(true);
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    expect(readPublicKey(pem(rsa))).toMatchObject({ algorithm: "rsa-2048" });
  });

  test.each<[string, string, RegExp]>([
    ["nothing", "", /no public key in PEM/],
    ["something cut off", pem(P256).slice(0, 60), /no public key in PEM/],
    ["a certificate", pem(P256).replaceAll("PUBLIC KEY", "CERTIFICATE"), /no public key in PEM/],
    ["octets that are none", pem(P256).replace("MFkw", "AAAA"), /no public key in PEM/],
    ["another curve", pem(ec("P-384")), /of this kind/],
    ["another kind", pem(generateKeyPairSync("ed25519")), /of this kind/],
    [
      "RSA that is too short",
      pem(generateKeyPairSync("rsa", { modulusLength: 1024 })),
      /of this kind/,
    ],
    [
      "a private key",
      P256.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      /a private key, which belongs to nobody else/,
    ],
  ])("is not %s, and nothing of it is repeated", (_what, text, expected) => {
    const read = readPublicKey(text);
    if (read.ok) throw new Error("taken");
    expect(read.problem).toMatch(expected);
    for (const line of text.split("\n").filter((one) => one.length > 20))
      expect(read.problem + read.remedy).not.toContain(line);
  });
});
