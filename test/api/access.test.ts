/** Who may do what: by token, by certificate, by role; and what is logged of it. */
import { createHash } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import { describe, expect, test } from "vitest";
import { Access, namesOf, type Credentials } from "../../src/api/access.js";
import { ANSWER_MS, Desk } from "../../src/api/desk.js";
import { HttpError } from "../../src/api/error.js";
import { OPERATIONS, type Role } from "../../src/api/service/index.js";
import type { ClientSettings, HttpSettings } from "../../src/api/settings.js";
import type { Log } from "../../src/util/log.js";
import { FakeClock } from "../bgp/session/harness.js";
import { FakeControl } from "../lib/fake-control.js";

const digest = (token: string) => createHash("sha256").update(token).digest("hex");
const CLIENTS: readonly ClientSettings[] = [
  {
    name: "dashboard",
    role: "viewer",
    token: digest("look-look-look-look"),
    certificate: undefined,
  },
  { name: "ops", role: "operator", token: undefined, certificate: "CN=ops" },
  { name: "spiffe", role: "viewer", token: undefined, certificate: "URI:spiffe://example/v" },
];

function certificate(subject: string, subjectaltname?: string): PeerCertificate {
  return { subject: { CN: subject }, subjectaltname } as PeerCertificate;
}

function ask(role: Role, change: Partial<Credentials> = {}, clients = CLIENTS) {
  const credentials: Credentials = {
    address: "10.0.0.7",
    via: "http",
    authorization: undefined,
    certificate: undefined,
    ...change,
  };
  try {
    const { name, role: granted } = new Access(clients).authorize(role, credentials);
    return [name, granted];
  } catch (error) {
    const { status, message } = error as HttpError;
    return [status, message];
  }
}

describe("access", () => {
  test("without clients everybody who gets here is an operator", () => {
    expect(ask("operator", {}, [])).toEqual(["local", "operator"]);
  });

  test.each<[string, Role, Partial<Credentials>, (string | number)[]]>([
    ["nothing, for anyone", "anyone", {}, ["", "anyone"]],
    ["a token", "viewer", { authorization: "Bearer look-look-look-look" }, ["dashboard", "viewer"]],
    [
      "its scheme in small letters",
      "viewer",
      { authorization: "bearer look-look-look-look" },
      ["dashboard", "viewer"],
    ],
    ["a certificate", "operator", { certificate: certificate("ops") }, ["ops", "operator"]],
    [
      "an alternative name",
      "viewer",
      { certificate: certificate("x", "DNS:a, URI:spiffe://example/v") },
      ["spiffe", "viewer"],
    ],
  ])("%s", (_name, role, credentials, expected) => {
    expect(ask(role, credentials)).toEqual(expected);
  });

  test.each<[string, Role, Partial<Credentials>, number, string]>([
    ["nothing", "viewer", {}, 401, "send Authorization: Bearer TOKEN"],
    [
      "a wrong token",
      "anyone",
      { authorization: "Bearer look-look-look-lool" },
      401,
      "of no client",
    ],
    [
      "the digest for a token",
      "viewer",
      { authorization: `Bearer ${digest("look-look-look-look")}` },
      401,
      "of no client",
    ],
    ["another scheme", "viewer", { authorization: "Basic bG9vaw==" }, 401, "Bearer TOKEN"],
    [
      "a wrong token beside a right certificate",
      "viewer",
      { authorization: "Bearer x", certificate: certificate("ops") },
      401,
      "of no client",
    ],
    [
      "an unknown certificate",
      "viewer",
      { certificate: certificate("stranger") },
      401,
      "does not know who you are",
    ],
    [
      "a viewer who acts",
      "operator",
      { authorization: "Bearer look-look-look-look" },
      403,
      "dashboard is a viewer",
    ],
    [
      "a name inside another",
      "viewer",
      { certificate: certificate("x", 'DNS:"y, URI:spiffe://example/v, z"') },
      401,
      "does not know",
    ],
  ])("%s is refused", (_name, role, credentials, status, words) => {
    const [code, message] = ask(role, credentials);
    expect(code).toBe(status);
    expect(message).toContain(words);
  });

  test("names of a certificate", () => {
    expect(namesOf(certificate("ops", 'DNS:a.example, email:o@example, DNS:"b, DNS:c"'))).toEqual([
      "CN=ops",
      "DNS:a.example",
      "email:o@example",
      "DNS:b, DNS:c",
    ]);
  });
});

