/** Addresses from a real DHCP server (Kea), asked by the relay in its subscribers' names, and given back. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Evpnd } from "./lib/evpnd.js";
import { Freeradius } from "./lib/freeradius.js";
import { Lab } from "./lib/lab.js";
import { homeEntry, HOME_SECRET, RadiusLab, relayConfig, station } from "./lib/radius-lab.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const USERS = `DEFAULT Cleartext-Password := "hello"\n`;
const CONFIG = relayConfig(`      home-servers:${homeEntry("home", 1912)}
      addresses: {source: dhcp, server: 10.44.0.1, relay-address: 10.44.0.2}`);

/** One address for everybody: who holds it is beyond doubt. Leases of 20 seconds, renewed after 4. */
const kea = (directory: string) => ({
  Dhcp4: {
    "interfaces-config": { interfaces: ["server"], "dhcp-socket-type": "udp" },
    "lease-database": {
      type: "memfile",
      name: join(directory, "leases.csv"),
      "lfc-interval": 0,
    },
    "valid-lifetime": 20,
    "renew-timer": 4,
    "rebind-timer": 15,
    subnet4: [
      {
        id: 1,
        subnet: "10.44.0.0/24",
        relay: { "ip-addresses": ["10.44.0.2"] },
        pools: [{ pool: "10.44.0.100 - 10.44.0.100" }],
      },
    ],
    loggers: [{ name: "kea-dhcp4", severity: "INFO", output_options: [{ output: "stdout" }] }],
  },
});

describeInterop("RADIUS subscribers' addresses", ["freeradius", "kea"], () => {
  let lab: Lab;
  let radius: RadiusLab;
  let evpnd: Evpnd;
  let server: ReturnType<Lab["start"]>;

  beforeAll(async () => {
    lab = new Lab();
    const here = lab.namespace("relay");
    lab.namespace("dhcp");
    lab.ip("dhcp", [
      `link add server type veth peer name uplink netns ${here}`,
      "addr add 10.44.0.1/24 dev server",
      "link set server up",
    ]);
    lab.ip("relay", ["addr add 10.44.0.2/24 dev uplink", "link set uplink up"]);
    const directory = lab.makeDirectory("kea");
    const file = lab.writeFile("kea.json", JSON.stringify(kea(directory)));
    chmodSync(lab.directory, 0o777);
    server = lab.start("dhcp", "kea", "kea-dhcp4", ["-c", file], {
      KEA_PIDFILE_DIR: directory,
      KEA_LOCKFILE_DIR: directory,
    });
    radius = new RadiusLab(lab, "relay");
    const options = { name: "freeradius", port: 1912, secret: HOME_SECRET, users: USERS };
    await Freeradius.start({ lab, label: "relay", ...options });
    await waitFor("Kea to serve", () => {
      server.mustRun();
      return server.log().includes("DHCP4_STARTED");
    });
    evpnd = await radius.start(CONFIG);
  });
  afterAll(() => lab?.close());
  beforeEach(() => showLogsOnFailure(() => lab));

  const login = (n: number) =>
    radius.radclient(
      `User-Name = user${n}, User-Password = hello, Message-Authenticator = 0x00, ${station(n)}`,
    );
  const addressOf = async (n: number) =>
    (await radius.sessions(evpnd)).find(({ userName }) => userName === `user${n}`)?.address;

  test("RAD-07, RAD-15: a subscriber gets an address of the DHCP server, keeps it, and gives it back at its end", async () => {
    expect(await login(1)).toContain("Received Access-Accept");
    await waitFor("an address", async () => (await addressOf(1)) === "10.44.0.100");
    await server.says(/DHCP4_LEASE_ALLOC.*10\.44\.0\.100/);
    await server.says("02:aa:bb:cc:dd:01");
    // Prolonged at its time: the server says so.
    const grants = () => server.log().split("DHCP4_LEASE_ALLOC").length - 1;
    await waitFor("a renewal", () => grants() >= 2);
    // The pool is used up: the second one is let in, without an address.
    expect(await login(2)).toContain("Received Access-Accept");
    await waitFor("the second to be refused", () =>
      evpnd.program.log().includes("gets no address"),
    );
    expect(await addressOf(2)).toBeUndefined();
    const stop = `Acct-Status-Type = Stop, Acct-Session-Id = x, User-Name = user1, ${station(1)}`;
    expect(await radius.radclient(stop, "acct")).toContain("Received Accounting-Response");
    await waitFor("the release", () => /DHCP4_RELEASE\b.*10\.44\.0\.100/.test(server.log()));
    await login(3);
    await waitFor("the address for the third", async () => (await addressOf(3)) === "10.44.0.100");
  });
});
