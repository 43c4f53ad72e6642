/**
 * The router's session inside TLS: the agent's side and the reflector's proxy over real TLS on loopback, with plain
 * TCP for the router and an echo for the reflector's BGP.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TlsProxy } from "../../../../src/asmn/agent/binding/tls-proxy.js";
import type { BindingState } from "../../../../src/asmn/agent/status.js";
import { generateSigningKey, sha256 } from "../../../../src/asmn/crypto/index.js";
import { openTls, tlsIdentity } from "../../../../src/asmn/link/index.js";
import { ProxyServer } from "../../../../src/asmn/proxy/index.js";
import { Handshakes } from "../../../../src/asmn/proxy/handshakes.js";
import type { ProxyClaim } from "../../../../src/asmn/proxy/index.js";
import { ALPN } from "../../../../src/asmn/protocol/transport.js";
import { systemClock } from "../../../../src/util/clock.js";
import { joinStreams } from "../../../../src/util/join-streams.js";
import { silentLog } from "../../../../src/util/log.js";
import { toHex } from "../../../../src/util/bytes.js";

const reflectorKey = generateSigningKey();
const instanceKey = generateSigningKey();
const id = sha256(Buffer.from("an instance"));
const LOOPBACK = { address: "127.0.0.1", port: 0 };

let bgp: Server;
let bgpSessions: Socket[];
let carried: Duplex[];
let door: ProxyServer;
let claims: ProxyClaim[];
let handed: ProxyClaim[];
let agent: TlsProxy;
let agentPort: number;
let states: BindingState[];
const routers: Socket[] = [];

/** The reflector's BGP says hello to who connects, and then echoes. */
beforeEach(async () => {
  [bgpSessions, carried, claims, handed] = [[], [], [], []];
  bgp = createServer((socket) => {
    bgpSessions.push(socket);
    socket.on("error", () => undefined);
    socket.write("OPEN");
    socket.pipe(socket);
  });
  bgp.listen(0, "127.0.0.1");
  await once(bgp, "listening");
  door = await ProxyServer.start({
    listen: LOOPBACK,
    identity: tlsIdentity(reflectorKey, "reflector"),
    admit: (claim) => {
      claims.push(claim);
      return claim.publicKey === toHex(instanceKey.publicKey) && claim.id === toHex(id)
        ? { ok: true, audience: "rr" }
        : { ok: false, reason: "wrong-key", sentence: "the key is not that of the instance" };
    },
    accept: (claim, stream) => {
      handed.push(claim);
      carried.push(stream);
      const onward = connect((bgp.address() as AddressInfo).port, "127.0.0.1");
      joinStreams(stream, onward, () => undefined);
    },
    log: silentLog,
  });
  await startAgent(instanceKey, toHex(reflectorKey.publicKey));
});

afterEach(async () => {
  for (const router of routers.splice(0)) router.destroy();
  await agent.stop();
  await door.stop();
  for (const socket of bgpSessions) socket.destroy();
  bgp.close();
});

async function startAgent(key: typeof instanceKey, publicKey: string): Promise<void> {
  states = [];
  // A port of the kernel's choice, given back before the agent takes it.
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  agentPort = (probe.address() as AddressInfo).port;
  probe.close();
  await once(probe, "close");
  agent = await TlsProxy.start({
    binding: {
      kind: "tls-proxy",
      listen: { address: "127.0.0.1", port: agentPort },
      reflector: { address: "127.0.0.1", port: door.port },
      publicKey,
      source: undefined,
    },
    identity: tlsIdentity(key, "agent"),
    clock: systemClock,
    log: silentLog,
    onState: (state) => states.push(state),
  });
}

function router(): Socket {
  const socket = connect(agentPort, "127.0.0.1");
  socket.on("error", () => undefined);
  routers.push(socket);
  return socket;
}

async function said(socket: Socket, length: number): Promise<string> {
  let text = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.length >= length) break;
  }
  return text;
}

