/** The API with TLS and clients: HTTP and gRPC, certificates and tokens, renewal; real sockets. */
import { credentials, status, type ServiceError } from "@grpc/grpc-js";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { request, type RequestOptions } from "node:https";
import { connect as connectPlain } from "node:net";
import { json } from "node:stream/consumers";
import { connect, type SecureVersion } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor, type HttpSettings } from "../../src/api/index.js";
import { PACKAGE } from "../../src/api/service/index.js";
import { silentLog } from "../../src/util/log.js";
import { evpnctl } from "../cli/lib/host.js";
import { FakeControl } from "../lib/fake-control.js";
import { pki, pkiPath } from "../lib/pki.js";
import { ReflectionClient } from "./lib/reflection-client.js";

const TOKEN = "0123456789abcdef0123456789abcdef";
const SETTINGS: HttpSettings = {
  listen: { address: "127.0.0.1", port: 0 },
  allowedHosts: [],
  tls: { cert: pki("server.crt"), key: pki("server.key"), clientCa: pki("ca.crt") },
  clients: [
    { name: "ops", role: "operator", token: undefined, certificate: "CN=ops" },
    { name: "dashboard", role: "viewer", token: undefined, certificate: "DNS:dashboard.example" },
    {
      name: "script",
      role: "viewer",
      token: createHash("sha256").update(TOKEN).digest("hex"),
      certificate: undefined,
    },
  ],
};

