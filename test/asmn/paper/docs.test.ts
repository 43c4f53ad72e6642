/** docs/asmn-paper.md says what was read into the paper, and names what there is. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ATTACKS, CHAIN_HASHES, decimalDigits, HASH_BITS } from "../../../src/asmn/paper/index.js";
import { CIPHER_TEXT } from "../../../src/asmn/paper/cipher.js";
import { P_DIGITS, standardGroup } from "../../../src/asmn/paper/group.js";

const page = readFileSync("docs/asmn-paper.md", "utf8").replaceAll(/\s+/g, " ");

test("ASM-24: which section the paper's second phase means", () => {
  expect(page).toContain('speaks of the authentication "in 3.1", its section 3.2 is meant');
});

test("ASM-20, ASM-22: how p is read, and how large exponents really are", () => {
  expect(page).toContain(`more than ${P_DIGITS} decimal digits`);
  expect(page).toContain(`(${standardGroup().p.toString().length} digits)`);
  const [crc32, md5, sha1] = CHAIN_HASHES.map((hash) => decimalDigits(HASH_BITS[hash]));
  expect(page).toContain(`CRC32 has at most ${crc32}, MD5 ${md5}, SHA-1 ${sha1}`);
});

test("ASM-14, ASM-23: the cipher that was chosen", () => {
  expect(CIPHER_TEXT).toContain("AES-256-CBC with a random IV");
  expect(page).toContain("AES-256 in CBC mode, random IV, key = SHA-256 of the secret");
});

test("ASM-73: every attack is named, with its requirement", () => {
  for (const [name, { ids }] of Object.entries(ATTACKS))
    expect(page).toMatch(new RegExp(`\\| \`${name}\` [^\`]*\\(${ids}\\)`));
});
