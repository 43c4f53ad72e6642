/** Connections that stand, when a reload brings a list that revokes their certificate, or another CA. */
import type { Server } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { Code } from "../../../src/radius/packet/iana.js";
import { PeerTrust } from "../../../src/radius/radsec/peer-trust.js";
import type { TlsUpstreamSettings } from "../../../src/radius/radsec/settings.js";
import { TlsPort } from "../../../src/radius/radsec/tls-port.js";
import { silentLog } from "../../../src/util/log.js";
import { pki } from "../../lib/pki.js";
import { ManualClock } from "../lib/hand-clock.js";
import { accessRequest, STATION } from "../lib/packets.js";
import { client, dial, listenerSettings, PSK, SECRET, serve, shows } from "./lib/tls.js";
import { startListener, until } from "./lib/tls.js";
import type { End, Rig } from "./lib/tls.js";

let rig: Rig | undefined;
let server: Server | undefined;
let port: TlsPort | undefined;
afterEach(() => {
  rig?.close();
  port?.close();
  server?.close();
});

const pap = (identifier: number) =>
  accessRequest(STATION, SECRET, { identifier, password: "hello" });
const aps = ["ap1", "ap2"].map((name) =>
  client(name, { kind: "name", name: `DNS:${name}.example` }),
);
const lab = client("lab", { kind: "psk", psk: { identity: "lab", key: PSK } });
const trusting = (ca: string, crl?: string) =>
  listenerSettings({
    clients: [...aps, lab],
    credentials: { ...shows("server"), ca: pki(ca), crl: crl === undefined ? undefined : pki(crl) },
  });
const answered = async (end: End, identifier: number): Promise<boolean> => {
  const before = end.packets.length;
  end.send(pap(identifier));
  return (await end.packet(before))[0] === Code.AccessAccept;
};

async function connected(
  crl?: string,
): Promise<{ readonly one: End; readonly two: End; readonly psk: End }> {
  rig = await startListener(trusting("relay-ca.crt", crl));
  const one = await dial(rig.port, shows("relay-ap1"));
  const two = await dial(rig.port, shows("relay-ap2"));
  const psk = await dial(rig.port, {
    pskCallback: () => ({ identity: "lab", psk: Buffer.from(PSK, "hex") }),
    checkServerIdentity: () => undefined,
    ciphers: "TLS_AES_128_GCM_SHA256",
  });
  for (const end of [one, two, psk]) expect(await answered(end, 1)).toBe(true);
  return { one, two, psk };
}

describe("RAD-60: of clients", () => {
  test("RAD-60: a list that revokes a certificate ends its connection, and no other", async () => {
    const { one, two, psk } = await connected("relay-none.crl");
    rig?.listener.configure(trusting("relay-ca.crt", "relay-ap1.crl"));
    await until(() => one.closed);
    for (const end of [two, psk]) expect(await answered(end, 2)).toBe(true);
    // Neither does it come back.
    const again = await dial(rig!.port, shows("relay-ap1"));
    await until(() => again.closed);
    expect(rig?.listener.connections).toHaveLength(2);
  });

  test("RAD-60: a first list counts as much; one that revokes the issuing CA ends all that it signed", async () => {
    const { one, two, psk } = await connected();
    rig?.listener.configure(trusting("relay-ca.crt", "relay-sub.crl"));
    await until(() => one.closed && two.closed);
    expect(await answered(psk, 2)).toBe(true);
  });

  test("RAD-60: a CA that is not trusted any more ends what stands on it; one beside it ends nothing", async () => {
    const { one, two, psk } = await connected();
    const both = trusting("relay-ca.crt");
    const { credentials } = both;
    const ca = `${pki("ca.crt")}${credentials.ca ?? ""}`;
    rig?.listener.configure({ ...both, credentials: { ...credentials, ca } });
    for (const end of [one, two, psk]) expect(await answered(end, 2)).toBe(true);
    rig?.listener.configure(trusting("ca.crt"));
    await until(() => one.closed && two.closed);
    expect(await answered(psk, 3)).toBe(true);
  });
});

test("RAD-60: a home server whose certificate was revoked is left at the reload, and not gone back to", async () => {
  const ends: End[] = [];
  const made = await serve((end) => ends.push(end), shows("relay-ap1"));
  ({ server } = made);
  let now: TlsUpstreamSettings = {
    port: made.port,
    credentials: { ...shows("viewer"), ca: pki("relay-ca.crt"), crl: pki("relay-none.crl") },
    serverName: "ap1.example",
    spki: [],
    psk: undefined,
  };
  const clock = new ManualClock();
  let refused = 0;
  const one = new TlsPort({
    ...{ name: "home", address: "127.0.0.1", clock, log: silentLog },
    settings: () => now,
    onDatagram: () => {},
    onRefused: () => refused++,
    onRequest: () => {},
  });
  port = one;
  const packet = Uint8Array.of(1, 1, 0, 20, ...new Uint8Array(16));
  one.occupy({ port: one, identifier: 1, packet, sentAt: 0, lastSentAt: 0 });
  one.send(packet);
  await until(() => ends[0]?.packets.length === 1);
  one.reconsider();
  expect(one.connected).toBe(true);
  now = { ...now, credentials: { ...now.credentials, crl: pki("relay-ap1.crl") } };
  one.reconsider();
  await until(() => ends[0]?.closed === true);
  const before = refused;
  clock.pass(1000);
  await until(() => refused > before);
  expect(ends[1]?.packets ?? []).toEqual([]);
});

describe("what files may hold", () => {
  test("RAD-64: neither a list cut short nor noise does any harm", () => {
    const whole = Buffer.from(
      /-----BEGIN X509 CRL-----([^-]*)/.exec(pki("relay-ap1.crl"))?.[1] ?? "",
      "base64",
    );
    for (let length = 0; length < whole.length; length++) {
      const text = `-----BEGIN X509 CRL-----\n${whole.subarray(0, length).toString("base64")}\n-----END X509 CRL-----\n`;
      expect(new PeerTrust({ ca: "nothing", crl: text }).fault([])).toBeTypeOf("string");
    }
  });
});