let control: FakeControl;
let door: HttpDoor;
beforeAll(async () => {
  const backend = {
    get control() {
      return control;
    },
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  door = (await openHttpDoor(backend, SETTINGS))!;
});
afterAll(() => door.close());
beforeEach(() => {
  control = new FakeControl();
});

function identity(name: string | undefined) {
  return name === undefined ? {} : { cert: pki(`${name}.crt`), key: pki(`${name}.key`) };
}

/** Status and body. */
function ask(
  path: string,
  options: RequestOptions = {},
): Promise<[number, Record<string, unknown>]> {
  return new Promise((resolve, reject) => {
    const url = `https://${door.address}${path}`;
    const asked = request(url, { agent: false, ca: pki("ca.crt"), ...options }, (answer) => {
      json(answer).then(
        (body) => resolve([answer.statusCode ?? 0, body as Record<string, unknown>]),
        reject,
      );
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe("HTTP", () => {
  test.each<[string, string | undefined, string | undefined, number, number]>([
    ["an operator's certificate", "ops", undefined, 200, 200],
    ["a viewer's certificate", "viewer", undefined, 200, 403],
    ["a token", undefined, TOKEN, 200, 403],
    ["a certificate of our CA that nobody named", "stranger", undefined, 401, 401],
    ["the operator's name, signed by another CA", "fake", undefined, 401, 401],
    ["no credentials", undefined, undefined, 401, 401],
    ["a wrong token", undefined, "x".repeat(32), 401, 401],
  ])("%s", async (_name, certificate, token, look, act) => {
    const options = {
      ...identity(certificate),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    };
    expect((await ask("/v1/peers", options))[0]).toBe(look);
    const [code] = await ask("/v1/peers/10.0.0.1/reset", { ...options, method: "POST" });
    expect(code).toBe(act);
    expect(control.calls).toHaveLength(act === 200 ? 1 : 0);
  });

  test("health and readiness answer anybody, with yes or no", async () => {
    expect(await ask("/health")).toEqual([200, { status: "ok" }]);
    expect(await ask("/ready")).toEqual([200, { ready: true }]);
    expect(await ask("/ready", identity("viewer"))).toEqual([
      200,
      { ready: true, peers: 1, established: 1 },
    ]);
  });

  test.each<[SecureVersion, boolean]>([
    ["TLSv1.1", false],
    ["TLSv1.2", true],
    ["TLSv1.3", true],
  ])("%s", async (version, taken) => {
    const socket = connect({
      port: Number(door.address.split(":").pop()),
      host: "127.0.0.1",
      ca: pki("ca.crt"),
      minVersion: version,
      maxVersion: version,
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const secured = await new Promise<boolean>((resolve) => {
      socket.on("secureConnect", () => resolve(true));
      socket.on("error", () => resolve(false));
    });
    socket.destroy();
    expect(secured).toBe(taken);
  });

  test("connections that never shake hands do not keep out those that do", async () => {
    const port = Number(door.address.split(":").pop());
    const silent = await Promise.all(
      Array.from({ length: 1100 }, async () => {
        const socket = connectPlain(port, "127.0.0.1");
        socket.on("error", () => {});
        await once(socket, "connect");
        return socket;
      }),
    );
    // Who came first gives way, and who asks is answered, several times over.
    await Promise.race(silent.map((socket) => once(socket, "close")));
    for (let n = 0; n < 3; n++) expect((await ask("/ready"))[0]).toBe(200);
    for (const socket of silent) socket.destroy();
  });

  test("without TLS there is no answer", async () => {
    await expect(fetch(`http://${door.address}/ready`)).rejects.toThrow();
  });
});

describe("gRPC", () => {
  let client: ReflectionClient;
  afterEach(() => client.close());
  const open = (name?: string, token?: string) => {
    const { cert, key } = identity(name);
    const channel = credentials.createSsl(
      Buffer.from(pki("ca.crt")),
      key === undefined ? null : Buffer.from(key),
      cert === undefined ? null : Buffer.from(cert),
    );
    client = new ReflectionClient(door.address, token, channel);
    return client;
  };
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => status.OK,
      (error: unknown) => (error as ServiceError).code,
    );
  const PEERS = `${PACKAGE}.Peers`;

  test("an operator's certificate", async () => {
    open("ops");
    await client.unary(PEERS, "ResetPeer", { address: "10.0.0.1" });
    expect(control.calls).toEqual([["resetPeer", "10.0.0.1", ""]]);
  });

  test("a viewer, by certificate and by token", async () => {
    for (const one of [open("viewer"), open(undefined, TOKEN)]) {
      expect(await codeOf(one.unary(PEERS, "ListPeers"))).toBe(status.OK);
      const reset = one.unary(PEERS, "ResetPeer", { address: "10.0.0.1" });
      expect(await codeOf(reset)).toBe(status.PERMISSION_DENIED);
    }
    expect(control.calls).toEqual([]);
  });

  test("reflection is for those who may look", async () => {
    for (const name of [undefined, "stranger", "fake"]) {
      const one = open(name);
      expect(await codeOf(one.services()), name).toBe(status.UNAUTHENTICATED);
      one.close();
    }
    expect(await open("viewer").services()).toContain(PEERS);
  });
});

describe("evpnctl", () => {
  const url = () => `https://${door.address}`;
  const files = (name: string) =>
    `--cert ${pkiPath(`${name}.crt`)} --key ${pkiPath(`${name}.key`)}`;
  const CA = `--ca ${pkiPath("ca.crt")}`;

  test("with a certificate, with a token", async () => {
    const ops = await evpnctl(`shutdown peer 10.0.0.1 ${CA} ${files("ops")}`, { url: url() });
    expect([ops.code, ops.err]).toEqual([0, ""]);
    const env = { EVPND_CA: pkiPath("ca.crt"), EVPND_TOKEN: TOKEN };
    expect((await evpnctl("show peers", { url: url(), env })).out).toContain("10.0.0.1");
  });

  test.each([
    ["show peers", 3, "give the CA's with --ca"],
    [`show peers ${CA}`, 5, "--token-file"],
    [`shutdown peer 10.0.0.1 ${CA} ${files("viewer")}`, 5, "dashboard is a viewer"],
    [`show peers --ca ${pkiPath("no.crt")}`, 2, "cannot be read (ENOENT)"],
    [`show peers ${CA} --cert ${pkiPath("ops.crt")}`, 2, "give --cert and --key"],
  ])("%s says what to do", async (words, code, sentence) => {
    const ran = await evpnctl(words, { url: url() });
    expect(ran.err).toContain(sentence);
    expect(ran.code).toBe(code);
  });

  test("https to a door without TLS, http to one with", async () => {
    const plain = await evpnctl(`show peers ${CA}`, { url: url().replace("https", "http") });
    expect(plain.err).toContain("certificates need https");
    const bare = await evpnctl("show peers", { url: url().replace("https", "http") });
    expect([bare.code, bare.err.includes("https")]).toEqual([3, true]);
  });
});

test("new certificates hold for new connections, without a new socket", async () => {
  const serial = () =>
    new Promise<string>((resolve, reject) => {
      const port = Number(door.address.split(":").pop());
      const socket = connect({ port, host: "127.0.0.1", ca: pki("ca.crt") }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.on("error", reject);
    });
  const before = await serial();
  const tls = { cert: pki("server2.crt"), key: pki("server2.key"), clientCa: pki("ca.crt") };
  door.setRules({ ...SETTINGS, tls });
  expect(await serial()).not.toBe(before);
  // Those that cannot be used change nothing.
  door.setRules({ ...SETTINGS, tls: { ...tls, key: pki("server.key") } });
  expect(await ask("/ready")).toEqual([200, { ready: true }]);
  door.setRules(SETTINGS);
  expect(await serial()).toBe(before);
});
