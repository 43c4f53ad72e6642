/** Packets in and out: what is well formed is read back as written, what is not costs a word. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hidePassword, unhidePassword } from "../../../src/radius/packet/hiding.js";
import { Attr, Code } from "../../../src/radius/packet/iana.js";
import { Secret } from "../../../src/radius/packet/md5.js";
import { attributesOf, checkPacket } from "../../../src/radius/packet/packet.js";
import { rehide } from "../../../src/radius/packet/rehide.js";
import { PacketWriter } from "../../../src/radius/packet/writer.js";
import { builtInDictionary } from "../../../src/radius/dictionary/built-in.js";

/** Header of `length`, then the attribute octets as given. */
function raw(attributes: readonly number[], length = 20 + attributes.length): Uint8Array {
  return Uint8Array.of(
    1,
    7,
    length >> 8,
    length & 255,
    ...new Array<number>(16).fill(9),
    ...attributes,
  );
}

describe("RAD-64: malformed octets", () => {
  test.each([
    ["empty", new Uint8Array(), "short"],
    ["19 octets", raw([]).subarray(0, 19), "short"],
    ["length below the header", raw([], 19), "length"],
    ["length beyond the datagram", raw([], 21), "length"],
    ["length beyond 4096", raw(new Array<number>(4090).fill(0), 4097), "length"],
    ["attribute of length 0", raw([1, 0]), "attribute-length"],
    ["attribute of length 1", raw([1, 1, 0]), "attribute-length"],
    ["attribute beyond the packet", raw([1, 4, 0]), "attribute-length"],
    ["half an attribute", raw([1]), "attribute-length"],
    ["vendor attribute without content", raw([26, 6, 0, 0, 1, 55]), "vendor-length"],
    ["vendor attribute of length 2", raw([26, 2]), "vendor-length"],
    ["short Message-Authenticator", raw([80, 4, 0, 0]), "message-authenticator"],
    ["User-Password that is no multiple of 16", raw([2, 4, 0, 0]), "password"],
    ["User-Password with EAP", raw([2, 18, ...new Array<number>(16).fill(0), 79, 2]), "password"],
  ])("%s", (_name, bytes, fault) => {
    expect(checkPacket(bytes)).toBe(fault);
  });

  test("two Message-Authenticators", () => {
    const one = [80, 18, ...new Array<number>(16).fill(0)];
    expect(checkPacket(raw([...one, ...one]))).toBe("message-authenticator");
  });

  test("octets beyond Length are padding", () => {
    expect(checkPacket(raw([1, 3, 65, 0, 0], 23))).toMatchObject({ length: 23, userName: 20 });
  });

  test("any octets give facts or a fault, and facts can be walked", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, fix) => {
        if (fix && bytes.length >= 20) new DataView(bytes.buffer).setUint16(2, bytes.length);
        const facts = checkPacket(bytes);
        if (typeof facts === "string") return;
        let end = 20;
        for (const { offset, value } of attributesOf(bytes)) {
          expect(offset).toBe(end);
          end = offset + 2 + value.length;
        }
        expect(end).toBe(facts.length);
        rehide(bytes.slice(), HOP_A, HOP_B, builtIn);
      }),
      { numRuns: 5000 },
    );
  });
});

const builtIn = builtInDictionary();
const HOP_A = { secret: new Secret("a"), authenticator: new Uint8Array(16).fill(1) };
const HOP_B = { secret: new Secret("bb"), authenticator: new Uint8Array(16).fill(2) };

test("attributes come back as they were written", () => {
  const value = fc.uint8Array({ maxLength: 60 });
  const attribute = fc.tuple(fc.integer({ min: 90, max: 100 }), value);
  fc.assert(
    fc.property(fc.array(attribute, { maxLength: 30 }), (list) => {
      const writer = new PacketWriter().begin(Code.AccessRequest, 5);
      for (const [type, octets] of list) writer.put(type, octets);
      const packet = writer.finish() ?? new Uint8Array();
      const back = [...attributesOf(packet)].map((one) => [one.type, Uint8Array.from(one.value)]);
      expect(back).toEqual(list);
    }),
  );
});

test("a packet that grew beyond 4096 octets is not finished", () => {
  const writer = new PacketWriter().begin(1, 1);
  for (let i = 0; i < 40; i++) writer.put(1, new Uint8Array(200));
  expect(writer.finish()).toBeUndefined();
});

test("RAD-54: what is hidden opens again, and after re-hiding opens with the next hop's secret", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 128 }), (plain) => {
      const hidden = hidePassword(plain, HOP_A.secret, HOP_A.authenticator);
      expect(
        unhidePassword(hidden, HOP_A.secret, HOP_A.authenticator).subarray(0, plain.length),
      ).toEqual(plain);
      const packet = new PacketWriter().begin(1, 1).put(Attr.UserPassword, hidden).finish();
      if (packet === undefined) throw new Error("too long");
      expect(rehide(packet, HOP_A, HOP_B, builtIn)).toBe(1);
      const there = unhidePassword(packet.subarray(22), HOP_B.secret, HOP_B.authenticator);
      expect(Uint8Array.from(there.subarray(0, plain.length))).toEqual(plain);
    }),
  );
});
