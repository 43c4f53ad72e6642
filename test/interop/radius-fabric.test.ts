/**
 * Subscribers at the edge of a fabric: they authenticate at FreeRADIUS through the relay, GoBGP announces their
 * MACs, and evpnd says whether the two agree. What is away from its session, or has none, is held. At the end the
 * configuration changes, and evpnd restarts.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../lib/canary.js";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import { startRadiusHome } from "./lib/radius-home.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const REFLECTOR = "10.99.0.254";
/** Where a thief is, and where the access point is: of two equal claims the lower address wins. */
const PE1 = "10.99.0.1";
const PE2 = "10.99.0.2";
const HTTP = 8179;
const RELAY = 1812;
const HOME = 1912;
const CLIENT_SECRET = canary("from-the-access-point");
const NEXT_SECRET = canary("the-access-points-next");
const HOME_SECRET = canary("towards-the-home-server");
const PASSWORD = canary("bobs-own");
const MAC = "02:aa:bb:cc:dd:01";
const ROGUE = "02:aa:bb:cc:dd:66";
const AP = "02:00:00:00:00:01";
const USERS = `
bob Cleartext-Password := "${PASSWORD}"
    Class = 0x0102, Tunnel-Type:1 = VLAN, Tunnel-Medium-Type:1 = IEEE-802, Tunnel-Private-Group-Id:1 = "100"
eve Cleartext-Password := "${PASSWORD}"
    Tunnel-Type:1 = VLAN, Tunnel-Medium-Type:1 = IEEE-802, Tunnel-Private-Group-Id:1 = "100"
`;
const STATIONS = `Called-Station-Id = "02-00-00-00-00-01:corp", Calling-Station-Id = "02-AA-BB-CC-DD-01"`;

interface Change {
  readonly clients?: string;
  readonly tenants?: string;
  readonly action?: string;
}

function configText(state: string, { clients, tenants = "", action = "reject" }: Change = {}) {
  const own = clients ?? "{prefix: 127.0.0.0/8, name: aps, secret-files: [client]}";
  const server = (port: number): string => `{listen: "127.0.0.1:${port}", clients: [${own}]}`;
  return `
as: 65000
router-id: ${REFLECTOR}
listen: ["${REFLECTOR}:179"]
dynamic-peers:
  - {prefix: 10.99.0.0/24, client: true, families: [l2vpn-evpn]}
http: {listen: "127.0.0.1:${HTTP}"}
restart: {state-dir: "${state}"}
fib:
  enabled: true
  domains: [{name: wifi, route-targets: ["65000:100"], vni: 100}]
radius:
  tenants:
    - name: campus
      authentication: ${server(RELAY)}
      accounting: ${server(RELAY + 1)}
      home-servers:
        - {name: home, address: 127.0.0.1, authentication-port: ${HOME}, accounting-port: ${HOME + 1}, secret-files: [home]}
${tenants}
subscribers:
  grace-seconds: 2
  domains: [{domain: wifi, tenant: campus, vlan: 100, action: ${action}}]
  access-points: [{id: "02-00-00-00-00-01", pe: ${PE2}}]
`;
}

interface SessionRow {
  readonly mac: string;
  readonly userName: string;
  readonly accessPoint: string;
  readonly vlan?: string;
  readonly confirmed: boolean;
  readonly startedAt: number;
  readonly classes: readonly string[];
  readonly acctSessionId?: string;
  readonly places: readonly { readonly pe: string; readonly finding?: string }[];
}

interface Counters {
  readonly rows: readonly { readonly kind: string; readonly counters: Record<string, number> }[];
}

