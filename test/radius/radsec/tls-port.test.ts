import type { Server } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { Code } from "../../../src/radius/packet/iana.js";
import type { TlsUpstreamSettings } from "../../../src/radius/radsec/settings.js";
import { TlsPort } from "../../../src/radius/radsec/tls-port.js";
import { silentLog } from "../../../src/util/log.js";
import { X509Certificate } from "node:crypto";
import { spkiOf } from "../../../src/radius/radsec/peer-certificate.js";
import { pki } from "../../lib/pki.js";
import { ManualClock } from "../lib/hand-clock.js";
import { CREDENTIALS, PSK, serve, shows, until } from "./lib/tls.js";
import type { End } from "./lib/tls.js";

let server: Server | undefined;
let port: TlsPort | undefined;
afterEach(() => {
  port?.close();
  server?.close();
});

function upstream(changes: Partial<TlsUpstreamSettings>): TlsUpstreamSettings {
  return {
    port: 0,
    credentials: { ...CREDENTIALS, ...shows("viewer") },
    serverName: "localhost",
    spki: [],
    psk: undefined,
    ...changes,
  };
}

function open(settings: () => TlsUpstreamSettings, clock = new ManualClock()) {
  const got: Uint8Array[] = [];
  const requests: ((bytes: Uint8Array) => void)[] = [];
  const seen = { refused: 0 };
  const one = new TlsPort({
    name: "home",
    address: "127.0.0.1",
    clock,
    log: silentLog,
    settings,
    onDatagram: (_, bytes) => got.push(bytes),
    onRefused: () => seen.refused++,
    onRequest: (_, answer) => requests.push(answer),
  });
  port = one;
  return { one, got, requests, seen, clock };
}

const packet = (code: number, identifier: number) =>
  Uint8Array.of(code, identifier, 0, 20, ...new Uint8Array(16).fill(identifier));

function send(one: TlsPort, identifier: number): Uint8Array {
  const bytes = packet(Code.AccessRequest, identifier);
  const slot = { port: one, identifier, packet: bytes, sentAt: 0, lastSentAt: 0 };
  one.occupy(slot);
  one.send(bytes);
  return bytes;
}

/** A server whose connections are at hand. */
async function home(options: object = {}): Promise<{ ends: End[]; number: number }> {
  const ends: End[] = [];
  const made = await serve((end) => ends.push(end), options);
  server = made.server;
  return { ends, number: made.port };
}

