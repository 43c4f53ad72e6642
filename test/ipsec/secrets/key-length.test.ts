/** How long a key may be that somebody types. */
import { expect, test } from "vitest";
import { checkCredential } from "../../../src/ipsec/secrets/credential.js";

test("RAD-27: a manual IKE key has up to 200 characters", () => {
  expect(() => checkCredential("site", "psk", "k".repeat(200))).not.toThrow();
  const refused = () => checkCredential("site", "psk", "k".repeat(201));
  expect(refused).toThrow("more than 200 characters");
  expect(refused).not.toThrow("kkkk");
  // Octets are no text.
  expect(() => checkCredential("site", "psk", `0x${"ab".repeat(200)}`)).not.toThrow();
});
