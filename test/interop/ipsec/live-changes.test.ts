/**
 * Tunnels under change, on real daemons: keys and certificates rolled over while hosts ping, a second hub that
 * stands in, IPv6 inside and outside, selectors that a peer narrows, traffic that brings a tunnel up, a
 * changed definition, and a thousand tunnels.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import { PROFILES, type TunnelSide } from "../../../src/ipsec/model/index.js";
import type { SecretFacts } from "../../../src/ipsec/secrets/control.js";
import { sideFor } from "../../ipsec/lib/sides.js";
import { commandSync } from "../lib/command.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { sidesOf, type LabTunnel } from "./lib/definition.js";
import { Driven, type TestSecrets } from "./lib/driven.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";

/** Noticed within seconds that the peer has gone. */
const QUICK = {
  ...PROFILES["modern"]!.ike,
  detection: { kind: "dpd", delaySeconds: 1, timeoutSeconds: 4, action: "clear" },
} as const;
const MANY = 1000;
/** Milliseconds of our CPU for a change of ten among them. */
const MOST_CPU = 5_000;

describeInterop("IPsec tunnels under change", ["ping", "strongswan", "nftables"], () => {
  let lab: Lab;
  let net: TunnelNet;
  let a: Site;
  let b: Site;
  let c: Site;
  let nearSecrets: TestSecrets;
  let farSecrets: TestSecrets;
  let near: Driven;
  let far: Driven;
  let third: Driven;

  const tunnel = (name: string, more: Partial<LabTunnel> = {}): [TunnelSide, TunnelSide] =>
    sidesOf({ name, ends: [a, b], ...more });

  async function install(...pairs: readonly (readonly [TunnelSide, TunnelSide])[]): Promise<void> {
    for (const side of pairs.flat()) {
      if (side.authentication.kind !== "psk") continue;
      const { secret } = side.authentication;
      const value = { values: [canary(secret)] };
      if (!nearSecrets.has(secret)) nearSecrets.set(secret, value);
      if (!farSecrets.has(secret)) farSecrets.set(secret, value);
    }
    expect(await far.install(pairs.map(([, side]) => side))).toMatchObject({ problems: [] });
    expect(await near.install(pairs.map(([side]) => side))).toMatchObject({ problems: [] });
  }

  /** Authenticates anew, and waits until it was done. */
  async function reauthenticate(driven: Driven, name: string): Promise<void> {
    const cookie = async (): Promise<string | undefined> =>
      (await near.driver.sas(name)).find(({ state }) => state === "ESTABLISHED")?.initiatorSpi;
    const before = (await near.driver.sas(name)).map(({ initiatorSpi }) => initiatorSpi);
    await driven.site.swan!.ask((charon) => charon.rekey({ connection: `evpnd-${name}` }, true));
    await waitFor(`${name} to be authenticated anew`, async () => {
      const now = await cookie();
      const sas = await near.driver.sas(name);
      return now !== undefined && !before.includes(now) && sas.length === 1;
    });
  }

  beforeAll(async () => {
    lab = new Lab();
    net = new TunnelNet(lab);
    [a, b, c] = await Promise.all([
      net.site({
        name: "a",
        outside: ["198.51.100.1", "2001:db8:a::1"],
        networks: ["10.1.1.0/24", "fd01:1::/64", "10.1.2.0/24"],
      }),
      net.site({
        name: "b",
        outside: ["203.0.113.1", "2001:db8:b::1"],
        networks: ["10.2.1.0/24", "fd01:2::/64", "10.2.2.0/24"],
      }),
      net.site({ name: "c", outside: ["192.0.2.1"], networks: ["10.2.1.0/24"] }),
    ]);
    nearSecrets = new Map();
    farSecrets = new Map();
    near = new Driven(lab, a, nearSecrets);
    far = new Driven(lab, b, farSecrets);
    third = new Driven(lab, c, farSecrets);
  });
  afterAll(async () => {
    await Driven.stopAll();
    await lab.close();
  });
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test(
    "IPS-92: a pre-shared key is rolled over, and no ping is lost",
    { timeout: 60_000 },
    async () => {
      await install(tunnel("psk", { more: { ike: { ...QUICK, mobike: false } } }));
      await near.waitUp();
      await waitFor("the first ping", async () => (await net.ping(a, b)) === 1);
      const [older, newer] = [nearSecrets.get("psk-key")!.values[0]!, canary("newer")];
      const both = { values: [newer, older] };
      const now = Date.now();
      const late = {
        ...both,
        facts: { created: now - 1000, olderUntil: now + 500 } as SecretFacts,
      };
      let pinging = true;
      const lost: number[] = [];
      const pings = (async () => {
        while (pinging) lost.push(5 - (await net.ping(a, b, { count: 5 })));
      })();
      const step = async (
        driven: Driven,
        secrets: TestSecrets,
        secret: typeof both,
      ): Promise<void> => {
        secrets.set("psk-key", secret);
        await driven.driver.refreshCredentials();
        await reauthenticate(near, "psk");
      };
      await step(near, nearSecrets, both);
      await step(far, farSecrets, both);
      await step(near, nearSecrets, late);
      await step(far, farSecrets, late);
      await step(near, nearSecrets, { values: [newer] });
      await step(far, farSecrets, { values: [newer] });
      pinging = false;
      await pings;
      expect(lost.length).toBeGreaterThan(0);
      // Userland ESP may lose one while SAs change places.
      expect(lost.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(3);
      const held = await a.swan!.ask((charon) => charon.secrets());
      expect(held).toHaveLength(1);
    },
  );

  test(
    "IPS-92, IPS-82: certificates of Ed25519, one rolled over without an outage",
    { timeout: 60_000 },
    async () => {
      const pki = certificates(lab.makeDirectory("pki"));
      for (const secrets of [nearSecrets, farSecrets])
        secrets.set("ca", { values: [pki.authority] });
      nearSecrets.set("a-cert", { values: [pki.first.certificate] });
      nearSecrets.set("a-key", { values: [pki.first.key] });
      farSecrets.set("b-cert", { values: [pki.peer.certificate] });
      farSecrets.set("b-key", { values: [pki.peer.key] });
      const pair = tunnel("cert", {
        more: {
          authentication: {
            kind: "certificate",
            ends: [
              { certificate: "a-cert", privateKey: "a-key" },
              { certificate: "b-cert", privateKey: "b-key" },
            ],
            authorities: ["ca"],
          },
        },
      });
      const named = (side: TunnelSide): TunnelSide => ({
        ...side,
        local: {
          ...side.local,
          identity: { kind: "fqdn", value: side.end === 0 ? "a.example" : "b.example" },
        },
        remote: {
          ...side.remote,
          identity: { kind: "fqdn", value: side.end === 0 ? "b.example" : "a.example" },
        },
      });
      await install([named(pair[0]), named(pair[1])]);
      await near.waitUp("cert");
      await waitFor("the first ping", async () => (await net.ping(a, b)) === 1);
      nearSecrets.set("a-cert", {
        values: [pki.second.certificate, pki.first.certificate],
        facts: past(),
      });
      nearSecrets.set("a-key", { values: [pki.second.key, pki.first.key] });
      const [before] = await near.driver.sas("cert");
      await near.driver.refreshCredentials();
      const pings = net.ping(a, b, { count: 30 });
      // The new one is made with the new certificate before the old one is broken.
      await waitFor("the new SA alone", async () => {
        const sas = await near.driver.sas("cert");
        return sas.length === 1 && sas[0]?.initiatorSpi !== before?.initiatorSpi;
      });
      expect(await pings).toBeGreaterThanOrEqual(28);
      const log = readFileSync(b.swan!.logFile, "utf8");
      expect(log).toContain("CN=a of the second year");
    },
  );

  test("IPS-94: IPv6 inside and outside, and IPv6 inside IPv4", { timeout: 60_000 }, async () => {
    await install(
      tunnel("six", { outside: [1, 1], network: [1, 1] }),
      tunnel("four", { outside: [0, 0], network: [2, 2] }),
    );
    await near.waitUp();
    const six = { fromIndex: 1, toIndex: 1, count: 3 };
    await waitFor("a ping of IPv6", async () => (await net.ping(a, b, { ...six, count: 1 })) === 1);
    expect(await net.ping(a, b, six)).toBe(3);
    const [sa] = await near.driver.sas("six");
    expect(sa).toMatchObject({ localHost: "2001:db8:a::1", remoteHost: "2001:db8:b::1" });
    await install(tunnel("six-in-four", { outside: [0, 0], network: [1, 1] }));
    await near.waitUp("six-in-four");
    await waitFor("a ping of IPv6", async () => (await net.ping(a, b, { ...six, count: 1 })) === 1);
    // Guarded too: when the tunnel ends, nothing of it passes.
    await near.driver.terminate("six-in-four");
    await far.driver.terminate("six-in-four");
    await waitFor("the end", async () => (await near.driver.sas()).length === 0);
    expect(await net.ping(a, b, six)).toBe(0);
  });

  test.each([
    ["IKEv2", "modern"],
    ["IKEv1", "ssg"],
  ] as const)(
    "IPS-84: selectors that a peer narrows are named (%s)",
    { timeout: 60_000 },
    async (_, profile) => {
      const name = `narrow-${profile}`;
      const [mine, other] = tunnel(name, { profile });
      const [selector] = other.selectors;
      const narrowed = {
        ...other,
        selectors: [{ ...selector!, local: "10.2.1.0/25" }],
        start: "respond" as const,
      };
      await install([mine, narrowed]);
      await waitFor("the alarm", () => {
        const [facts] = near.driver.tunnels(name);
        return facts?.up === true && facts.uncovered.length > 0;
      });
      expect(near.driver.tunnels(name)[0]?.uncovered).toEqual([
        { local: "10.1.1.0/24", remote: "10.2.1.128/25", protocol: 0 },
      ]);
      expect(far.driver.tunnels(name)[0]?.uncovered).toEqual([]);
    },
  );

  test(
    "IPS-40: traffic brings a tunnel up, and nothing else does",
    { timeout: 60_000 },
    async () => {
      const [mine, other] = tunnel("traffic");
      await install([
        { ...mine, start: "trap" },
        { ...other, start: "respond" },
      ]);
      await near.driver.sas();
      expect(near.driver.tunnels("traffic")[0]).toMatchObject({ loaded: true, up: false, sas: [] });
      await waitFor("a ping", async () => (await net.ping(a, b)) === 1);
      await near.waitUp("traffic");
    },
  );

  test(
    "a changed definition is made before the old one is broken",
    { timeout: 60_000 },
    async () => {
      await install(tunnel("changed"));
      await near.waitUp();
      await waitFor("the first ping", async () => (await net.ping(a, b)) === 1);
      const [before] = await near.driver.sas("changed");
      const child = { ...PROFILES["modern"]!.child, lifetimeSeconds: 1800 };
      const pings = net.ping(a, b, { count: 40 });
      await install(tunnel("changed", { more: { child } }));
      await waitFor("the new SA alone", async () => {
        const sas = await near.driver.sas("changed");
        const children = sas.flatMap((sa) => sa.children);
        return children.length === 1 && children[0]?.uniqueId !== before?.children[0]?.uniqueId;
      });
      expect((await near.driver.sas("changed"))[0]?.children[0]?.lifeSeconds).toBeLessThanOrEqual(
        1800,
      );
      expect(await pings).toBeGreaterThanOrEqual(35);
    },
  );

  test(
    "IPS-93: a second hub stands in when the first is away, and gives back",
    { timeout: 90_000 },
    async () => {
      const backupOf = { tunnel: "main", takeOverAfterSeconds: 1, returnAfterSeconds: 3 };
      const main = tunnel("main", { more: { ike: QUICK } });
      const spare = tunnel("spare", { ends: [a, c], more: { ike: QUICK, backupOf } });
      await install(main);
      farSecrets.set("spare-key", { values: [canary("spare")] });
      nearSecrets.set("spare-key", farSecrets.get("spare-key")!);
      await third.install([{ ...spare[1], start: "respond", backupOf: undefined }]);
      await near.install([main[0], spare[0]]);
      await near.waitUp("main");
      await waitFor("a ping by the first hub", async () => (await net.ping(a, b)) === 1);
      net.cut(b, true);
      // The same address, behind the second hub.
      await waitFor("a ping by the second hub", async () => (await net.ping(a, c)) === 1);
      await waitFor("the second hub to be told of", () => {
        const [first, second] = near.driver.tunnels();
        return first?.up === false && second?.up === true;
      });
      net.cut(b, false);
      await waitFor("the first hub to carry again", () => {
        const [first, second] = near.driver.tunnels();
        return first?.up === true && second?.up === false;
      });
      await waitFor("a ping by the first hub", async () => (await net.ping(a, b)) === 1);
      const turns = near.events.filter(({ kind }) => kind === "backup");
      expect(turns).toEqual([
        { kind: "backup", tunnel: "spare", active: true },
        { kind: "backup", tunnel: "spare", active: false },
      ]);
    },
  );

  test(
    "a thousand tunnels are loaded, ten changed, and all back after the daemon was killed",
    { timeout: 90_000 },
    async () => {
      const sides = (lifetime: (n: number) => number): TunnelSide[] =>
        Array.from({ length: MANY }, (_, n) => {
          const [high, low] = [Math.floor(n / 250), n % 250];
          const side = sideFor({
            name: `many-${String(n)}`,
            addresses: [
              `198.18.${String(high)}.${String(low)}`,
              `198.19.${String(high)}.${String(low)}`,
            ],
            networks: [
              [`10.${String(high)}.${String(low)}.0/24`],
              [`10.${String(100 + high)}.${String(low)}.0/24`],
            ],
          });
          return {
            ...side,
            start: "respond",
            child: { ...side.child, lifetimeSeconds: lifetime(n) },
          };
        });
      for (let n = 0; n < MANY; n++) {
        farSecrets.set(`many-${String(n)}-key`, {
          values: [canary(String(n))],
        });
      }
      await third.install(sides(() => 3600));
      expect(await c.swan!.ask((charon) => charon.connections())).toHaveLength(MANY);
      const start = process.cpuUsage();
      await third.install(sides((n) => (n % 100 === 7 ? 7200 : 3600)));
      const { user, system } = process.cpuUsage(start);
      expect((user + system) / 1000).toBeLessThan(MOST_CPU);
      await c.swan!.kill();
      await waitFor("the loss to be seen", () => !third.driver.daemon().connected);
      await c.swan!.start();
      await waitFor("all to be loaded again", () => third.driver.daemon().loaded === MANY);
      const names = await c.swan!.ask((charon) => charon.connections());
      expect(new Set(names).size).toBe(MANY);
      expect(names).toHaveLength(MANY);
    },
  );
});

/** A rollover that is past its half. */
function past(): SecretFacts {
  const now = Date.now();
  return { created: now - 10_000, olderUntil: now + 5_000 } as SecretFacts;
}

interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** An authority, a peer, and two certificates of one name from different years. */
function certificates(directory: string): {
  authority: string;
  peer: Issued;
  first: Issued;
  second: Issued;
} {
  const path = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): string => commandSync("openssl", args);
  const read = (name: string): string => readFileSync(path(name), "utf8");
  openssl("genpkey", "-algorithm", "ed25519", "-out", path("ca.key"));
  openssl(
    ...[
      "req",
      "-x509",
      "-new",
      "-key",
      path("ca.key"),
      "-subj",
      "/CN=lab authority",
      "-days",
      "30",
    ],
    ...["-addext", "basicConstraints=critical,CA:TRUE", "-out", path("ca.pem")],
  );
  const issue = (file: string, subject: string, name: string): Issued => {
    openssl("genpkey", "-algorithm", "ed25519", "-out", path(`${file}.key`));
    openssl(
      ...["req", "-new", "-key", path(`${file}.key`), "-subj", `/CN=${subject}`],
      ...["-addext", `subjectAltName=DNS:${name}`, "-out", path(`${file}.csr`)],
    );
    openssl(
      ...[
        "x509",
        "-req",
        "-in",
        path(`${file}.csr`),
        "-CA",
        path("ca.pem"),
        "-CAkey",
        path("ca.key"),
      ],
      ...[
        "-CAcreateserial",
        "-days",
        "20",
        "-copy_extensions",
        "copy",
        "-out",
        path(`${file}.pem`),
      ],
    );
    return { certificate: read(`${file}.pem`), key: read(`${file}.key`) };
  };
  return {
    peer: issue("b", "b of the lab", "b.example"),
    first: issue("a1", "a of the first year", "a.example"),
    second: issue("a2", "a of the second year", "a.example"),
    authority: read("ca.pem"),
  };
}