describe("towards a home server", () => {
  test("RAD-60: connects when there is something to send, with our certificate and ALPN", async () => {
    const { ends, number } = await home({ ALPNProtocols: ["radius/1.0"] });
    const { one, got } = open(() => upstream({ port: number }));
    expect(ends).toEqual([]);
    const bytes = send(one, 1);
    await until(() => ends[0]?.packets.length === 1);
    expect(Buffer.from(ends[0]!.packets[0]!)).toEqual(Buffer.from(bytes));
    expect(ends[0]!.socket.authorized).toBe(true);
    expect(ends[0]!.socket.alpnProtocol).toBe("radius/1.0");
    ends[0]!.send(packet(Code.AccessAccept, 1));
    await until(() => got.length === 1);
  });

  test("RAD-57, RAD-60: what is unanswered goes out again on a new connection, and what is answered does not", async () => {
    const { ends, number } = await home();
    const { one, got, clock } = open(() => upstream({ port: number }));
    send(one, 1);
    const second = send(one, 2);
    await until(() => ends[0]?.packets.length === 2);
    ends[0]!.send(packet(Code.AccessAccept, 1));
    await until(() => got.length === 1);
    one.release(1);
    ends[0]!.socket.destroy();
    await until(() => !one.connected);
    clock.pass(400);
    expect(ends).toHaveLength(1);
    clock.pass(200);
    await until(() => ends[1]?.packets.length === 1);
    expect(Buffer.from(ends[1]!.packets[0]!)).toEqual(Buffer.from(second));
  });

  test("RAD-60: a server that is not there is told of, and asked ever more seldom", async () => {
    const { number } = await home();
    server?.close();
    const { one, seen, clock } = open(() => upstream({ port: number }));
    send(one, 1);
    await until(() => seen.refused === 1);
    for (const [count, wait] of [500, 1000, 2000].entries()) {
      clock.pass(wait * 0.85);
      send(one, 10 + count);
      expect(seen.refused).toBe(count + 1);
      clock.pass(wait * 0.3);
      await until(() => seen.refused === count + 2);
    }
  });

  test("RAD-60: another server's certificate is refused: name, key, CA", async () => {
    const { ends, number } = await home();
    const wrong: Partial<TlsUpstreamSettings>[] = [
      { serverName: "radius.example" },
      { serverName: "127.0.0.9" },
      { spki: [spkiOf(new X509Certificate(pki("server2.crt")))] },
      { credentials: { ...upstream({}).credentials, ca: pki("other.crt") } },
      { credentials: { ...upstream({}).credentials, ca: undefined } },
    ];
    for (const changes of wrong) {
      const { one, seen } = open(() => upstream({ port: number, ...changes }));
      send(one, 1);
      await until(() => seen.refused === 1);
      one.close();
    }
    expect(ends.flatMap(({ packets }) => packets)).toEqual([]);
    const good = upstream({
      port: number,
      serverName: undefined,
      spki: [spkiOf(new X509Certificate(pki("server.crt")))],
    });
    const { one } = open(() => good);
    send(one, 1);
    await until(() => ends.some(({ packets }) => packets.length === 1));
  });

  test("RAD-60: a reload counts from the next connection on, and leaves the one that stands", async () => {
    const { ends, number } = await home();
    let settings = upstream({ port: number });
    const { one, clock } = open(() => settings);
    send(one, 1);
    await until(() => ends[0]?.packets.length === 1);
    settings = upstream({
      port: number,
      credentials: { ...settings.credentials, ...shows("ops") },
    });
    send(one, 2);
    await until(() => ends[0]?.packets.length === 2);
    const subject = (end: End) => end.socket.getPeerX509Certificate()?.subject;
    expect(subject(ends[0]!)).toContain("dashboard");
    ends[0]!.send(packet(Code.AccessAccept, 1));
    ends[0]!.socket.end();
    await until(() => !one.connected);
    clock.pass(1000);
    await until(() => ends[1]?.packets.length === 2);
    expect(subject(ends[1]!)).toContain("ops");
  });

  test("RAD-60: TLS-PSK, and no certificate in its place", async () => {
    const key = Buffer.from(PSK, "hex");
    const psk = { identity: "relay", key: PSK };
    const none = { cert: undefined, key: undefined, ca: undefined, crl: undefined };
    const settings = (number: number) =>
      upstream({ port: number, serverName: undefined, psk, credentials: none });
    const keyed = await home({
      pskCallback: (_: unknown, identity: string) => (identity === "relay" ? key : null),
      ciphers: "TLS_AES_128_GCM_SHA256:ECDHE-PSK-CHACHA20-POLY1305",
    });
    const first = open(() => settings(keyed.number));
    send(first.one, 1);
    await until(() => keyed.ends[0]?.packets.length === 1);
    first.one.close();
    server?.close();
    const certified = await home();
    const second = open(() => settings(certified.number));
    send(second.one, 1);
    await until(() => second.seen.refused === 1);
    expect(certified.ends.flatMap(({ packets }) => packets)).toEqual([]);
  });

  test("RAD-62: a request of the server's is told apart, and answered down its connection", async () => {
    const { ends, number } = await home();
    const { one, got, requests } = open(() => upstream({ port: number }));
    send(one, 1);
    await until(() => ends[0]?.packets.length === 1);
    ends[0]!.send(packet(Code.DisconnectRequest, 9), packet(Code.CoaRequest, 10));
    await until(() => requests.length === 2);
    expect(got).toEqual([]);
    requests[0]!(packet(Code.DisconnectAck, 9));
    await until(() => ends[0]?.packets.length === 2);
    expect(ends[0]!.packets[1]?.[0]).toBe(Code.DisconnectAck);
  });

  test("RAD-60: a server that says no packet ends the connection", async () => {
    const { ends, number } = await home();
    const { one } = open(() => upstream({ port: number }));
    send(one, 1);
    await until(() => ends[0]?.packets.length === 1);
    ends[0]!.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await until(() => !one.connected);
  });
});
