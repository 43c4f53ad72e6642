import { expect, test } from "vitest";
import {
  decodePacket,
  encodePacket,
  MOST_SEGMENT,
  PacketType,
  SegmentReader,
  ViciError,
} from "../../../src/ipsec/vici/index.js";
import { Random } from "../../model/lib/random.js";

test("a request has a name, an answer has none", () => {
  const request = encodePacket(PacketType.Request, "version", { a: "b" });
  expect([...request.subarray(0, 13)]).toEqual([0, 0, 0, 15, 0, 7, ...Buffer.from("version")]);
  expect(decodePacket(request.subarray(4))).toMatchObject({ type: 0, name: "version" });
  const answer = decodePacket(encodePacket(PacketType.Response, "", { success: "no" }).subarray(4));
  expect(answer).toMatchObject({ type: 1, name: "" });
});

test("packets are found wherever the stream is cut", () => {
  const stream = Buffer.concat([
    encodePacket(PacketType.Event, "log", { msg: "one" }),
    encodePacket(PacketType.Confirmed, ""),
    encodePacket(PacketType.Response, "", { success: "yes" }),
  ]);
  for (let cut = 0; cut <= stream.length; cut++) {
    const reader = new SegmentReader();
    const found = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))];
    expect(found.map((segment) => decodePacket(segment).type)).toEqual([7, 5, 1]);
  }
  const reader = new SegmentReader();
  const single = [...stream].flatMap((octet) => reader.push(Uint8Array.of(octet)));
  expect(single).toHaveLength(3);
});

test("a length that the protocol does not allow ends it, before anything is kept", () => {
  const reader = new SegmentReader();
  expect(() => reader.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toThrow(ViciError);
  expect(() =>
    encodePacket(
      PacketType.Request,
      "load-cert",
      Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`k${n}`, "x".repeat(60_000)])),
    ),
  ).toThrow(/larger than the daemon takes/);
  expect(MOST_SEGMENT).toBe(524_288);
});

test("random packets are read or refused", () => {
  const random = new Random(90);
  for (let round = 0; round < 10_000; round++) {
    const bytes = Uint8Array.from({ length: random.below(30) }, () =>
      random.below(round % 2 === 0 ? 9 : 256),
    );
    try {
      decodePacket(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(ViciError);
    }
  }
});