describe("the desk", () => {
  const lines: [string, Record<string, unknown>, string][] = [];
  const put = (level: string) => (fields: object, text: string) =>
    void lines.push([level, fields as Record<string, unknown>, text]);
  const log: Log = {
    debug: put("debug"),
    info: put("info"),
    warn: put("warn"),
    error: put("error"),
  };
  const clock = new FakeClock();
  let settings: HttpSettings = { listen: undefined, allowedHosts: [], clients: CLIENTS };
  const backend = {
    control: new FakeControl(),
    log,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "", text: "" }),
  };
  const desk = new Desk(backend, () => settings, clock);
  const shutdown = OPERATIONS.find(({ id }) => id === "ShutdownPeer")!;
  const caller = { name: "ops", role: "operator", address: "10.0.0.7", via: "grpc" } as const;
  const said = () => lines.splice(0);

  test("logs a change with who, from where, what and its outcome, and no long or secret text", async () => {
    const input = { address: "10.0.0.1", text: "token: secret" };
    await desk.perform(shutdown, caller, input, () => Promise.resolve(1));
    expect(said()).toEqual([
      [
        "info",
        {
          client: "ops",
          address: "10.0.0.7",
          via: "grpc",
          operation: "ShutdownPeer",
          input: { address: "10.0.0.1" },
          outcome: "done",
        },
        "API: ShutdownPeer by ops",
      ],
    ]);
    const refused = desk.perform(shutdown, caller, {}, () =>
      Promise.reject(new HttpError(404, "not-found", "no peer")),
    );
    await expect(refused).rejects.toThrow("no peer");
    expect(said()[0]).toMatchObject(["warn", { outcome: "not-found", client: "ops" }, {}]);
  });

  test("logs nothing of who only looks", async () => {
    const look = OPERATIONS.find(({ id }) => id === "ListPeers")!;
    await desk.perform(look, caller, {}, () => Promise.resolve(1));
    expect(said()).toEqual([]);
  });

  test("logs refused credentials once a minute for each address", () => {
    const credentials = { ...caller, authorization: "Bearer guess", certificate: undefined };
    for (let i = 0; i < 100; i++)
      expect(() => desk.admit(shutdown, credentials)).toThrow("no client");
    const [line, ...rest] = said();
    expect([line?.[0], rest]).toEqual(["warn", []]);
    expect(JSON.stringify(line)).not.toContain("guess");
  });

  test("other settings are other clients", () => {
    const credentials = { ...caller, authorization: undefined, certificate: undefined };
    expect(() => desk.admit(shutdown, credentials)).toThrow();
    settings = { ...settings, clients: [] };
    expect(desk.admit(shutdown, credentials).name).toBe("local");
  });

  test("an answer has its time", async () => {
    const never = desk.perform(shutdown, caller, {}, () => new Promise(() => {}));
    const outcome = expect(never).rejects.toMatchObject({ status: 504, code: "timeout" });
    clock.advance(ANSWER_MS, () => {});
    await outcome;
  });

  test("what hangs when the API closes is refused, and logged; what is asked then, too", async () => {
    const late = new Desk(backend, () => settings, clock);
    const closing = {
      status: 503,
      code: "busy",
      message: expect.stringContaining("closed") as string,
    };
    const hangs = late.perform(shutdown, caller, {}, () => new Promise(() => {}));
    const outcome = expect(hangs).rejects.toMatchObject(closing);
    said();
    late.close();
    await outcome;
    expect(said()[0]).toMatchObject(["warn", { outcome: "busy", client: "ops" }, {}]);
    const after = late.perform(shutdown, caller, {}, () => new Promise(() => {}));
    await expect(after).rejects.toMatchObject(closing);
  });
});