describeInterop("subscribers of a fabric", ["freeradius", "eapol", "gobgp"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let one: Gobgp;
  let two: Gobgp;
  let file: string;

  const write = (change: Change = {}): void => {
    writeFileSync(file, configText(join(lab.directory, "state"), change));
  };
  const start = (name: string): Promise<Evpnd> =>
    Evpnd.start({
      ...{ lab, label: "lo", name, address: REFLECTOR, http: HTTP, config: "" },
      extra: ["--config", file],
    });

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace(
      "lo",
      [REFLECTOR, PE1, PE2].map((address) => `${address}/32`),
    );
    lab.makeDirectory("state");
    file = join(lab.directory, "subscribers.yaml");
    const secrets = { client: CLIENT_SECRET, next: NEXT_SECRET, home: HOME_SECRET };
    for (const [name, secret] of Object.entries(secrets)) {
      lab.secretFile(name, secret);
    }
    write();
    const pe = (name: string, address: string, apiPort: number): Promise<Gobgp> =>
      Gobgp.start({
        ...{ lab, label: "lo", name, address, apiPort },
        ...{ neighbor: REFLECTOR, families: ["l2vpn-evpn"] },
      });
    const home = {
      lab,
      label: "lo",
      name: "freeradius",
      port: HOME,
      secret: HOME_SECRET,
      users: USERS,
    };
    [evpnd, one, two] = await Promise.all([
      start("evpnd"),
      pe("one", PE1, 50_051),
      pe("two", PE2, 50_052),
      startRadiusHome(home),
    ]);
    await Promise.all([one.waitEstablished(), two.waitEstablished()]);
  });
  afterAll(() => lab?.close());
  beforeEach(() => showLogsOnFailure(() => lab));

  /** What evpnctl says; its exit code does not matter. */
  const evpnctl = (...words: string[]): Promise<string> => {
    const script = join(DIST, "src", "cli", "main.js");
    const line = [process.execPath, script, ...words, "--url", `http://127.0.0.1:${HTTP}`];
    return lab.run("lo", "sh", ["-c", `${line.map((word) => `'${word}'`).join(" ")} 2>&1 || true`]);
  };
  const announce = (pe: Gobgp, address: string, mac: string): Promise<void> =>
    pe.addEvpn(`macadv ${mac} 0.0.0.0 etag 0 label 100 rd ${address}:100 rt 65000:100 encap vxlan`);
  const withdraw = (pe: Gobgp, address: string, mac: string): Promise<string> => {
    const line = `macadv ${mac} 0.0.0.0 etag 0 label 100 rd ${address}:100`;
    return pe.cli("global", "rib", "del", "-a", "evpn", ...line.split(" "));
  };
  const eapol = async (secret = CLIENT_SECRET): Promise<string> => {
    const lines = ['ssid="corp"', "key_mgmt=IEEE8021X", "eapol_flags=0", "eap=MD5"];
    const user = ['identity="bob"', `password="${PASSWORD}"`];
    const conf = lab.writeFile("bob.conf", `network={\n${[...lines, ...user].join("\n")}\n}\n`);
    const words = `-c ${conf} -p ${RELAY} -s ${secret} -n -r0 -t10 -M ${MAC} -N 30:s:02-00-00-00-00-01:corp`;
    return lab.run("lo", "sh", ["-c", `eapol_test ${words} 2>&1 || true`]);
  };
  const radclient = async (
    attributes: string,
    kind: "auth" | "acct" = "acct",
    secret = CLIENT_SECRET,
    port = kind === "auth" ? RELAY : RELAY + 1,
  ): Promise<string> => {
    const request = lab.writeFile("request", `${attributes}, ${STATIONS}\n`);
    const words = `-x -r 1 -t 5 -f ${request} 127.0.0.1:${port} ${kind} ${secret}`;
    return lab.run("lo", "sh", ["-c", `radclient ${words} 2>&1 || true`]);
  };
  const sessions = async (): Promise<readonly SessionRow[]> =>
    (await evpnd.get<{ sessions: SessionRow[] }>("/v1/radius/sessions?tenant=campus")).sessions;
  const macs = (mac: string) =>
    evpnd.macs<{ pe: string; sessions: { userName: string }[]; sessionAlarm?: string }>(
      `mac=${mac}`,
    );
  const findings = async (): Promise<string[]> => {
    const { findings: rows } = await evpnd.get<{
      findings: { mac: string; kind: string; state: string }[];
    }>("/v1/subscribers/findings");
    return rows.map(({ mac, kind, state }) => `${mac} ${kind} ${state}`).sort();
  };
  const found = (...wanted: string[]): Promise<unknown> =>
    waitFor(`findings ${wanted.join(", ")}`, async () => {
      const now = await findings();
      if (now.join() === wanted.join()) return true;
      throw new Error(now.join());
    });
  /** Routes of a MAC that a PE has, its own included. */
  const seenBy = async (pe: Gobgp, mac: string): Promise<string[]> => {
    const rib = await pe.rib("evpn");
    return [...rib.keys()].filter((name) => name.includes(mac)).sort();
  };
  const reload = async (change: Change): Promise<string> => {
    write(change);
    const { status, body } = await evpnd.request("POST", "/v1/reload");
    expect(status, body).toBe(200);
    return body;
  };

  test("RAD-07, RAD-73: a subscriber that is let in has a session, with its VLAN", async () => {
    const out = await eapol();
    expect(out).toMatch(/SUCCESS\s*$/);
    const [session] = await sessions();
    expect(session).toMatchObject({ mac: MAC, vlan: "100", confirmed: false, places: [] });
    expect(session?.classes).toEqual(["0102"]);
  });

  test("RAD-66: its accounting confirms it, and is remembered", async () => {
    const start = `Acct-Status-Type = Start, Acct-Session-Id = "s1", User-Name = bob, Event-Timestamp = 1700000000`;
    expect(await radclient(start)).toContain("Received Accounting-Response");
    expect(await sessions()).toMatchObject([
      { confirmed: true, acctSessionId: "s1", eventTimestamp: 1_700_000_000 },
    ]);
  });

  test("RAD-08: a reauthentication is the same session, with its accounting", async () => {
    const [before] = await sessions();
    expect(await eapol()).toMatch(/SUCCESS\s*$/);
    expect(await sessions()).toMatchObject([
      { startedAt: before?.startedAt, acctSessionId: "s1", confirmed: true },
    ]);
  });

  test("RAD-07: show mac has the session, and the session has where the fabric has the MAC", async () => {
    await announce(two, PE2, MAC);
    await waitFor("the FIB to have the MAC", async () => (await macs(MAC)).length === 1);
    expect(await macs(MAC)).toMatchObject([{ pe: PE2, sessions: [{ userName: "bob" }] }]);
    expect(await evpnctl("show", "mac", MAC)).toMatch(
      new RegExp(`^Subscriber: +bob \\(campus\\) by ${AP}, belongs at ${PE2}$`, "m"),
    );
    expect(await evpnctl("radius", "sessions", MAC)).toMatch(
      new RegExp(`^In the fabric: +${PE2} in wifi$`, "m"),
    );
  });

  test("RAD-16: a MAC away from its session is an alarm, and counts only where the session is", async () => {
    await announce(one, PE1, MAC);
    await waitFor("the thief to win", async () => (await macs(MAC))[0]?.pe === PE1);
    await found(`${MAC} away held`);
    // GoBGP takes its own route back when another PE has the MAC; its subscriber speaks on.
    await waitFor("PE 2 to hear no more of the thief", async () => {
      return (await seenBy(two, MAC)).every((name) => name.includes(`rd:${PE2}`));
    });
    await announce(two, PE2, MAC);
    await waitFor("the MAC to be back", async () => (await macs(MAC))[0]?.pe === PE2);
    expect(await seenBy(two, MAC)).toHaveLength(1);
    expect(await evpnctl("lint", "--rule", "mac-away-from-session")).toContain(MAC);
    expect((await sessions())[0]?.places).toMatchObject([{ pe: PE2, finding: "away" }]);
    await withdraw(one, PE1, MAC);
    await found();
  });

  test("RAD-07: a MAC without a session is an alarm, and its routes are held until it has one", async () => {
    await announce(one, PE1, ROGUE);
    await found(`${ROGUE} without-session held`);
    await waitFor("PE 2 to lose it", async () => (await seenBy(two, ROGUE)).length === 0);
    expect(await evpnctl("radius", "findings")).toMatch(/without-session +held/);
    await evpnd.program.says("MAC without a subscriber's session");
  });

  test("RAD-69: metrics say the same", async () => {
    const relay = await lab.relay("lo");
    const { body } = await relay.get("127.0.0.1", HTTP, "/metrics");
    const client = 'tenant="campus",kind="authentication",client="aps"';
    for (const line of [
      /^evpnd_radius_up 1$/m,
      new RegExp(`^evpnd_radius_packets_total{${client},outcome="accepts"} 2$`, "m"),
      /^evpnd_radius_sessions{tenant="campus"} 1$/m,
      /^evpnd_radius_home_server_state{tenant="campus",kind="authentication",server="home"} 2$/m,
      /^evpnd_radius_home_server_seconds_count{tenant="campus",kind="accounting",server="home"} 1$/m,
      /^evpnd_subscriber_macs{domain="wifi",finding="without-session"} 1$/m,
      /^evpnd_subscriber_macs_held{domain="wifi"} 1$/m,
    ]) {
      expect(body).toMatch(line);
    }
    expect(body).not.toContain(MAC);
  });

  test("RAD-34, RAD-35, RAD-40, RAD-42: the commands, against a relay that runs", async () => {
    expect(await evpnctl("radius", "servers")).toMatch(
      /authentication server of campus\nIP Address.*\n127\.0\.0\.0 +255\.0\.0\.0 +[0-9a-f]{12}\nUdp Port: 1812\n/,
    );
    expect(await evpnctl("radius", "baseline")).toMatch(/^baseline set .* GMT\n$/);
    const delta = await evpnctl("radius", "statistics", "authentication", "127.0.0.1", "delta");
    expect(delta).toMatch(/^baseline set .* GMT\n/);
    expect(delta).toMatch(/^Access Accepts: +0$/m);
    expect(await evpnctl("radius", "statistics", "|", "include", "Accepts")).toMatch(
      /^Access Accepts: +2\n$/,
    );
    expect(await evpnctl("radius", "udp-checksum")).toMatch(
      /^udp-checksums enabled\nbad checksums: \d+\nsource: .*InCsumErrors/,
    );
    expect(await evpnctl("radius", "lines")).toMatch(
      /^ key 127\.0\.0\.0 255\.0\.0\.0 <[0-9a-f]+>$/m,
    );
  });

  test("RAD-72: another user with the same MAC elsewhere drives nobody away", async () => {
    const there = 'Called-Station-Id = "02-00-00-00-00-09:corp"';
    const who = async (): Promise<string[]> =>
      (await sessions()).map(({ userName, accessPoint }) => `${userName} ${accessPoint}`);
    const login = `User-Name = eve, User-Password = "${PASSWORD}", Message-Authenticator = 0x00`;
    expect(await radclient(`${login}, ${there}`, "auth")).toContain("Received Access-Accept");
    const both = `bob ${AP},eve 02:00:00:00:00:09`;
    await waitFor("both sessions", async () => (await who()).join() === both);
    // The relay's thread tells of sessions a moment later.
    await waitFor(
      "the FIB to know of both",
      async () =>
        (await macs(MAC))[0]?.sessions.map(({ userName }) => userName).join() === "bob,eve",
    );
    await waitFor("the alarm", () => evpnd.program.log().includes("the same MAC twice"));
    const stop = `Acct-Status-Type = Stop, Acct-Session-Id = "e1", User-Name = eve, ${there}`;
    expect(await radclient(stop)).toContain("Received Accounting-Response");
    await waitFor("eve's end", async () => (await who()).join() === `bob ${AP}`);
  });

  test("RAD-20, RAD-22, RAD-75: a client, a secret, a tenant more: nothing else is touched", async () => {
    const before = await sessions();
    const counted = await evpnd.get<Counters>("/v1/radius/statistics");
    const clients =
      "{prefix: 127.0.0.0/8, name: aps, secret-files: [client, next]}, {prefix: 10.7.0.0/16, secret-files: [next]}";
    const server = (port: number): string =>
      `{listen: "127.0.0.1:${port}", clients: [{prefix: 127.0.0.0/8, secret-files: [next]}]}`;
    const tenants = `
    - name: guests
      authentication: ${server(RELAY + 1000)}
      home-servers:
        - {name: home, address: 127.0.0.1, authentication-port: ${HOME}, secret-files: [home]}
`;
    await reload({ clients, tenants });
    expect(await sessions()).toEqual(before);
    const after = await evpnd.get<Counters>("/v1/radius/statistics?tenant=campus");
    expect(after.rows).toEqual(counted.rows);
    const request = `User-Name = bob, User-Password = "${PASSWORD}", Message-Authenticator = 0x00`;
    for (const [secret, port] of [
      [CLIENT_SECRET, RELAY],
      [NEXT_SECRET, RELAY],
      [NEXT_SECRET, RELAY + 1000],
    ] as const) {
      expect(await radclient(request, "auth", secret, port)).toContain("Received Access-Accept");
    }
    const { peers } = await evpnd.get<{ peers: { establishedCount: number }[] }>("/v1/peers");
    expect(peers.map(({ establishedCount }) => establishedCount)).toEqual([1, 1]);
    // What compares sessions follows as well: report alone holds nothing.
    await reload({ clients, tenants, action: "report" });
    await found(`${ROGUE} without-session alarm`);
    await waitFor("PE 2 to have it", async () => (await seenBy(two, ROGUE)).length === 1);
    await reload({ clients, tenants });
    await found(`${ROGUE} without-session held`);
  });

  test("RAD-66: a restart keeps sessions, and what was held", async () => {
    const [before] = await sessions();
    await evpnd.program.stop("SIGTERM");
    evpnd = await start("again");
    await Promise.all([one.waitEstablished(), two.waitEstablished()]);
    expect(await sessions()).toMatchObject([{ mac: MAC, startedAt: before?.startedAt }]);
    await found(`${ROGUE} without-session held`);
    await waitFor("the FIB to have the subscriber", async () => (await macs(MAC)).length === 1);
    expect(await seenBy(two, ROGUE)).toEqual([]);
  });

  test("RAD-15: an operator ends a session, and its MAC is one without a session", async () => {
    expect(await evpnctl("radius", "disconnect", "campus", MAC)).toContain("ended");
    expect(await sessions()).toEqual([]);
    await found(`${MAC} without-session held`, `${ROGUE} without-session held`);
    await waitFor("the FIB to let it go", async () => (await macs(MAC)).length === 0);
    expect(await eapol()).toMatch(/SUCCESS\s*$/);
    await found(`${ROGUE} without-session held`);
    await waitFor("the FIB to have it again", async () => (await macs(MAC)).length === 1);
  });

  test("RAD-41: no secret and no password is in log, answers or metrics", async () => {
    const relay = await lab.relay("lo");
    const paths = ["/metrics", "/v1/config", "/v1/radius/servers", "/v1/radius/home-servers"];
    const answers = await Promise.all(
      paths.map(async (path) => (await relay.get("127.0.0.1", HTTP, path)).body),
    );
    const logs = ["evpnd", "again"].map((name) => {
      return readFileSync(join(lab.directory, `${name}.log`), "utf8");
    });
    const all = [...answers, ...logs].join("\n");
    for (const secret of [CLIENT_SECRET, NEXT_SECRET, HOME_SECRET, PASSWORD]) {
      expect(all).not.toContain(secret);
    }
  });
});
