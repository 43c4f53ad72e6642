/** `api`: TLS, clients, and where the API may listen. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { pki } from "../lib/pki.js";
import { errorsOf, settingsOf, warningsOf, type FakeMachine } from "./lib/check.js";

const HEAD =
  "as: 65000\nrouter-id: 10.0.0.254\ndynamic-peers: [{prefix: 10.0.0.0/8, client: true}]\n";
const TOKEN = "0123456789abcdef0123";
const MACHINE: FakeMachine = {
  files: {
    "/etc/evpnd/api.crt": { text: pki("server.crt") },
    "/etc/evpnd/api.key": { text: pki("server.key") },
    "/etc/evpnd/other.key": { text: pki("server2.key") },
    "/etc/evpnd/ca.crt": { text: pki("ca.crt") },
    "/etc/evpnd/a.token": { text: `${TOKEN}\n` },
    "/etc/evpnd/b.token": { text: `${TOKEN}\n` },
    "/etc/evpnd/short.token": { text: "short\n" },
    "/etc/evpnd/open.token": { text: `${TOKEN}\n`, mode: 0o644 },
  },
  env: { OPS_TOKEN: "abcdef0123456789" },
};
const TLS = "tls: {cert-file: api.crt, key-file: api.key, client-ca-file: ca.crt}";
const VIEWER = "{name: a, role: viewer, token-file: a.token}";

test("TLS and clients let the API leave loopback", () => {
  const clients = `[${VIEWER}, {name: ops, role: operator, certificate: CN=ops}]`;
  const text = `${HEAD}http: {listen: "0.0.0.0:8179"}\napi: {${TLS}, clients: ${clients}}\n`;
  const { http } = settingsOf(text, MACHINE);
  expect(http.tls).toEqual({
    cert: pki("server.crt"),
    key: pki("server.key"),
    clientCa: pki("ca.crt"),
  });
  expect(http.clients).toEqual([
    {
      name: "a",
      role: "viewer",
      token: createHash("sha256").update(TOKEN).digest("hex"),
      certificate: undefined,
    },
    { name: "ops", role: "operator", token: undefined, certificate: "CN=ops" },
  ]);
  expect(JSON.stringify(http)).not.toContain(TOKEN);
  expect(warningsOf(text, MACHINE)).toEqual([]);
});

test("gRPC off, a token from the environment", () => {
  const text = `${HEAD}api: {grpc: false, clients: [{name: b, role: operator, token-env: OPS_TOKEN}]}\n`;
  const { http } = settingsOf(text, MACHINE);
  expect([http.grpc, http.clients?.length]).toEqual([false, 1]);
});

describe("refused, with what to do", () => {
  const REACHABLE = 'http: {listen: "10.0.0.254:8179"}\n';
  test.each([
    ["neither", REACHABLE, "add api.tls and api.clients"],
    ["TLS alone", `${REACHABLE}api: {${TLS}}\n`, "add api.tls and api.clients"],
    ["clients alone", `${REACHABLE}api: {clients: [${VIEWER}]}\n`, "add api.tls and api.clients"],
    [
      "a key of another certificate",
      "api: {tls: {cert-file: api.crt, key-file: other.key}}\n",
      "the key belongs to the certificate",
    ],
    ["no such file", "api: {tls: {cert-file: no.crt, key-file: api.key}}\n", "ENOENT"],
    ["no PEM", "api: {tls: {cert-file: a.token, key-file: api.key}}\n", "PEM files"],
    ["no credentials", "api: {clients: [{name: a, role: viewer}]}\n", "add token-file"],
    [
      "two credentials",
      "api: {clients: [{name: a, role: viewer, token-file: a.token, token-env: OPS_TOKEN}]}\n",
      "keep one",
    ],
    [
      "a certificate nobody asks for",
      "api: {clients: [{name: a, role: viewer, certificate: CN=a}]}\n",
      "add client-ca-file",
    ],
    [
      "a short token",
      "api: {clients: [{name: a, role: viewer, token-file: short.token}]}\n",
      "openssl rand -hex 32",
    ],
    [
      "one token for two",
      `api: {clients: [${VIEWER}, {name: b, role: operator, token-file: b.token}]}\n`,
      "b and a have one token",
    ],
    [
      "one name for two",
      `api: {clients: [${VIEWER}, {name: a, role: viewer, token-env: OPS_TOKEN}]}\n`,
      "twice",
    ],
    [
      "a role there is not",
      "api: {clients: [{name: a, role: admin, token-file: a.token}]}\n",
      "viewer, operator",
    ],
    [
      "a name of no kind",
      "api: {clients: [{name: a, role: viewer, certificate: ops}]}\n",
      "certificate",
    ],
  ])("%s", (_name, text, words) => {
    const errors = errorsOf(HEAD + text, MACHINE);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(words);
    expect(errors.join()).not.toContain(TOKEN);
  });
});

test("doubts: a token that every user can read, a certificate that has ended", () => {
  const open = `${HEAD}api: {clients: [{name: a, role: viewer, token-file: open.token}]}\n`;
  expect(warningsOf(open, MACHINE)[0]).toContain("chmod 640");
});

test("an offline check takes files of another machine on trust", () => {
  const text = `${HEAD}${'http: {listen: "0.0.0.0:8179"}\n'}api: {${TLS}, clients: [${VIEWER}]}\n`;
  expect(() => settingsOf(text, { lenient: true })).not.toThrow();
});
