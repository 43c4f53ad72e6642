/** BFD authentication (RFC 5880 section 6.7): each kind, wrong keys, replays, sequence windows. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Authenticator } from "../../../src/bgp/bfd/auth.js";
import {
  BfdState,
  decodePacket,
  encodePacket,
  PACKET_LENGTH,
} from "../../../src/bgp/bfd/packet.js";
import { BFD_AUTH_TYPES, type BfdAuth } from "../../../src/bgp/bfd/settings.js";

const KEY = "a secret";

function auth(over: Partial<BfdAuth> = {}): BfdAuth {
  return { type: "keyed-sha1", keyId: 7, key: KEY, ...over };
}

function signed(sender: Authenticator): Uint8Array {
  const bytes = encodePacket(
    {
      diag: 0,
      state: BfdState.Up,
      poll: false,
      final: false,
      independent: false,
      demand: false,
      multiplier: 3,
      myDiscriminator: 1,
      yourDiscriminator: 2,
      minTx: 50_000,
      minRx: 50_000,
      minEchoRx: 0,
      authenticated: true,
    },
    sender.length,
  );
  sender.sign(bytes);
  return bytes;
}

function accepts(receiver: Authenticator, bytes: Uint8Array): boolean {
  const packet = decodePacket(bytes);
  if (typeof packet === "string") throw new Error(packet);
  return receiver.accepts(bytes, packet);
}

describe.each(BFD_AUTH_TYPES)("%s", (type) => {
  it("accepts its own, and leaves the datagram as it came", () => {
    const bytes = signed(new Authenticator(auth({ type })));
    const before = bytes.slice();
    expect(accepts(new Authenticator(auth({ type })), bytes)).toBe(true);
    expect(bytes).toEqual(before);
  });

  it("refuses another key, key id or kind", () => {
    const bytes = signed(new Authenticator(auth({ type })));
    const other = type === "simple" ? "keyed-md5" : "simple";
    for (const wrong of [{ key: "a secreT" }, { keyId: 8 }, { type: other } as const]) {
      expect(accepts(new Authenticator(auth({ type, ...wrong })), bytes)).toBe(false);
    }
  });

  it("refuses a packet of which an octet is another", () => {
    const good = signed(new Authenticator(auth({ type })));
    for (let at = PACKET_LENGTH; at < good.length; at++) {
      const bytes = good.slice();
      bytes[at]! ^= 0x40;
      const receiver = new Authenticator(auth({ type }));
      // The reserved octet of the keyed kinds is covered by the digest, too.
      expect(accepts(receiver, bytes)).toBe(false);
    }
  });

  it("refuses a section that is cut or too long", () => {
    const bytes = signed(new Authenticator(auth({ type })));
    const receiver = new Authenticator(auth({ type }));
    const shorter = bytes.slice(0, -1);
    shorter[3] = shorter.length;
    expect(accepts(receiver, shorter)).toBe(false);
    const longer = Buffer.concat([bytes, Buffer.alloc(1)]);
    longer[3] = longer.length;
    expect(accepts(receiver, longer)).toBe(false);
  });
});

describe("sequence numbers", () => {
  it("of the meticulous kinds go up with every packet: a replay is refused", () => {
    const sender = new Authenticator(auth({ type: "meticulous-keyed-sha1" }));
    const receiver = new Authenticator(auth({ type: "meticulous-keyed-sha1" }));
    const first = signed(sender);
    expect(accepts(receiver, first)).toBe(true);
    expect(accepts(receiver, first)).toBe(false);
    expect(accepts(receiver, signed(sender))).toBe(true);
    expect(accepts(receiver, first)).toBe(false);
  });

  it("of the others go up when what is said changes, and may repeat in between", () => {
    const sender = new Authenticator(auth());
    const receiver = new Authenticator(auth());
    const first = signed(sender);
    expect(accepts(receiver, first)).toBe(true);
    expect(accepts(receiver, signed(sender))).toBe(true);
    sender.contentChanged();
    expect(accepts(receiver, signed(sender))).toBe(true);
    expect(accepts(receiver, first)).toBe(false);
  });

  it("may lose some packets, not more than three times the multiplier", () => {
    const sender = new Authenticator(auth({ type: "meticulous-keyed-md5" }));
    const receiver = new Authenticator(auth({ type: "meticulous-keyed-md5" }));
    expect(accepts(receiver, signed(sender))).toBe(true);
    for (let lost = 0; lost < 8; lost++) signed(sender);
    expect(accepts(receiver, signed(sender))).toBe(true);
    for (let lost = 0; lost < 9; lost++) signed(sender);
    expect(accepts(receiver, signed(sender))).toBe(false);
    // After a silence the peer may have begun anew anywhere.
    receiver.forget();
    expect(accepts(receiver, signed(sender))).toBe(true);
  });

  it("wrap", () => {
    const receiver = new Authenticator(auth({ type: "meticulous-keyed-md5" }));
    for (const sequence of [0xfffffffe, 0xffffffff, 0, 1]) {
      expect(accepts(receiver, handMade(sequence))).toBe(true);
    }
    expect(accepts(receiver, handMade(0xffffffff))).toBe(false);
  });
});

/** A meticulous MD5 packet with a given sequence number, made without the code under test. */
function handMade(sequence: number): Uint8Array {
  const bytes = Buffer.alloc(PACKET_LENGTH + 24);
  bytes.set([0x20, 0xc4, 3, bytes.length]);
  bytes.writeUInt32BE(1, 4);
  bytes.writeUInt32BE(2, 8);
  bytes.set([3, 24, 7, 0], PACKET_LENGTH);
  bytes.writeUInt32BE(sequence, PACKET_LENGTH + 4);
  bytes.write(KEY, PACKET_LENGTH + 8);
  createHash("md5")
    .update(bytes)
    .digest()
    .copy(bytes, PACKET_LENGTH + 8);
  return bytes;
}
