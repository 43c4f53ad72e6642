/** A home server that is reached over TLS: what differs from one over UDP. */
import { describe, expect, test } from "vitest";
import { builtInDictionary } from "../../../src/radius/dictionary/built-in.js";
import { signPacket } from "../../../src/radius/packet/authenticator.js";
import { Attr, Code } from "../../../src/radius/packet/iana.js";
import { Secret } from "../../../src/radius/packet/md5.js";
import { checkPacket } from "../../../src/radius/packet/packet.js";
import { HomeServer } from "../../../src/radius/upstream/home-server.js";
import { IdentifierRing } from "../../../src/radius/upstream/port.js";
import type { UpstreamPort } from "../../../src/radius/upstream/port.js";
import type { UpstreamReply } from "../../../src/radius/upstream/upstream.js";
import { silentLog } from "../../../src/util/log.js";
import { ManualClock } from "../lib/hand-clock.js";
import { accessRequest, responseTo, STATION } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";
import { homeServer } from "../lib/run.js";
import { SECRET } from "./lib/tls.js";

class Kept extends IdentifierRing implements UpstreamPort {
  readonly sent: Uint8Array[] = [];
  connected = true;
  send(bytes: Uint8Array): void {
    this.sent.push(bytes);
  }
  close(): void {}
}

function start(secure: boolean) {
  const ports: Kept[] = [];
  const refused: (() => void)[] = [];
  const server = new HomeServer({
    settings: homeServer(1, { secrets: [SECRET] }),
    kind: "authentication",
    clock: new ManualClock(),
    log: silentLog,
    dictionary: builtInDictionary(),
    secure,
    relayAddress: () => undefined,
    openPort: (_address, _port, hooks) => {
      const port = new Kept();
      ports.push(port);
      refused.push(() => hooks.onRefused());
      return port;
    },
    onHealth: () => undefined,
  });
  const replies: UpstreamReply[] = [];
  const ask = (pairs: readonly Pair[] = STATION) => {
    const packet = accessRequest(pairs, "client", { password: "hello" });
    return send(packet);
  };
  const send = (packet: Uint8Array) => {
    const facts = checkPacket(packet);
    if (typeof facts === "string") throw new Error(facts);
    const request = { packet, facts, secret: new Secret("client"), delaySeconds: 0 };
    const ticket = server.send(request, (reply) => replies.push(reply));
    const port = ports.find(({ sent }) => sent.length > 0);
    if (ticket === undefined || port === undefined) throw new Error("nothing was sent");
    return { ticket, port, sent: port.sent.at(-1)! };
  };
  return { server, ports, refused, replies, ask, send };
}

describe("over TLS", () => {
  test("RAD-51: an answer without Message-Authenticator is good over TLS, and over UDP it is not", () => {
    for (const secure of [true, false]) {
      const { server, ask, replies } = start(secure);
      const { port, sent } = ask();
      server.onDatagram(port, responseTo(sent, Code.AccessAccept, [], SECRET, { signed: false }));
      expect(replies).toHaveLength(secure ? 1 : 0);
      expect(server.counters.unsigned).toBe(secure ? 0 : 1);
    }
  });

  test("RAD-51: with EAP it is required over TLS too", () => {
    const { server, send, replies } = start(true);
    const eap: Pair[] = [...STATION, [Attr.EapMessage, Uint8Array.of(2, 1, 0, 5, 1)]];
    const { port, sent } = send(accessRequest(eap, "client"));
    const challenge: Pair[] = [[Attr.EapMessage, Uint8Array.of(1, 2, 0, 5, 4)]];
    server.onDatagram(
      port,
      responseTo(sent, Code.AccessChallenge, challenge, SECRET, { signed: false }),
    );
    expect([replies.length, server.counters.unsigned]).toEqual([0, 1]);
    server.onDatagram(port, responseTo(sent, Code.AccessChallenge, challenge, SECRET));
    expect(replies).toHaveLength(1);
  });

  test("RAD-57, RAD-60: nothing is sent twice on one connection", () => {
    const secure = start(true);
    const { ticket, port } = secure.ask();
    secure.server.resend(ticket);
    expect([port.sent.length, secure.server.counters.resent]).toEqual([1, 0]);
    const plain = start(false);
    const other = plain.ask();
    plain.server.resend(other.ticket);
    expect([other.port.sent.length, plain.server.counters.resent]).toEqual([2, 1]);
  });

  test("RAD-56, RAD-60: one connection at first, and more when its identifiers run low", () => {
    const { server, ports, ask } = start(true);
    ask();
    expect(ports).toHaveLength(1);
    for (let i = 0; i < 300; i++) ask();
    expect(ports).toHaveLength(2);
    expect(server.pending).toBe(301);
  });

  test("RAD-60: one connection that fails says nothing of a server that has another", () => {
    const { server, ports, refused, ask } = start(true);
    for (let i = 0; i < 300; i++) ask();
    ports[0]!.connected = false;
    refused[0]?.();
    expect(server.state).toBe("alive");
    ports[1]!.connected = false;
    refused[1]?.();
    expect(server.state).toBe("dead");
  });

  test("RAD-60: Protocol-Error ends the request, and is no answer for the client", () => {
    const { server, ask, replies } = start(true);
    const { port, sent } = ask();
    const answer = Uint8Array.of(Code.ProtocolError, sent[1] ?? 0, 0, 20, ...new Uint8Array(16));
    signPacket(answer, sent.subarray(4, 20), new Secret(SECRET));
    server.onDatagram(port, answer);
    expect(replies).toEqual([]);
    expect([server.pending, server.counters.used, server.state]).toEqual([0, 1, "alive"]);
  });
});
