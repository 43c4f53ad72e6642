import { describe, expect, test } from "vitest";
import { pki } from "../lib/pki.js";
import { errorsOf, settingsOf, warningsOf } from "./lib/check.js";

const KEY = "00112233445566778899aabbccddeeff";
const files = {
  "/etc/evpnd/tls.crt": { text: pki("server.crt") },
  "/etc/evpnd/tls.key": { text: pki("server.key") },
  "/etc/evpnd/other.key": { text: pki("server2.key") },
  "/etc/evpnd/ca.crt": { text: pki("ca.crt") },
  "/etc/evpnd/ca.crl": { text: pki("empty.crl") },
  "/etc/evpnd/lab.psk": { text: `${KEY.toUpperCase()}\n` },
  "/etc/evpnd/short.psk": { text: "0011\n" },
  "/etc/evpnd/home.secret": { text: "a secret of twenty-eight octets\n" },
};
const TLS = "cert-file: tls.crt, key-file: tls.key, ca-file: ca.crt";

interface Parts {
  readonly radsec?: string;
  readonly home?: string;
  readonly dynamic?: string;
  readonly sides?: string;
}

function config({ radsec, home, dynamic, sides }: Parts): string {
  const one = "clients: [{prefix: 10.0.0.0/8, secret-files: [home.secret]}]";
  return [
    "as: 65000\nrouter-id: 192.0.2.1\nlisten: ['127.0.0.1:1790']",
    "radius:\n  tenants:\n    - name: red",
    `      ${sides ?? `authentication: {${one}}\n      accounting: {${one}}`}`,
    `      home-servers: [{name: home, address: 10.1.0.1, ${home ?? "secret-files: [home.secret]"}}]`,
    ...(radsec === undefined ? [] : [`      radsec: {${radsec}}`]),
    ...(dynamic === undefined ? [] : [`      dynamic-authorization: {${dynamic}}`]),
  ].join("\n");
}
const tenantOf = (parts: Parts) => settingsOf(config(parts), { files }).radius?.tenants[0];
const faults = (parts: Parts) => errorsOf(config(parts), { files }).join("\n");
const clients = (...list: string[]) =>
  `${TLS}, clients: [${list.map((one) => `{${one}}`).join(", ")}]`;

describe("the TLS port for clients", () => {
  test("RAD-60: names, keys and PSK identities; port 2083; limits with defaults", () => {
    const spki = "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=";
    const radsec = clients(
      'name: ap1, certificate: "DNS:ap1.example", network: 10.9.1.7/16',
      `name: ap2, spki: "${spki}"`,
      "name: lab, psk-identity: lab, psk-file: lab.psk",
    );
    const { credentials, clients: list, ...rest } = tenantOf({ radsec })!.radsec!;
    expect(rest).toEqual({
      address: "0.0.0.0",
      port: 2083,
      maxConnections: 1024,
      maxConnectionsPerClient: 16,
      handshakeMs: 10_000,
      idleMs: 900_000,
    });
    expect(credentials.cert).toContain("BEGIN CERTIFICATE");
    expect(list.map(({ proof }) => proof)).toEqual([
      { kind: "name", name: "DNS:ap1.example" },
      { kind: "spki", sha256: Buffer.from(spki, "base64").toString("hex") },
      { kind: "psk", psk: { identity: "lab", key: KEY } },
    ]);
    expect(list[0]).toMatchObject({ requireMessageAuthenticator: "no", rateLimit: 0 });
  });

  test("RAD-60: without certificates where PSK is all there is", () => {
    const radsec = "clients: [{name: lab, psk-identity: lab, psk-file: lab.psk}]";
    expect(tenantOf({ radsec })?.radsec?.credentials.cert).toBeUndefined();
    expect(faults({ radsec: 'clients: [{name: ap, certificate: "DNS:ap"}]' })).toMatch(
      /cert-file, key-file, ca-file missing/,
    );
  });

  test("RAD-60: a client is known by exactly one thing, and no two by the same", () => {
    expect(faults({ radsec: clients("name: ap") })).toMatch(/nothing tells who ap is/);
    expect(
      faults({
        radsec: clients('name: ap, certificate: "DNS:a", psk-identity: b, psk-file: lab.psk'),
      }),
    ).toMatch(/certificate and psk-identity both stand here/);
    expect(
      faults({
        radsec: clients('name: a, certificate: "DNS:x"', 'name: b, certificate: "DNS:X"'),
      }),
    ).toMatch(/b and a are known by the same name or key/);
    expect(
      faults({ radsec: clients('name: a, certificate: "DNS:x"', 'name: a, certificate: "DNS:y"') }),
    ).toMatch(/a stands here twice/);
    expect(faults({ radsec: clients("name: a, certificate: CN=ap") })).toMatch(/certificate/);
  });

  test("RAD-60: files that do not fit together, and keys that are none", () => {
    const wrong = `cert-file: tls.crt, key-file: other.key, ca-file: ca.crt, clients: [{name: a, certificate: "DNS:a"}]`;
    expect(faults({ radsec: wrong })).toMatch(/cannot be used together/);
    const lost = `cert-file: none.crt, key-file: tls.key, ca-file: ca.crt, clients: [{name: a, certificate: "DNS:a"}]`;
    expect(faults({ radsec: lost })).toMatch(/none.crt cannot be read \(ENOENT\)/);
    expect(faults({ radsec: clients("name: a, psk-identity: a, psk-file: short.psk") })).toMatch(
      /holds no usable key/,
    );
    expect(faults({ radsec: clients("name: a, psk-identity: a") })).toMatch(/psk-file is missing/);
  });

  test("RAD-60: something must stand behind it, and ports are taken once", () => {
    const radsec = clients('name: a, certificate: "DNS:a"');
    expect(faults({ radsec, sides: "profile: modern" })).toMatch(
      /nothing takes the requests that come over TLS/,
    );
  });

  test("RAD-20, RAD-60: a tenant whose clients all come over TLS has no UDP port", () => {
    const radsec = clients('name: a, certificate: "DNS:a"');
    const sides = "authentication: {listen: off}\n      accounting: {listen: off}";
    const { authentication, accounting } = tenantOf({ radsec, sides })!;
    for (const side of [authentication, accounting]) {
      expect(side).toMatchObject({ address: "", port: 0, clients: [] });
    }
    expect(faults({ sides })).toMatch(/nobody can come: there is no UDP port and no TLS port/);
    expect(faults({ radsec, sides: "accounting: {}" })).toMatch(
      /"clients" is missing.*listen: off/s,
    );
    const both = `accounting: {listen: off, clients: [{prefix: 10.0.0.0/8, secret-files: [home.secret]}]}`;
    expect(faults({ radsec, sides: both })).toMatch(/without a UDP port these clients cannot come/);
  });

  test("RAD-61: RADIUS/1.1 is refused with the reason, on either side", () => {
    const radsec = `${clients('name: a, certificate: "DNS:a"')}, radius-1.1: true`;
    expect(faults({ radsec })).toMatch(/RADIUS\/1.1 is not spoken: .* MD5.*RFC 9765/s);
    const home = `tls: {${TLS}, server-name: x, radius-1.1: true}`;
    expect(faults({ home })).toMatch(/RADIUS\/1.1 is not spoken/);
    const off = `${clients('name: a, certificate: "DNS:a"')}, radius-1.1: false`;
    expect(tenantOf({ radsec: off })?.radsec).toBeDefined();
  });

  test("RAD-41: neither key nor PSK shows in what is said of them", () => {
    const said = faults({ radsec: clients("name: a, psk-identity: a, psk-file: short.psk") });
    expect(said).not.toContain("0011");
  });
});

