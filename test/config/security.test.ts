/** Key chains, accept lists and the rest of what protects sessions, from the file to settings. */
import { describe, expect, test } from "vitest";
import { FOREVER } from "../../src/bgp/transport/tcp-ao-settings.js";
import { errorsOf, settingsOf, warningsOf } from "./lib/check.js";

const TOP = "as: 65000\nrouter-id: 10.0.0.254\n";
const FILES = { files: { "/etc/evpnd/ao.key": { text: "one secret\n" } } };
const CHAIN = `key-chains:
  fabric:
    keys:
      - {id: 1, secret-file: ao.key, send-until: "2026-06-01T00:00:00Z", accept-until: "2026-06-02T00:00:00Z"}
      - {send-id: 2, recv-id: 3, algorithm: aes-128-cmac-96, secret-env: AO_TWO, send-from: "2026-05-31T00:00:00+02:00"}
`;
const MACHINE = { ...FILES, env: { AO_TWO: "another" } };

describe("key chains", () => {
  test("give peers their keys, with lifetimes", () => {
    const { speaker } = settingsOf(
      `${TOP}${CHAIN}peers: [{address: 10.0.0.1, tcp-ao: fabric}]\n`,
      MACHINE,
    );
    expect(speaker.peers[0]?.tcpAo).toEqual({
      name: "fabric",
      coverOptions: true,
      keys: [
        {
          sendId: 1,
          recvId: 1,
          algorithm: "hmac-sha-1-96",
          secret: "one secret",
          sendFrom: 0,
          sendUntil: Date.UTC(2026, 5, 1),
          acceptFrom: 0,
          acceptUntil: Date.UTC(2026, 5, 2),
        },
        {
          sendId: 2,
          recvId: 3,
          algorithm: "aes-128-cmac-96",
          secret: "another",
          sendFrom: Date.UTC(2026, 4, 30, 22),
          sendUntil: FOREVER,
          acceptFrom: Date.UTC(2026, 4, 30, 22),
          acceptUntil: FOREVER,
        },
      ],
    });
  });

  test.each([
    ["{id: 1}", "the key has no secret"],
    ["{secret-file: ao.key}", "the key has no id"],
    ["{id: 1, secret-file: ao.key, secret-env: X}", "secret-file and secret-env both stand here"],
    ["{id: 256, secret-file: ao.key}", "256 is out of range"],
    ["{id: 1, secret-file: ao.key, send-from: tomorrow}", '"tomorrow" is not usable here'],
    ["{id: 1, secret-file: none.key}", "cannot be read (ENOENT)"],
    [
      '{id: 1, secret-file: ao.key, send-from: "2026-02-01T00:00:00Z", send-until: "2026-01-01T00:00:00Z"}',
      "it is not after send-from",
    ],
    ["{id: 1, secret-file: ao.key}, {id: 1, secret-file: ao.key}", "has the same id"],
  ])("are refused when %s", (keys, message) => {
    expect(errorsOf(`${TOP}key-chains: {x: {keys: [${keys}]}}\n`, MACHINE).join()).toContain(
      message,
    );
  });

  test("are named by peers, alone", () => {
    const named = `${TOP}${CHAIN}peers: [{address: 10.0.0.1, tcp-ao: fabrik}]\n`;
    expect(errorsOf(named, MACHINE)[0]).toContain('no key chain "fabrik"; did you mean "fabric"?');
    const both = `${TOP}${CHAIN}peers: [{address: 10.0.0.1, tcp-ao: fabric, password: x}]\n`;
    expect(errorsOf(both, MACHINE).join()).toContain("exclude each other");
  });

  test("no message has a secret", () => {
    const text = `${TOP}${CHAIN}peers: [{address: 10.0.0.1, tcp-ao: fabrik}]\n`;
    expect(errorsOf(text, MACHINE).join()).not.toContain("secret\n");
    expect(errorsOf(text, MACHINE).join()).not.toContain("another");
  });

  test("a key file that everybody can read is warned about", () => {
    const machine = { ...MACHINE, files: { "/etc/evpnd/ao.key": { text: "k\n", mode: 0o644 } } };
    expect(warningsOf(`${TOP}${CHAIN}`, machine).join()).toContain("every user can read");
  });
});

describe("accept lists", () => {
  const text = (lists: string): string => `${TOP}dynamic-peers: [{prefix: 10.0.0.0/8, ${lists}}]\n`;

  test("reach the range in one spelling", () => {
    const { speaker } = settingsOf(text("allow: [10.1.0.0/16], deny: [10.1.2.3/32]"));
    expect(speaker.dynamic[0]).toMatchObject({ allow: ["10.1.0.0/16"], deny: ["10.1.2.3/32"] });
    expect(
      settingsOf(`${TOP}dynamic-peers: [{prefix: 10.0.0.0/8}]\n`).speaker.dynamic[0],
    ).toMatchObject({
      allow: [],
      deny: [],
    });
  });

  test("stay inside it", () => {
    expect(errorsOf(text("deny: [11.0.0.0/16]"))[0]).toContain("is not inside 10.0.0.0/8");
    expect(errorsOf(text("allow: [0.0.0.0/0]"))[0]).toContain("is not inside 10.0.0.0/8");
    expect(errorsOf(text('allow: ["2001:db8::/32"]'))[0]).toContain("is not inside");
    expect(errorsOf(text("allow: [10.1.2.3/16]"))[0]).toContain("bits set beyond its length");
  });
});

test("accept-rate has a default and can be off", () => {
  expect(settingsOf(TOP).speaker.acceptRate).toBe(10);
  expect(settingsOf(`${TOP}accept-rate: 0\n`).speaker.acceptRate).toBe(0);
});
