/** MD5 and HMAC against the platform's own, for every length around block borders and any cut. */
import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Md5, Secret } from "../../../src/radius/packet/md5.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("any octets, cut anywhere, hash as the platform hashes them", () => {
  const md5 = new Md5();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (bytes, at) => {
      const cut = bytes.length === 0 ? 0 : at % bytes.length;
      const out = new Uint8Array(16);
      md5.reset().add(bytes, 0, cut).add(bytes, cut).finish(out);
      expect(hex(out)).toBe(createHash("md5").update(bytes).digest("hex"));
    }),
  );
});

test("HMAC with keys shorter and longer than a block", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 150 }), bytes, (key, data) => {
      const secret = new Secret(key);
      const out = new Uint8Array(16);
      secret.hmac().add(data);
      secret.finishHmac(out);
      expect(hex(out)).toBe(createHmac("md5", key).update(data).digest("hex"));
    }),
  );
});
