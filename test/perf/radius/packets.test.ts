/** The load test's own RADIUS: against the examples of the RFCs, and against itself. */
import { describe, expect, test } from "vitest";
import { Builder, Code, findAttribute, Hop, Type } from "../../../perf/radius/packets.js";

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

describe("RFC 2865 section 7.1", () => {
  const hop = new Hop("xyzzy5461");
  const authenticator = hex("0f403f9473978057bd83d5cb98f4227a");

  test("User-Password of arctangent", () => {
    expect(hop.hidePassword("arctangent", authenticator).toString("hex")).toBe(
      "0dbe708d93d413ce3196e43f782a0aee",
    );
  });

  test("the Response Authenticator of the Access-Accept", () => {
    const answer = hex(
      "02 00 00 26 86fe220e 7624ba2a 1005f6bf 9b55e0b2 06 06 00000001 0f 06 00000000 0e 06 c0a80103",
    );
    expect(hop.answerFits(answer, authenticator)).toBe(true);
    answer[25] = 2;
    expect(hop.answerFits(answer, authenticator)).toBe(false);
  });
});

describe("an answer", () => {
  const hop = new Hop("one secret");
  const authenticator = Buffer.alloc(16, 9);
  const answer = () => {
    const builder = new Builder().begin(Code.AccessAccept, 7).signature().text(Type.Class, "gold");
    const packet = Buffer.from(builder.finish());
    hop.signAnswer(packet, builder.signatureAt, authenticator);
    return packet;
  };

  test("is signed twice, and both are looked at", () => {
    expect(hop.answerFits(answer(), authenticator)).toBe(true);
    expect(hop.answerIsSigned(answer(), authenticator)).toBe(true);
    const other = new Hop("another secret");
    expect(other.answerFits(answer(), authenticator)).toBe(false);
    expect(other.answerIsSigned(answer(), authenticator)).toBe(false);
  });

  test("without Message-Authenticator is not signed", () => {
    const packet = Buffer.from(new Builder().begin(Code.AccessAccept, 7).finish());
    hop.signAnswer(packet, 0, authenticator);
    expect(hop.answerFits(packet, authenticator)).toBe(true);
    expect(hop.answerIsSigned(packet, authenticator)).toBe(false);
  });
});

test("attributes are found, and octets that make no sense end the search", () => {
  const packet = Buffer.from(new Builder().begin(1, 1).text(1, "bob").number(5, 7).finish());
  expect(findAttribute(packet, 5)).toBe(25);
  expect(findAttribute(packet, 80)).toBe(0);
  packet[21] = 0;
  expect(findAttribute(packet, 5)).toBe(0);
});