describe("a home server over TLS", () => {
  test("RAD-60: by name, by key or by PSK; the secret is the one of RADIUS/TLS", () => {
    const named = tenantOf({ home: `tls: {${TLS}, server-name: radius.example}` })?.homeServers[0];
    expect(named).toMatchObject({
      secrets: ["radsec"],
      tls: { port: 2083, serverName: "radius.example", spki: [], psk: undefined },
    });
    const keyed = tenantOf({ home: "tls: {psk-identity: relay, psk-file: lab.psk, port: 2084}" });
    expect(keyed?.homeServers[0]?.tls).toMatchObject({
      port: 2084,
      psk: { identity: "relay", key: KEY },
    });
    const crl = tenantOf({ home: `tls: {${TLS}, crl-file: ca.crl, server-name: x}` });
    expect(crl?.homeServers[0]?.tls?.credentials.crl).toContain("X509 CRL");
  });

  test("RAD-60: which server it must be has to be said", () => {
    expect(faults({ home: `tls: {${TLS}}` })).toMatch(/which server's certificate/);
    expect(faults({ home: `tls: {${TLS}, psk-identity: a, psk-file: lab.psk}` })).toMatch(
      /a pre-shared key and certificates both stand here/,
    );
  });

  test("RAD-60: either over TLS or with a secret", () => {
    expect(faults({ home: "watchdog: none" })).toMatch(/nothing secures the way to home/);
    const both = `secret-files: [home.secret], tls: {${TLS}, server-name: x}`;
    expect(faults({ home: both })).toMatch(/the shared secret is always the same/);
  });
});

describe("Disconnect and CoA", () => {
  test("RAD-24, RAD-28, RAD-62: off by default; ports 3799 and 1700 once it is on", () => {
    expect(tenantOf({})?.dynamic).toBeUndefined();
    expect(tenantOf({ dynamic: "" })?.dynamic?.enabled).toBe(false);
    expect(tenantOf({ dynamic: "enabled: true" })?.dynamic).toEqual({
      enabled: true,
      address: "0.0.0.0",
      ports: [3799, 1700],
      clientPort: 3799,
      proxyState: "forward",
      requireEventTimestamp: true,
      windowMs: 300_000,
    });
  });

  test("an open key file is warned of", () => {
    const open = { ...files, "/etc/evpnd/lab.psk": { text: `${KEY}\n`, mode: 0o644 } };
    const radsec = "clients: [{name: lab, psk-identity: lab, psk-file: lab.psk}]";
    expect(warningsOf(config({ radsec }), { files: open }).join("\n")).toMatch(
      /every user can read/,
    );
  });
});