describe("ASM-75: the session is bound by the agent's TLS proxy", () => {
  test("ASM-75: octets go both ways, and the session is the instance's", async () => {
    agent.trust({ tenant: "blue", id });
    const session = router();
    expect(await said(session, 4)).toBe("OPEN");
    session.write("UPDATE");
    expect(await said(session, 6)).toBe("UPDATE");
    expect(handed).toEqual([
      {
        tenant: "blue",
        id: toHex(id),
        publicKey: toHex(instanceKey.publicKey),
        address: "127.0.0.1",
      },
    ]);
    expect(states.at(-1)).toMatchObject({ kind: "tls-proxy", bound: true });
    expect(agent.carried).toBe(1);
  });

  test("ASM-75: a router that comes before trust waits, and goes on the moment it is there", async () => {
    const session = router();
    await once(session, "connect");
    expect(claims).toEqual([]);
    agent.trust({ tenant: "blue", id });
    expect(await said(session, 4)).toBe("OPEN");
  });

  test("ASM-71, ASM-75: trust lost at the agent, or at the reflector, ends the session", async () => {
    agent.trust({ tenant: "blue", id });
    const first = router();
    await said(first, 4);
    agent.trust(undefined);
    await once(first.resume(), "close");

    agent.trust({ tenant: "blue", id });
    const second = router();
    await said(second, 4);
    expect([door.count(toHex(id)), door.cut(toHex(id))]).toEqual([1, 1]);
    await once(second.resume(), "close");
  });

  test("ASM-75: another key is refused, however right the ID is", async () => {
    await agent.stop();
    await startAgent(generateSigningKey(), toHex(reflectorKey.publicKey));
    agent.trust({ tenant: "blue", id });
    await once(router().resume(), "close");
    expect(states.at(-1)).toMatchObject({
      bound: false,
      detail: "the reflector's proxy did not take the session: the key is not that of the instance",
    });
    expect([claims.length, handed, bgpSessions]).toEqual([1, [], []]);
  });

  test("ASM-75: a reflector with another key is told nothing", async () => {
    await agent.stop();
    await startAgent(instanceKey, toHex(generateSigningKey().publicKey));
    agent.trust({ tenant: "blue", id });
    await once(router().resume(), "close");
    expect(states.at(-1)?.detail).toContain("its key is not the one in binding.key");
    expect(claims).toEqual([]);
  });

  test("ASM-75: whoever speaks something else, or nothing that makes sense, is closed", async () => {
    const identity = tlsIdentity(instanceKey, "agent");
    const target = { address: "127.0.0.1", port: door.port, identity, timeoutMs: 5000 };
    await expect(openTls({ ...target, alpn: "evpnd-asmn-feed/1" })).rejects.toThrow();
    for (const junk of [Buffer.alloc(64, 255), Buffer.from("0000000301300000", "hex")]) {
      const { socket } = await openTls({ ...target, alpn: ALPN.bgp });
      socket.write(junk);
      await once(socket.resume(), "close");
    }
    const plain = connect(door.port, "127.0.0.1");
    plain.on("error", () => undefined);
    plain.write("GET / HTTP/1.0\r\n\r\n");
    await once(plain.resume(), "close");
    expect(claims).toEqual([]);
  });

  test("ASM-75: who begins handshake after handshake is closed before TLS costs anything", () => {
    const limit = new Handshakes();
    const flood = Array.from({ length: 100 }, () => limit.take("10.0.0.1", 0));
    expect(flood.filter(Boolean)).toHaveLength(10);
    expect(limit.take("10.0.0.2", 0)).toBe(true);
    expect(limit.take("10.0.0.1", 1000)).toBe(true);
    const many = Array.from({ length: 300 }, (_, index) =>
      limit.take(`10.1.0.${String(index)}`, 1000),
    );
    expect(many.filter(Boolean).length).toBeLessThan(101);
  });
});
