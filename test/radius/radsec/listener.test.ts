import { X509Certificate } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Attr, Code } from "../../../src/radius/packet/iana.js";
import { findAttribute, findNumber } from "../../../src/radius/packet/packet.js";
import { spkiOf } from "../../../src/radius/radsec/peer-certificate.js";
import { imbalance } from "../../../src/radius/statistics/counters.js";
import { accessRequest, accountingRequest, STATION } from "../lib/packets.js";
import { pki } from "../../lib/pki.js";
import { ManualClock } from "../lib/hand-clock.js";
import { client, dashboard, dial, listenerSettings, PSK } from "./lib/tls.js";
import { SECRET, shows, startListener, statusServer, until } from "./lib/tls.js";
import type { Rig } from "./lib/tls.js";

let rig: Rig;
afterEach(() => rig.close());

const pap = (identifier = 1) => accessRequest(STATION, SECRET, { identifier, password: "hello" });
const lab = client("lab", { kind: "psk", psk: { identity: "lab", key: PSK } });
const pskOptions = (key = PSK, identity = "lab") => ({
  pskCallback: () => ({ identity, psk: Buffer.from(key, "hex") }),
  checkServerIdentity: () => undefined,
});

describe("who may connect", () => {
  test("RAD-60: an authorised certificate; authentication and accounting share its connection", async () => {
    rig = await startListener(listenerSettings());
    const end = await dial(rig.port, shows("viewer"));
    end.send(pap(1), accountingRequest([...STATION, [Attr.AcctStatusType, 1]], SECRET, 1));
    expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
    expect((await end.packet(1))[0]).toBe(Code.AccountingResponse);
    expect(end.socket.getProtocol()).toBe("TLSv1.3");
    expect(rig.listener.counters.accepted).toBe(1);
    expect(imbalance(rig.authentication.counters)).toBe(0);
    expect(imbalance(rig.accounting.counters)).toBe(0);
  });

  test("RAD-60: a good chain without a configured name, a foreign CA and no certificate are refused", async () => {
    rig = await startListener(listenerSettings());
    for (const options of [shows("ops"), shows("stranger"), shows("fake"), {}]) {
      const end = await dial(rig.port, options);
      end.send(pap());
      await until(() => end.closed);
      expect(end.packets).toEqual([]);
    }
    const { accepted, unauthorised } = rig.listener.counters;
    expect({ accepted, unauthorised }).toEqual({ accepted: 0, unauthorised: 4 });
  });

  test("RAD-60: a configured key in a certificate of a foreign CA, or of a revoked list, is refused", async () => {
    const sha256 = spkiOf(new X509Certificate(pki("fake.crt")));
    const fake = client("fake", { kind: "spki", sha256 });
    rig = await startListener(listenerSettings({ clients: [dashboard, fake] }));
    const end = await dial(rig.port, shows("fake"));
    await until(() => end.closed);
    // With a list of another CA no certificate of ours can be told to be good.
    const credentials = { ...listenerSettings().credentials, crl: pki("empty.crl") };
    rig.listener.configure(listenerSettings({ credentials }));
    const other = await dial(rig.port, shows("viewer"));
    await until(() => other.closed);
    expect(rig.listener.counters).toMatchObject({ accepted: 0, unauthorised: 2 });
  });

  test("RAD-60: TLS 1.2 is good enough, 1.1 is not", async () => {
    rig = await startListener(listenerSettings());
    const end = await dial(rig.port, { ...shows("viewer"), maxVersion: "TLSv1.2" });
    end.send(pap());
    expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
    expect(end.socket.getProtocol()).toBe("TLSv1.2");
    const old = await dial(rig.port, {
      ...shows("viewer"),
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    expect(old.closed).toBe(true);
  });

  test("RAD-60: TLS-PSK beside certificates, in TLS 1.3 and 1.2", async () => {
    rig = await startListener(listenerSettings({ clients: [dashboard, lab] }));
    for (const [version, ciphers] of [
      ["TLSv1.3", "TLS_AES_128_GCM_SHA256"],
      ["TLSv1.2", "ECDHE-PSK-CHACHA20-POLY1305"],
      ["TLSv1.3", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"],
      ["TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-PSK-CHACHA20-POLY1305"],
    ] as const) {
      const end = await dial(rig.port, {
        ...pskOptions(),
        ciphers,
        minVersion: version,
        maxVersion: version,
      });
      end.send(pap());
      expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
      expect(end.socket.getProtocol()).toBe(version);
    }
    expect(rig.listener.connections.map((one) => one.client.identity)).toEqual([
      ...["radsec:lab", "radsec:lab", "radsec:lab", "radsec:lab"],
    ]);
    const end = await dial(rig.port, shows("viewer"));
    end.send(pap());
    expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
  });

  test("RAD-60: PSK alone, without any certificate; another key or identity is refused", async () => {
    const none = { cert: undefined, key: undefined, ca: undefined, crl: undefined };
    rig = await startListener(listenerSettings({ clients: [lab], credentials: none }));
    const ciphers = "TLS_AES_128_GCM_SHA256:ECDHE-PSK-CHACHA20-POLY1305";
    const end = await dial(rig.port, { ...pskOptions(), ciphers });
    end.send(pap());
    expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
    for (const options of [pskOptions(`${PSK}00`), pskOptions(PSK, "nobody")]) {
      expect((await dial(rig.port, { ...options, ciphers })).closed).toBe(true);
    }
    expect(rig.listener.counters.accepted).toBe(1);
  });

  test("RAD-61: RADIUS/1.0 by ALPN, or none; who speaks RADIUS/1.1 alone is told so by TLS", async () => {
    rig = await startListener(listenerSettings());
    const both = await dial(rig.port, {
      ...shows("viewer"),
      ALPNProtocols: ["radius/1.1", "radius/1.0"],
    });
    expect(both.socket.alpnProtocol).toBe("radius/1.0");
    const none = await dial(rig.port, shows("viewer"));
    expect(none.socket.alpnProtocol).toBe(false);
    none.send(pap());
    expect((await none.packet(0))[0]).toBe(Code.AccessAccept);
    const newer = await dial(rig.port, { ...shows("viewer"), ALPNProtocols: ["radius/1.1"] });
    await until(() => newer.closed);
    expect(newer.error).toMatch(/no application protocol/i);
  });
});

describe("what a connection may do", () => {
  test("RAD-59: Status-Server is answered down the connection, and must be signed", async () => {
    rig = await startListener(listenerSettings());
    const end = await dial(rig.port, shows("viewer"));
    end.send(statusServer(SECRET));
    expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
    end.send(statusServer("another secret"));
    await until(() => end.closed);
    expect(end.packets).toHaveLength(1);
    expect(rig.authentication.held).toEqual([]);
  });

  test("RAD-55: the key of a repeat is connection and identifier", async () => {
    rig = await startListener(listenerSettings(), { hold: true });
    const one = await dial(rig.port, shows("viewer"));
    const two = await dial(rig.port, shows("viewer"));
    one.send(pap(9), pap(9));
    two.send(pap(9));
    await until(() => rig.authentication.counters.received === 3);
    expect(rig.authentication.counters.duplicates).toBe(1);
    expect(rig.authentication.held).toHaveLength(2);
    for (const exchange of rig.authentication.held) rig.authentication.release(exchange);
    await one.packet(0);
    await two.packet(0);
    one.send(pap(9));
    await one.packet(1);
    expect(rig.authentication.counters.cachedAnswers).toBe(1);
    expect(imbalance(rig.authentication.counters)).toBe(0);
  });

  test("RAD-50, RAD-51: without EAP no Message-Authenticator is needed; with EAP it is", async () => {
    rig = await startListener(listenerSettings());
    const end = await dial(rig.port, shows("viewer"));
    end.send(accessRequest(STATION, SECRET, { signed: false, password: "hello" }));
    expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
    const eap = [...STATION, [Attr.EapMessage, Uint8Array.of(2, 1, 0, 5, 1)]] as const;
    end.send(accessRequest(eap, SECRET, { signed: false, identifier: 2 }));
    await until(() => rig.authentication.counters.unsigned === 1);
    expect(end.closed).toBe(false);
  });

  test("RAD-60, RAD-64: a malformed or wrongly signed request ends the connection, and no other", async () => {
    rig = await startListener(listenerSettings());
    const other = await dial(rig.port, shows("viewer"));
    const bad = Buffer.from(pap());
    bad[21] = 0;
    const wrong = [
      bad,
      accessRequest(STATION, "not radsec", { password: "hello" }),
      accountingRequest([...STATION, [Attr.AcctStatusType, 1]], "not radsec"),
      Uint8Array.of(1, 1, 0, 5, 0, 0, 0, 0),
      Uint8Array.of(1, 1, 0xff, 0xff, 0, 0, 0, 0),
    ];
    for (const packet of wrong) {
      const end = await dial(rig.port, shows("viewer"));
      end.send(packet, pap());
      await until(() => end.closed);
      expect(end.packets).toEqual([]);
    }
    other.send(pap());
    expect((await other.packet(0))[0]).toBe(Code.AccessAccept);
    expect(rig.authentication.counters.malformed).toBe(1);
    expect(rig.authentication.counters.badAuthenticators).toBe(1);
    expect(rig.accounting.counters.badAuthenticators).toBe(1);
  });

  test("RAD-60: what nobody here takes gets a Protocol-Error that says which code and why", async () => {
    rig = await startListener(listenerSettings());
    const end = await dial(rig.port, shows("viewer"));
    const strange = Buffer.from(accountingRequest(STATION, SECRET, 3));
    strange[0] = 77;
    end.send(strange);
    const answer = await end.packet(0);
    expect(answer[0]).toBe(Code.ProtocolError);
    expect(findNumber(answer, Attr.ErrorCause)).toBe(406);
    expect([...(findAttribute(answer, Attr.Extended1) ?? [])]).toEqual([4, 0, 0, 0, 77]);
    const unasked = Buffer.from(strange);
    unasked[0] = Code.AccessAccept;
    end.send(unasked, pap(4));
    expect((await end.packet(1))[0]).toBe(Code.AccessAccept);
    expect(rig.authentication.counters.unexpected).toBe(2);
    expect(imbalance(rig.authentication.counters)).toBe(0);
  });

  test("RAD-62: answers to Disconnect and CoA come up the same connection", async () => {
    rig = await startListener(listenerSettings());
    const end = await dial(rig.port, shows("viewer"));
    await until(() => rig.listener.connections.length === 1);
    const connection = rig.listener.connectionOf("radsec:dashboard");
    connection?.send(Uint8Array.of(Code.DisconnectRequest, 5, 0, 20, ...new Uint8Array(16)));
    expect((await end.packet(0))[0]).toBe(Code.DisconnectRequest);
    end.send(Uint8Array.of(Code.DisconnectAck, 5, 0, 20, ...new Uint8Array(16)));
    await until(() => rig.answers.length === 1);
    expect(rig.answers[0]?.[0]).toBe(Code.DisconnectAck);
  });

  test("RAD-60: requests of a connection that is gone are given up, and its answers not kept", async () => {
    rig = await startListener(listenerSettings(), { hold: true });
    const end = await dial(rig.port, shows("viewer"));
    end.send(pap(1), pap(2));
    await until(() => rig.authentication.held.length === 2);
    end.socket.destroy();
    await until(() => rig.authentication.given.length === 2);
    expect(rig.authentication.counters.pending).toBe(0);
    expect(rig.authentication.counters.superseded).toBe(2);
    expect(imbalance(rig.authentication.counters)).toBe(0);
    expect(rig.listener.connections).toEqual([]);
  });
});

describe("limits", () => {
  test("RAD-60: connections of one client, and of all", async () => {
    rig = await startListener(listenerSettings({ maxConnectionsPerClient: 2, maxConnections: 3 }));
    const good = [await dial(rig.port, shows("viewer")), await dial(rig.port, shows("viewer"))];
    const third = await dial(rig.port, shows("viewer"));
    await until(() => third.closed);
    const idle = connectTcp(rig.port, "127.0.0.1");
    await until(() => !idle.connecting);
    const beyond = connectTcp(rig.port, "127.0.0.1");
    let closed = false;
    beyond.on("close", () => (closed = true));
    beyond.on("error", () => {});
    await until(() => closed);
    expect(rig.listener.counters.overLimit).toBe(2);
    for (const end of good) {
      end.send(pap());
      await end.packet(0);
    }
    idle.destroy();
  });

  test("RAD-60: connections without a handshake: few from one address, and none lasts", async () => {
    rig = await startListener(listenerSettings({ handshakeMs: 300 }));
    let closed = 0;
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connectTcp(rig.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", () => closed++);
      return socket;
    });
    await until(() => closed === 20);
    expect(rig.listener.counters.overLimit).toBe(4);
    expect(rig.listener.counters.handshakesFailed).toBe(16);
    for (const socket of sockets) socket.destroy();
    const end = await dial(rig.port, shows("viewer"));
    end.send(pap());
    await end.packet(0);
  });

  test("RAD-60: a packet that does not end, and silence, end the connection", async () => {
    const clock = new ManualClock();
    rig = await startListener(listenerSettings({ idleMs: 60_000 }), { clock });
    const slow = await dial(rig.port, shows("viewer"));
    const fine = await dial(rig.port, shows("viewer"));
    slow.send(pap().subarray(0, 10));
    fine.send(pap());
    await fine.packet(0);
    await until(() => rig.listener.connections.some((one) => one.isPartial));
    rig.listener.tick(clock.now());
    clock.pass(10_000);
    rig.listener.tick(clock.now());
    await until(() => slow.closed);
    expect(fine.closed).toBe(false);
    clock.pass(59_000);
    rig.listener.tick(clock.now());
    await until(() => fine.closed);
  });
});

describe("a reload", () => {
  test("RAD-60: other certificates and clients: connections stay, and what comes next is judged anew", async () => {
    rig = await startListener(listenerSettings());
    const first = await dial(rig.port, shows("viewer"));
    const ops = client("ops", { kind: "name", name: "URI:spiffe://example/ops" });
    const credentials = { ...listenerSettings().credentials, ...other() };
    rig.listener.configure(listenerSettings({ clients: [dashboard, ops], credentials }));
    const second = await dial(rig.port, shows("ops"));
    expect(second.socket.getPeerX509Certificate()?.fingerprint).not.toBe(
      first.socket.getPeerX509Certificate()?.fingerprint,
    );
    for (const end of [first, second]) {
      end.send(pap());
      expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
    }
    rig.listener.configure(listenerSettings({ clients: [ops] }));
    await until(() => first.closed);
    second.send(pap(2));
    await second.packet(1);
    expect((await closedOf(shows("viewer"))).closed).toBe(true);
  });

  const other = () => {
    return shows("server2");
  };
  const closedOf = async (options: object) => {
    const end = await dial(rig.port, options);
    await until(() => end.closed);
    return end;
  };
});
