/** The daemon's lines about messages, read. */
import { expect, test } from "vitest";
import { readMessageLine } from "../../../src/ipsec/trace/message-line.js";

test("IPS-33: main mode is [SA VID] [KE NONCE], then encrypted [ID HASH]", () => {
  const lines = [
    "generating ID_PROT request 0 [ SA V V V ]",
    "parsed ID_PROT response 0 [ KE No NAT-D NAT-D ]",
    "generating ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]",
  ].map(readMessageLine);
  expect(
    lines.map((line) => [line?.direction, line?.exchange, line?.encrypted, line?.payloads]),
  ).toEqual([
    ["out", "main mode", false, ["SA", "VID", "VID", "VID"]],
    ["in", "main mode", false, ["KE", "NONCE", "NAT-D", "NAT-D"]],
    ["out", "main mode", true, ["ID", "HASH", "NOTIF INITIAL-CONTACT"]],
  ]);
});

test("IPS-33: quick mode is encrypted, with its message id", () => {
  expect(
    readMessageLine("parsed QUICK_MODE request 2453 [ HASH SA No KE ID ID N((40001)) ]"),
  ).toEqual({
    direction: "in",
    exchange: "quick mode",
    version: 1,
    kind: "request",
    messageId: 2453,
    payloads: ["HASH", "SA", "NONCE", "KE", "ID", "ID", "NOTIF 40001"],
    encrypted: true,
  });
});

test("IKEv2: everything but the first exchange is encrypted; words in brackets stay together", () => {
  expect(
    readMessageLine("generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) ]")?.encrypted,
  ).toBe(false);
  expect(
    readMessageLine("parsed IKE_AUTH response 1 [ IDr AUTH CPRP(ADDR DNS) SA TSi TSr ]"),
  ).toMatchObject({
    version: 2,
    encrypted: true,
    payloads: ["IDr", "AUTH", "CPRP(ADDR DNS)", "SA", "TSi", "TSr"],
  });
});

test("other lines are none", () => {
  expect(
    readMessageLine("sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (180 bytes)"),
  ).toBeUndefined();
  expect(readMessageLine("parsed ID_PROT request [")).toBeUndefined();
});
