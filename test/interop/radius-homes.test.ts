/**
 * Home servers behind the relay: which one is asked, what happens when one is silent, dead or back, and a
 * proxy that ends EAP itself. Real FreeRADIUS servers, real clients.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Evpnd } from "./lib/evpnd.js";
import { Freeradius } from "./lib/freeradius.js";
import { Lab } from "./lib/lab.js";
import { homeEntry, HOME_SECRET, RadiusLab, relayConfig, station } from "./lib/radius-lab.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const users = (name: string) =>
  `DEFAULT Cleartext-Password := "hello"\n    Reply-Message = "from ${name}"\n`;

const CONFIG = relayConfig(`
      home-servers:${homeEntry("one", 1912)}${homeEntry("two", 1922)}${homeEntry("proxy", 1932)}${homeEntry("rolling", 1922, "other, home")}
      pools:
        - {name: failover, servers: [one, two]}
        - {name: second, servers: [two]}
        - {name: spread, servers: [one, two], balance: true}
        - {name: proxied, servers: [proxy]}
        - {name: rolled, servers: [rolling]}
      routes:
        - {realm: second.example, authentication: second}
        - {realm: spread.example, authentication: spread}
        - {realm: proxied.example, authentication: proxied}
        - {realm: rolled.example, authentication: rolled}
        - {called-station-id: guests, authentication: second}
        - {network: 127.0.9.0/24, authentication: second}
        - {authentication: failover, accounting: failover}`);

describeInterop("RADIUS home servers", ["freeradius", "eapol", "nftables"], () => {
  let lab: Lab;
  let radius: RadiusLab;
  let one: Freeradius;
  let evpnd: Evpnd;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo");
    radius = new RadiusLab(lab, "lo");
    const common = { lab, label: "lo", secret: HOME_SECRET };
    one = await Freeradius.start({
      ...common,
      name: "one",
      port: 1912,
      users: users("one"),
      eap: true,
      slow: true,
    });
    await Freeradius.start({
      ...common,
      name: "two",
      port: 1922,
      users: users("two"),
      eap: true,
      slow: true,
    });
    // Knows passwords and nothing of EAP; and in front of it one that ends EAP.
    await Freeradius.start({ ...common, name: "provider", port: 1942, users: users("provider") });
    const proxy = { name: "proxy", port: 1932, users: "", eap: true, providerPort: 1942 };
    await Freeradius.start({ ...common, ...proxy });
    evpnd = await radius.start(CONFIG);
  });
  afterAll(() => lab?.close());
  beforeEach(() => showLogsOnFailure(() => lab));

  const server = async (name: string) => {
    const rows = await radius.homeServers(evpnd);
    const row = rows.find((each) => each.kind === "authentication" && each.name === name);
    if (row === undefined) throw new Error(`there is no ${name}`);
    return row;
  };

  test("RAD-67: realm, SSID and the client's network choose the pool", async () => {
    const [byRealm, bySsid, byNetwork, rest] = await Promise.all([
      radius.login("bob@Second.Example"),
      radius.radclient(
        `User-Name = bob, User-Password = hello, Message-Authenticator = 0x00, Called-Station-Id = "02-00-00-00-00-01:guests", Calling-Station-Id = "02-AA-BB-CC-DD-01"`,
      ),
      radius.login("bob", ", Packet-Src-IP-Address = 127.0.9.1"),
      radius.login("bob"),
    ]);
    for (const text of [byRealm, bySsid, byNetwork]) expect(text).toContain("from two");
    expect(rest).toContain("from one");
  });

  test("RAD-67: conversations of EAP are spread, and each stays on the server it began with", async () => {
    const before = await Promise.all([server("one"), server("two")]);
    const texts = await Promise.all(
      [1, 2, 3, 4].map((n) => radius.eapol("TTLS", "bob@spread.example", `02:aa:bb:cc:dd:1${n}`)),
    );
    for (const text of texts) expect(text).toMatch(/^SUCCESS$/m);
    const after = await Promise.all([server("one"), server("two")]);
    for (const [index, { counters }] of after.entries()) {
      expect(counters["used"]).toBeGreaterThan(before[index]?.counters["used"] ?? 0);
    }
  });

  test("RAD-04: a proxy behind the relay ends EAP and asks a provider who knows none", async () => {
    const text = await radius.eapol("TTLS", "bob@proxied.example");
    expect(text).toMatch(/^SUCCESS$/m);
    expect(text).toMatch(/MPPE keys OK: 1\s+mismatch: 0/);
    expect(await radius.login("bob@proxied.example")).toContain("Received Access-Reject");
  });

  test("RAD-26, RAD-75: of two secrets for a home server the one it knows is found by itself", async () => {
    expect(await radius.login("bob@rolled.example", "", "-r 8 -t 2")).toContain("from two");
    expect((await server("rolling")).counters["probes"]).toBeGreaterThan(0);
    // From now on without delay.
    expect(await radius.login("bob@rolled.example", "", "-r 1 -t 2")).toContain("from two");
  });

  test("RAD-59, RAD-67: a silent server: Status-Server asks for it, the next one answers, and it is back when it answers", async () => {
    one.program.signal("SIGSTOP");
    expect(await radius.login("bob", "", "-r 8 -t 2")).toContain("from two");
    const silent = await server("one");
    expect(["suspect", "dead"]).toContain(silent.state);
    one.program.signal("SIGCONT");
    await waitFor("server one to be alive", async () => (await server("one")).state === "alive");
    expect((await server("one")).counters["watchdog"]).toBeGreaterThan(0);
    expect(await radius.login("bob")).toContain("from one");
  });

  test("RAD-67: a server that is gone is passed over at once, and used when it is there again", async () => {
    await one.program.stop("SIGKILL");
    expect(await radius.login("bob", "", "-r 4 -t 2")).toContain("from two");
    expect((await server("one")).state).toBe("dead");
    // Accounting goes on, too.
    const words = `Acct-Status-Type = Start, Acct-Session-Id = x, User-Name = bob, ${station(1)}`;
    expect(await radius.radclient(words, "acct", "-r 4 -t 2")).toContain("Accounting-Response");
    await one.begin();
    await waitFor("server one to be alive", async () => (await server("one")).state === "alive");
    expect(await radius.login("bob")).toContain("from one");
  });

  const statistics = async (): Promise<Readonly<Record<string, number>>> => {
    const { rows } = await evpnd.get<{ rows: { counters: Record<string, number> }[] }>(
      "/v1/radius/statistics?kind=authentication",
    );
    return rows[0]?.counters ?? {};
  };

  test("RAD-32, RAD-57: a slow server: its late answer is the answer, and what its client repeats is one request", async () => {
    const before = [await statistics(), (await server("two")).counters] as const;
    const text = await radius.login("slow2@second.example", "", "-r 4 -t 1");
    expect(text).toContain("from two");
    const after = [await statistics(), (await server("two")).counters] as const;
    const more = (which: 0 | 1, name: string) =>
      (after[which][name] ?? 0) - (before[which][name] ?? 0);
    expect(more(0, "duplicates")).toBeGreaterThan(0);
    expect(more(0, "accepts")).toBe(1);
    expect(more(1, "used")).toBe(1);
    // Repeats go on to the server, the same octets each time; it knows them for what they are.
    expect(more(1, "sent")).toBe(1);
    expect((await server("two")).state).toBe("alive");
  });

  test("RAD-51, RAD-32: answers whose signature is changed on the way: counted, no sign of life, and nothing of them reaches a client", async () => {
    const before = (await server("two")).counters["badAuthenticators"] ?? 0;
    // The first octets of the response's authenticator, in what really comes from FreeRADIUS.
    const rules =
      "table inet forger { chain out { type filter hook output priority 0; udp sport 1922 @th,96,32 set 0x11223344; }; }";
    lab.runSync("lo", "nft", [rules]);
    let answered = false;
    const asked = radius.login("bob@second.example", "", "-r 20 -t 1");
    void asked.then(() => (answered = true));
    await waitFor("two forged answers", async () => {
      const { counters } = await server("two");
      return (counters["badAuthenticators"] ?? 0) >= before + 2;
    });
    expect(answered).toBe(false);
    // Whoever does not ask this server notices nothing.
    expect(await radius.login("bob")).toContain("from one");
    lab.runSync("lo", "nft", ["delete table inet forger"]);
    const text = await asked;
    expect(text).toContain("from two");
    expect(text.match(/Received Access-/g)).toHaveLength(1);
    await waitFor("server two to be alive", async () => (await server("two")).state === "alive");
  });

  test("RAD-32, RAD-53: a server that answers everything twice: the second answer is counted, and the client has one", async () => {
    const before = [await statistics(), (await server("two")).counters] as const;
    const rules = `table ip twice { chain out { type filter hook output priority 0; udp sport 1922 dup to 127.0.0.1 device "lo"; }; }`;
    lab.runSync("lo", "nft", [rules]);
    const text = await radius.login("bob@second.example");
    expect(text.match(/Received Access-Accept/g)).toHaveLength(1);
    const eap = await radius.eapol("TTLS", "bob@second.example", "02:aa:bb:cc:dd:31");
    lab.runSync("lo", "nft", ["delete table ip twice"]);
    expect(eap).toMatch(/^SUCCESS$/m);
    expect(eap).toMatch(/MPPE keys OK: 1\s+mismatch: 0/);
    const more = (counters: Readonly<Record<string, number>>, which: 0 | 1, name: string) =>
      (counters[name] ?? 0) - (before[which][name] ?? 0);
    const { counters } = await server("two");
    const used = more(counters, 1, "used");
    expect(used).toBeGreaterThan(3);
    expect(more(counters, 1, "unmatched")).toBe(used);
    const answered = await statistics();
    const names = ["accepts", "rejects", "challenges"];
    expect(names.reduce((sum, name) => sum + more(answered, 0, name), 0)).toBe(used);
  });

  test("RAD-03, RAD-67: a server restarted in the middle of an EAP conversation: that one ends, the next succeeds", async () => {
    const before = (await statistics())["challenges"] ?? 0;
    const cut = radius.eapol("TTLS", "slow0.4", "02:aa:bb:cc:dd:21");
    await waitFor(
      "two rounds",
      async () => ((await statistics())["challenges"] ?? 0) >= before + 2,
    );
    await one.program.stop("SIGKILL");
    await one.begin();
    const text = await cut;
    expect(text).toMatch(/^FAILURE$/m);
    expect(text).not.toMatch(/^SUCCESS$/m);
    await waitFor("server one to be alive", async () => (await server("one")).state === "alive");
    const next = await radius.eapol("TTLS", "bob", "02:aa:bb:cc:dd:21");
    expect(next).toMatch(/^SUCCESS$/m);
    expect(next).toMatch(/MPPE keys OK: 1\s+mismatch: 0/);
    expect((await radius.sessions(evpnd)).map(({ mac }) => mac)).toContain("02:aa:bb:cc:dd:21");
  });

  test("RAD-33: after all that the sums balance, and nothing waits", async () => {
    const counters = await statistics();
    const of = (name: string) => counters[name] ?? 0;
    const sum = (...names: string[]) => names.reduce((all, name) => all + of(name), 0);
    expect(of("pending")).toBe(0);
    expect(of("received")).toBe(
      sum("unknown", "malformed", "statusServer", "unexpected", "requests"),
    );
    const refused = sum("badAuthenticators", "unsigned", "invalid", "duplicates", "dropped");
    const answered = sum("cachedAnswers", "accepts", "rejects", "challenges", "localRejects");
    expect(of("requests")).toBe(refused + answered + sum("timedOut", "superseded"));
    for (const { counters, pending } of await radius.homeServers(evpnd)) {
      expect(pending).toBe(0);
      const parts = ["used", "malformed", "badAuthenticators", "unsigned", "unmatched", "watchdog"];
      expect(counters["received"]).toBe(
        parts.reduce((all, name) => all + (counters[name] ?? 0), 0),
      );
    }
  });

  test("RAD-50, RAD-51, RAD-52: what is stripped of its Message-Authenticator (BlastRADIUS) is refused, request or answer", async () => {
    const before = [await statistics(), (await server("two")).counters] as const;
    const stripped = `User-Name = "bob", User-Password = hello, ${station(1)}`;
    const collision = `Proxy-State = 0x${"5a".repeat(200)}`;
    const [request, prefixed, answer] = await Promise.all([
      radius.radclient(stripped, "auth", "-r 1 -t 1"),
      radius.radclient(`${stripped}, ${collision}`, "auth", "-r 1 -t 1"),
      radius.login("unsigned@second.example", "", "-r 1 -t 1"),
    ]);
    for (const text of [request, prefixed, answer]) {
      expect(text).toContain("No reply");
      expect(text).not.toContain("Received Access-");
    }
    const after = [await statistics(), (await server("two")).counters] as const;
    const more = (which: 0 | 1, name: string) =>
      (after[which][name] ?? 0) - (before[which][name] ?? 0);
    expect(more(0, "unsigned")).toBe(2);
    expect([more(0, "accepts"), more(0, "pending")]).toEqual([0, 1]);
    expect([more(1, "unsigned"), more(1, "used")]).toEqual([1, 0]);
  });
});
