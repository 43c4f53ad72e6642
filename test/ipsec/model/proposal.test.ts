/** Proposals in the forms that people and vendors write. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatEspName,
  formatEspProposal,
  formatIkeName,
  formatIkeSuite,
  formatTransforms,
  parseEspName,
  parseEspProposal,
  parseIkeName,
  parseIkeSuite,
  parseTransforms,
  SECURITY_LEVELS,
} from "../../../src/ipsec/model/index.js";

test("IPS-11: pre-g2-aes128-sha is read and printed", () => {
  const proposal = parseIkeName("pre-g2-aes128-sha");
  expect(proposal).toMatchObject({
    authentication: "psk",
    group: "modp1024",
    encryption: "aes128",
    integrity: "sha1",
    lifetimeSeconds: 28_800,
  });
  expect(formatIkeName(proposal!)).toBe("pre-g2-aes128-sha");
  expect(formatIkeSuite(proposal!)).toBe("aes128-sha1-modp1024");
});

test("IPS-15: g2-esp-aes128-sha is read and printed", () => {
  const proposal = parseEspName("g2-esp-aes128-sha");
  expect(proposal).toMatchObject({
    protocol: "esp",
    pfs: "modp1024",
    encryption: "aes128",
    integrity: "sha1",
  });
  expect(formatEspName(proposal!)).toBe("g2-esp-aes128-sha");
});

test("IPS-46: esp-3des esp-md5-hmac is read and printed", () => {
  const proposal = parseTransforms("esp-3des esp-md5-hmac");
  expect(proposal).toMatchObject({ encryption: "3des", integrity: "md5", pfs: undefined });
  expect(formatTransforms(proposal!)).toBe("esp-3des esp-md5-hmac");
});

test.each(["pre-g1-des-md5", "pre-g14-aes256-sha2-256", "rsa-g5-3des-sha", "dsa-g2-aes192-sha"])(
  "phase 1, %s",
  (name) => {
    expect(formatIkeName(parseIkeName(name)!)).toBe(name);
  },
);

test.each(["nopfs-esp-3des-md5", "g14-esp-aes256-sha2-256", "g2-ah-sha", "nopfs-esp-null-sha"])(
  "phase 2, %s",
  (name) => {
    expect(formatEspName(parseEspName(name)!)).toBe(name);
  },
);

test.each([
  "esp-des esp-sha-hmac",
  "esp-aes-256 esp-sha-hmac",
  "esp-null esp-md5-hmac",
  "ah-md5-hmac",
])("transforms, %s", (text) => {
  expect(formatTransforms(parseTransforms(text)!)).toBe(text);
});

describe("keywords", () => {
  test.each([
    "aes256gcm16-prfsha384-curve25519",
    "aes128-sha1-modp1024",
    "aes256-sha256-prfsha512-ecp384",
    "chacha20poly1305-prfsha256-curve25519-ke1_mlkem768",
    "3des-md5-modp1024",
  ])("phase 1, %s", (text) => {
    expect(formatIkeSuite(parseIkeSuite(text)!)).toBe(text);
  });

  test.each([
    "aes256gcm16-curve25519-esn",
    "3des-md5",
    "aes128-sha1-modp1024",
    "aes256gcm16-curve25519-ke1_mlkem768-esn",
    "ah:sha256",
  ])("phase 2, %s", (text) => {
    expect(formatEspProposal(parseEspProposal(text)!)).toBe(text);
  });

  test("x25519 is curve25519", () => {
    expect(parseIkeSuite("aes256gcm16-prfsha384-x25519")?.group).toBe("curve25519");
  });
});

test.each([
  "",
  "pre-g2-aes128",
  "pre-g99-aes128-sha",
  "aes256gcm16-sha256-curve25519",
  "aes128-modp1024",
  "aes128-sha1",
  "aes128-aes256-sha1-modp1024",
  "constructor-sha1-modp1024",
  "aes128-sha1-modp1024-ke2_mlkem768",
])("%j is no phase-1 proposal", (text) => {
  expect(parseIkeName(text) ?? parseIkeSuite(text)).toBeUndefined();
});

test.each(["", "esp-3des esp-des", "esp-3des esp-md5-hmac ah-sha-hmac", "g2-esp-x-sha", "sha1"])(
  "%j is no phase-2 proposal",
  (text) => {
    expect(parseEspName(text) ?? parseTransforms(text) ?? parseEspProposal(text)).toBeUndefined();
  },
);

test("IPS-10: predefined security levels stand for names that are known", () => {
  for (const { ike, esp } of Object.values(SECURITY_LEVELS)) {
    expect(ike.length).toBeLessThanOrEqual(4);
    expect(ike.map((name) => formatIkeName(parseIkeName(name)!))).toEqual(ike);
    expect(esp.map((name) => formatEspName(parseEspName(name)!))).toEqual(esp);
  }
});

test("what a vendor's form cannot say has no name", () => {
  const modern = parseEspProposal("aes256gcm16-curve25519-esn")!;
  expect(formatEspName(modern)).toBeUndefined();
  expect(formatTransforms(modern)).toBeUndefined();
  const suite = parseIkeSuite("aes256gcm16-prfsha384-curve25519")!;
  expect(formatIkeName({ ...suite, authentication: "psk", lifetimeSeconds: 1 })).toBeUndefined();
});

test("whatever the text, it is a proposal that prints as itself, or none", () => {
  const word = fc.constantFrom(
    ..."des 3des aes128 aes256gcm16 null md5 sha sha1 sha256 prfsha384 modp1024 x25519 esn esp ah g2 pre nopfs ke1_mlkem768 hmac constructor".split(
      " ",
    ),
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(word, { maxLength: 7 }).map((words) => words.join("-")),
    fc.array(word, { maxLength: 3 }).map((words) => words.join(" ")),
  );
  fc.assert(
    fc.property(text, (given) => {
      const suite = parseIkeSuite(given);
      if (suite !== undefined) expect(parseIkeSuite(formatIkeSuite(suite))).toEqual(suite);
      const esp = parseEspProposal(given);
      if (esp !== undefined) expect(parseEspProposal(formatEspProposal(esp))).toEqual(esp);
      const name = parseEspName(given);
      if (name !== undefined) expect(parseEspName(formatEspName(name)!)).toEqual(name);
      const transforms = parseTransforms(given);
      if (transforms !== undefined) {
        expect(parseTransforms(formatTransforms(transforms)!)).toEqual(transforms);
      }
      const ike = parseIkeName(given);
      if (ike !== undefined) expect(parseIkeName(formatIkeName(ike)!)).toEqual(ike);
    }),
    { numRuns: 500 },
  );
});
