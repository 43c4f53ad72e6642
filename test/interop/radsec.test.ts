/**
 * RADIUS over TLS with radsecproxy on both sides of evpnd, and Disconnect and CoA through it.
 *
 *   eapol_test, radclient --UDP--> radsecproxy --TLS--> evpnd --TLS--> radsecproxy --UDP--> FreeRADIUS
 *                            another evpnd, FreeRADIUS --TLS--^ ^--UDP-- radclient (Disconnect, CoA)
 *
 * Another secret on each UDP hop: keys that match at both ends were hidden anew at each.
 */
import { createHmac } from "node:crypto";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary, hexCanary } from "../lib/canary.js";
import { startCoaPoint } from "./lib/coa-point.js";
import { Dumpcap } from "./lib/dumpcap.js";
import { Evpnd } from "./lib/evpnd.js";
import { startFreeradiusEdge } from "./lib/freeradius-edge.js";
import { Lab } from "./lib/lab.js";
import type { Program } from "./lib/processes.js";
import { startRadiusHome } from "./lib/radius-home.js";
import type { RadiusHome } from "./lib/radius-home.js";
import { makeRadsecCertificates, revokeRadsecCertificate } from "./lib/radsec-certificates.js";
import { startRadsecproxy } from "./lib/radsecproxy.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const EDGE_SECRET = canary("access-point-to-radsecproxy");
const AP_SECRET = canary("access-point-to-evpnd");
const HOME_SECRET = canary("towards-the-home-server");
const PSK = hexCanary();
const PROXY_PORT = 1612;
const RELAY_PORT = 1812;
const EDGE_PORT = 1712;
const FREERADIUS_PORT = 1722;
const HOME_PORT = 1912;
const POINT = "127.0.0.7";
const HTTP = 8179;

const USERS = `
tunnel Cleartext-Password := "hello"
    Tunnel-Password:1 = "a tunnel's own secret", ERX-Med-Port-Number = 4711
tunnel@tls.example Cleartext-Password := "hello"
    Tunnel-Password:1 = "a tunnel's own secret"
DEFAULT Cleartext-Password := "hello"
    Tunnel-Type:1 = VLAN, Tunnel-Medium-Type:1 = IEEE-802, Tunnel-Private-Group-Id:1 = "42"
`;

/** The one under test. Realm `tls.example` goes on over TLS, all else over UDP. */
const config = (certificates: string): string => `
as: 65000
router-id: 10.99.0.1
listen: ["127.0.0.1:179"]
http: {listen: "127.0.0.1:${HTTP}"}
radius:
  tenants:
    - name: default
      authentication: {listen: "127.0.0.1:${RELAY_PORT}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}
      accounting: {listen: "127.0.0.1:${RELAY_PORT + 1}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}
      radsec:
        listen: "127.0.0.1:2083"
        cert-file: ${certificates}/relay.pem
        key-file: ${certificates}/relay.key
        ca-file: ${certificates}/ca.pem
        crl-file: ${certificates}/ca.crl
        clients:
          - {name: proxy, certificate: "DNS:proxy-in.example"}
          - {name: edge, certificate: "DNS:edge.example"}
          - {name: freeradius, certificate: "DNS:freeradius.example"}
          - {name: gone, certificate: "DNS:revoked.example"}
          - {name: lab, psk-identity: lab, psk-file: lab.psk}
      dynamic-authorization: {enabled: true, address: 127.0.0.1}
      home-servers:
        - name: over-tls
          address: 127.0.0.1
          tls:
            port: 2084
            cert-file: ${certificates}/relay.pem
            key-file: ${certificates}/relay.key
            ca-file: ${certificates}/ca.pem
            server-name: 127.0.0.1
        - {name: over-udp, address: 127.0.0.1, authentication-port: ${HOME_PORT}, accounting-port: ${HOME_PORT + 1}, secret-files: [home]}
      pools:
        - {name: tls, servers: [over-tls, over-udp]}
        - {name: udp, servers: [over-udp]}
      routes:
        - {realm: tls.example, authentication: tls, accounting: tls}
        - {authentication: udp, accounting: udp}
`;

/** A relay nearer to the access points, which reaches the other one over TLS. */
const edgeConfig = (certificates: string): string => `
as: 65000
router-id: 10.99.0.2
listen: ["127.0.0.2:179"]
http: {listen: off}
radius:
  tenants:
    - name: default
      authentication: {listen: "127.0.0.1:${EDGE_PORT}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}
      accounting: {listen: "127.0.0.1:${EDGE_PORT + 1}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}
      dynamic-authorization: {enabled: true, ports: []}
      home-servers:
        - name: core
          address: 127.0.0.1
          tls: {cert-file: ${certificates}/edge.pem, key-file: ${certificates}/edge.key, ca-file: ${certificates}/ca.pem, server-name: relay.example}
`;

describeInterop(
  "RADIUS over TLS, Disconnect and CoA",
  ["freeradius", "eapol", "radsecproxy", "tshark"],
  () => {
    let lab: Lab;
    let home: RadiusHome;
    let evpnd: Evpnd;
    let outer: Program;
    let inner: Program;
    let point: Awaited<ReturnType<typeof startCoaPoint>>;
    let freeradius: Awaited<ReturnType<typeof startFreeradiusEdge>>;
    let capture: Dumpcap;
    let certificates: string;

    const startInner = (): Promise<Program> =>
      startRadsecproxy({
        ...{ lab, label: "lo", name: "radsecproxy-home", certificates, certificate: "proxy-out" },
        listen: { type: "tls", place: "127.0.0.1:2084" },
        server: { type: "udp", place: `127.0.0.1:${HOME_PORT}`, secret: HOME_SECRET },
        accounting: `127.0.0.1:${HOME_PORT + 1}`,
      });

    beforeAll(async () => {
      lab = new Lab();
      lab.namespace("lo");
      home = await startRadiusHome({
        ...{ lab, label: "lo", name: "freeradius", port: HOME_PORT },
        ...{ secret: HOME_SECRET, users: USERS },
      });
      certificates = lab.makeDirectory("radsec");
      makeRadsecCertificates(
        certificates,
        {
          relay: "DNS:relay.example,IP:127.0.0.1",
          "proxy-in": "DNS:proxy-in.example",
          "proxy-out": "IP:127.0.0.1",
          edge: "DNS:edge.example",
          freeradius: "DNS:freeradius.example",
          revoked: "DNS:revoked.example",
          stranger: "DNS:stranger.example",
          renewed: "DNS:relay.example,IP:127.0.0.1",
        },
        "revoked",
      );
      for (const [name, text] of [
        ["client", AP_SECRET],
        ["home", HOME_SECRET],
        ["lab.psk", PSK],
      ] as const) {
        lab.secretFile(name, text);
      }
      capture = await Dumpcap.start(lab, {
        ...{ label: "lo", interface: "lo", filter: "tcp port 2083 or tcp port 2084" },
        file: join(lab.makeDirectory("capture"), "tls.pcapng"),
      });
      inner = await startInner();
      evpnd = await Evpnd.start({
        ...{ lab, label: "lo", address: "127.0.0.1", http: HTTP, config: config(certificates) },
      });
      outer = await startRadsecproxy({
        ...{ lab, label: "lo", name: "radsecproxy-edge", certificates, certificate: "proxy-in" },
        listen: { type: "udp", place: `127.0.0.1:${PROXY_PORT}`, secret: EDGE_SECRET },
        server: { type: "tls", place: "127.0.0.1:2083" },
      });
      point = await startCoaPoint(lab, "lo", POINT, AP_SECRET);
      freeradius = await startFreeradiusEdge({
        ...{ lab, label: "lo", port: FREERADIUS_PORT, secret: AP_SECRET, next: 2083 },
        ...{ certificates, certificate: "freeradius" },
      });
      const edge = await Evpnd.start({
        ...{
          lab,
          label: "lo",
          name: "edge",
          address: "127.0.0.2",
          config: edgeConfig(certificates),
        },
      });
      // Port 179 of the other one is seen too: what it takes to be ready is its UDP port.
      await waitFor("the edge's relay", () => {
        edge.program.mustRun();
        return edge.program.log().includes("evpnd is up");
      });
    });
    afterAll(() => lab?.close());
    beforeEach(() => showLogsOnFailure(() => lab));

    interface Ask {
      readonly port: number;
      readonly secret: string;
      readonly kind?: "auth" | "acct" | "disconnect" | "coa" | "status";
      readonly tries?: number;
      readonly seconds?: number;
    }
    const radclient = (attributes: string, ask: Ask): Promise<string> => {
      const { port, secret, kind = "auth", tries = 2, seconds = 8 } = ask;
      const file = lab.writeFile("request", `${attributes}\n`);
      const words = [
        "-x",
        "-r",
        String(tries),
        "-t",
        String(seconds),
        "-f",
        file,
        `127.0.0.1:${port}`,
      ];
      const line = ["radclient", ...words, kind, secret].join(" ");
      // It fails when it is refused; what it says is what counts.
      return lab.run("lo", "sh", ["-c", `${line} 2>&1 || true`]);
    };
    const stations = (mac = "02-AA-BB-CC-DD-01"): string =>
      `Called-Station-Id = "02-00-00-00-00-01:corp", Calling-Station-Id = "${mac}"`;
    const pap = (user: string, extra = ""): string =>
      `User-Name = "${user}", User-Password = hello, Message-Authenticator = 0x00, ${stations()}${extra}`;
    const outside = { port: PROXY_PORT, secret: EDGE_SECRET };
    const direct = { port: RELAY_PORT, secret: AP_SECRET };

    const eapol = (name: string, to: typeof outside, lines: readonly string[]): Promise<string> => {
      const text = ['ssid="corp"', "key_mgmt=IEEE8021X", "eapol_flags=0", ...lines].join("\n");
      const file = lab.writeFile(`${name}.conf`, `network={\n${text}\n}\n`);
      const line = [
        `eapol_test -c ${file} -p ${to.port} -s ${to.secret} -r0 -t20`,
        "-M 02:aa:bb:cc:dd:02 -N 30:s:02-00-00-00-00-01:corp",
      ];
      return lab.run("lo", "sh", ["-c", `${line.join(" ")} 2>&1 || true`]);
    };
    const ca = (): string => `ca_cert="${home.certificates}/ca.pem"`;
    const KEYS_MATCH = /MPPE keys OK: 1\s+mismatch: 0/;

    interface Row {
      readonly name: string;
      readonly kind: string;
      readonly state: string;
      readonly counters: Readonly<Record<string, number>>;
    }
    const server = async (name: string): Promise<Row | undefined> => {
      const { homeServers } = await evpnd.get<{ homeServers: readonly Row[] }>(
        "/v1/radius/home-servers",
      );
      return homeServers.find((row) => row.name === name && row.kind === "authentication");
    };

    test("RAD-60: radsecproxy towards us: PAP and accounting over TLS", async () => {
      expect(await radclient(pap("bob"), outside)).toContain("Received Access-Accept");
      const wrong = pap("bob").replace("hello", "wrong");
      expect(await radclient(wrong, outside)).toContain("Received Access-Reject");
      const start = `Acct-Status-Type = Start, Acct-Session-Id = one, User-Name = bob, ${stations()}`;
      expect(await radclient(start, { ...outside, kind: "acct" })).toContain(
        "Received Accounting-Response",
      );
    });

    test("RAD-60: radsecproxy from us: PAP and accounting over TLS", async () => {
      expect(await radclient(pap("bob@tls.example"), direct)).toContain("Received Access-Accept");
      expect((await server("over-tls"))?.counters["used"]).toBe(1);
      const start = `Acct-Status-Type = Start, Acct-Session-Id = two, User-Name = "bob@tls.example", ${stations()}`;
      const accounting = { ...direct, port: RELAY_PORT + 1, kind: "acct" } as const;
      expect(await radclient(start, accounting)).toContain("Received Accounting-Response");
    });

    test("RAD-54, RAD-60: Tunnel-Password is hidden anew on each hop, by radsecproxy and by us", async () => {
      const hidden = 'Tunnel-Password:1 = "a tunnel\'s own secret"';
      expect(await radclient(pap("tunnel"), outside)).toContain(hidden);
      expect(await radclient(pap("tunnel@tls.example"), direct)).toContain(hidden);
    });

    test("RAD-54, RAD-60: vendor values are hidden anew on each hop, through two relays and TLS between", async () => {
      const near = { port: EDGE_PORT, secret: AP_SECRET };
      const answer = await radclient(pap("tunnel"), near);
      expect(answer).toContain('Tunnel-Password:1 = "a tunnel\'s own secret"');
      expect(answer).toContain("ERX-Med-Port-Number = 4711");
    });

    test("RAD-54, RAD-60: TLS in and TLS out: PEAP-MSCHAPv2, and the PMK matches the MS-MPPE keys", async () => {
      const text = await eapol("peap", outside, [
        ...["eap=PEAP", 'identity="bob"', 'anonymous_identity="anonymous@tls.example"'],
        ...['password="hello"', 'phase2="auth=MSCHAPV2"', ca()],
      ]);
      expect(text).toMatch(KEYS_MATCH);
      expect(text).toMatch(/^SUCCESS$/m);
    });

    test("RAD-54, RAD-64: EAP-TLS with fragmented certificates over UDP in and TLS out", async () => {
      const mine = `${home.certificates}/client`;
      const text = await eapol("tls", direct, [
        ...["eap=TLS", 'identity="client@tls.example"', `client_cert="${mine}.pem"`],
        ...[`private_key="${mine}.key"`, ca()],
      ]);
      expect(text).toMatch(KEYS_MATCH);
    });

    test("RAD-59: our Status-Server is answered by radsecproxy over TLS: a home server's silence is not its own", async () => {
      // The home server falls silent: the next hop is asked whether it lives, and does.
      home.program.signal("SIGSTOP");
      try {
        const asked = radclient(pap("bob@tls.example"), { ...direct, tries: 1, seconds: 2 });
        await waitFor("the watchdog", async () => {
          const row = await server("over-tls");
          return (row?.counters["watchdog"] ?? 0) > 0;
        });
        await asked;
      } finally {
        home.program.signal("SIGCONT");
      }
      await waitFor("a living server", async () => (await server("over-tls"))?.state === "alive");
    });

    const sClient = (words: string, input?: Uint8Array): Promise<string> => {
      const file = lab.writeFile("input", "");
      writeFileSync(file, input ?? new Uint8Array(0));
      const line = `(cat ${file}; sleep 1) | openssl s_client -connect 127.0.0.1:2083 ${words} -no_ign_eof 2>&1 | od -An -v -tx1 | tr -d ' \\n'; true`;
      return lab.run("lo", "sh", ["-c", line]);
    };
    const plain = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");
    const mine = (name: string): string =>
      `-cert ${certificates}/${name}.pem -key ${certificates}/${name}.key -CAfile ${certificates}/ca.pem`;
    const statusServer = (): Uint8Array => {
      const packet = Buffer.alloc(38);
      packet.set([12, 7, 0, 38]);
      packet.fill(3, 4, 20);
      packet.set([80, 18], 20);
      packet.set(createHmac("md5", "radsec").update(packet).digest(), 22);
      return packet;
    };
    const ACCEPT = /02070026/;

    test("RAD-60: TLS-PSK with OpenSSL's client, in TLS 1.3 and 1.2", async () => {
      const psk = `-quiet -psk ${PSK} -psk_identity lab`;
      for (const version of ["-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", "-tls1_2"]) {
        expect(await sClient(`${psk} ${version}`, statusServer())).toMatch(ACCEPT);
      }
      const other = `-quiet -psk ${PSK.replace(/^../, "00")} -psk_identity lab -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256`;
      expect(await sClient(other, statusServer())).not.toMatch(ACCEPT);
    });

    test("RAD-60: a certificate of the CA that no client has, a revoked one and TLS 1.1 are refused", async () => {
      expect(await sClient(`-quiet ${mine("proxy-in")}`, statusServer())).toMatch(/02070026/);
      for (const words of [mine("stranger"), mine("revoked"), `${mine("proxy-in")} -tls1_1`]) {
        const hex = await sClient(`-quiet ${words}`, statusServer());
        expect(hex).not.toContain("02070026");
      }
      await waitFor("what the daemon says of it", () => {
        const log = evpnd.program.log();
        return log.includes("no client has this name or key") && log.includes("CERT_REVOKED");
      });
    });

    test("RAD-61: RADIUS/1.0 by ALPN; RADIUS/1.1 alone is refused by TLS", async () => {
      const both = plain(await sClient(`${mine("proxy-in")} -alpn radius/1.1,radius/1.0`));
      expect(both).toContain("ALPN protocol: radius/1.0");
      const newer = plain(await sClient(`${mine("proxy-in")} -alpn radius/1.1`));
      expect(newer).toMatch(/no application protocol/);
    });

    const login = async (user: string, mac: string, port: number): Promise<void> => {
      const words = `User-Name = "${user}", User-Password = hello, Message-Authenticator = 0x00`;
      const from = `Packet-Src-IP-Address = ${POINT}, Acct-Session-Id = "s-${user}"`;
      const text = await radclient(`${words}, ${stations(mac)}, ${from}`, {
        port,
        secret: AP_SECRET,
      });
      expect(text).toContain("Received Access-Accept");
    };
    const ask = (kind: "disconnect" | "coa", attributes: string, port = 3799): Promise<string> =>
      radclient(`${attributes}, Event-Timestamp = ${Math.floor(Date.now() / 1000)}`, {
        ...{ port, secret: HOME_SECRET, kind, tries: 1 },
      });
    const sessions = async (): Promise<readonly { mac: string; vlan?: string }[]> =>
      (
        await evpnd.get<{ sessions: readonly { mac: string; vlan?: string }[] }>(
          "/v1/radius/sessions",
        )
      ).sessions;
    const has = async (mac: string): Promise<boolean> =>
      (await sessions()).some((session) => session.mac === mac);

    test("RAD-62: a Disconnect of FreeRADIUS reaches FreeRADIUS at the access point, on ports 3799 and 1700", async () => {
      for (const [index, port] of [3799, 1700].entries()) {
        const mac = `02-AA-BB-CC-EE-0${index}`;
        await login(`user${index}`, mac, RELAY_PORT);
        const text = await ask("disconnect", `User-Name = user${index}`, port);
        expect(text).toContain("Received Disconnect-ACK");
        const asked = point.requests().at(-1) ?? "";
        expect(asked).toContain(`Disconnect-Request user${index}`);
        expect(await has(mac.toLowerCase().replaceAll("-", ":"))).toBe(false);
      }
    });

    test("RAD-62: its NAK comes back with its Error-Cause; no session, no stamp: NAKs of our own", async () => {
      await login("stubborn", "02-AA-BB-CC-EE-03", RELAY_PORT);
      const refused = await ask("disconnect", "User-Name = stubborn");
      expect(refused).toMatch(
        /Received Disconnect-NAK[\s\S]*Error-Cause = Session-Context-Not-Removable/,
      );
      expect(await has("02:aa:bb:cc:ee:03")).toBe(true);
      expect(await ask("disconnect", "User-Name = nobody")).toMatch(
        /Received Disconnect-NAK[\s\S]*Error-Cause = Session-Context-Not-Found/,
      );
      const unstamped = await radclient("User-Name = stubborn", {
        ...{ port: 3799, secret: HOME_SECRET, kind: "disconnect", tries: 1 },
      });
      expect(unstamped).toMatch(/Error-Cause = Missing-Attribute/);
    });

    test("RAD-62, RAD-73: a CoA of FreeRADIUS changes the session's VLAN once the access point has it", async () => {
      await login("carol", "02-AA-BB-CC-EE-04", RELAY_PORT);
      const text = await ask("coa", 'User-Name = carol, Tunnel-Private-Group-Id:0 = "77"');
      expect(text).toContain("Received CoA-ACK");
      expect(point.requests().at(-1)).toMatch(/CoA-Request carol .* vlan=77/);
      const session = (await sessions()).find(({ mac }) => mac === "02:aa:bb:cc:ee:04");
      expect(session?.vlan).toBe("77");
    });

    test("RAD-62: reverse CoA: down the TLS connection of the relay that the access point is behind", async () => {
      await login("dave", "02-AA-BB-CC-EE-05", EDGE_PORT);
      expect(await has("02:aa:bb:cc:ee:05")).toBe(true);
      const change = await ask("coa", 'User-Name = dave, Tunnel-Private-Group-Id:0 = "78"');
      expect(change).toContain("Received CoA-ACK");
      expect(point.requests().at(-1)).toMatch(/CoA-Request dave .* vlan=78/);
      expect(await ask("disconnect", "User-Name = dave")).toContain("Received Disconnect-ACK");
      expect(await has("02:aa:bb:cc:ee:05")).toBe(false);
    });

    test("RAD-62: reverse CoA: down the TLS connection that FreeRADIUS has made to us", async () => {
      await login("frank", "02-AA-BB-CC-EE-07", FREERADIUS_PORT);
      expect(await has("02:aa:bb:cc:ee:07")).toBe(true);
      const change = await ask("coa", 'User-Name = frank, Tunnel-Private-Group-Id:0 = "79"');
      expect(change).toContain("Received CoA-ACK");
      expect(await ask("disconnect", "User-Name = frank")).toContain("Received Disconnect-ACK");
      expect(freeradius.requests()).toEqual([
        "CoA-Request frank vlan=79",
        "Disconnect-Request frank vlan=",
      ]);
      expect(await has("02:aa:bb:cc:ee:07")).toBe(false);
    });

    test("RAD-62: an operator's disconnect is told to the access point", async () => {
      await login("erin", "02-AA-BB-CC-EE-06", RELAY_PORT);
      const body = { tenant: "default", mac: "02:aa:bb:cc:ee:06" };
      const { status, body: text } = await evpnd.request("POST", "/v1/radius/disconnect", body);
      expect([status, text]).toEqual([200, expect.stringContaining("let it go")]);
      expect(point.requests().at(-1)).toMatch(/Disconnect-Request erin 02-AA-BB-CC-EE-06 s-erin/);
      expect(await has("02:aa:bb:cc:ee:06")).toBe(false);
    });

    test("RAD-60: a reload takes other certificates, and drops no connection", async () => {
      const ends = (): number => evpnd.program.log().split("RADIUS/TLS client is gone").length;
      const before = ends();
      const serial = async (): Promise<string> => {
        const text = plain(await sClient(`${mine("stranger")} -showcerts`));
        return /-----BEGIN CERTIFICATE-----[^-]*/.exec(text)?.[0] ?? "";
      };
      const old = await serial();
      copyFileSync(join(certificates, "renewed.pem"), join(certificates, "relay.pem"));
      copyFileSync(join(certificates, "renewed.key"), join(certificates, "relay.key"));
      expect((await evpnd.request("POST", "/v1/reload", {})).status).toBe(200);
      await waitFor("the new certificate", async () => {
        const now = await serial();
        return now !== "" && now !== old;
      });
      expect(ends()).toBe(before);
      expect(await radclient(pap("bob"), outside)).toContain("Received Access-Accept");
    });

    test("RAD-60: a list that revokes a certificate ends the connection that stands on it, and no other", async () => {
      const gone = (): string[] =>
        evpnd.program
          .log()
          .split("\n")
          .filter((line) => line.includes("RADIUS/TLS client is gone"));
      const before = gone().length;
      revokeRadsecCertificate(certificates, "freeradius");
      expect((await evpnd.request("POST", "/v1/reload", {})).status).toBe(200);
      await waitFor("the connection's end", () => gone().length > before);
      expect(gone().slice(before)).toEqual([expect.stringMatching(/certificate was revoked/)]);
      expect(gone().at(-1)).toContain("freeradius");
      expect(await radclient(pap("bob"), outside)).toContain("Received Access-Accept");
      expect(gone()).toHaveLength(before + 1);
    });

    test("RAD-67: when the TLS hop dies, the next of its pool answers; when it is back, it is used again", async () => {
      await inner.stop("SIGKILL");
      expect(await radclient(pap("bob@tls.example"), { ...direct, tries: 4 })).toContain(
        "Received Access-Accept",
      );
      await waitFor("a dead server", async () => (await server("over-tls"))?.state === "dead");
      inner = await startInner();
      await waitFor("a living server", async () => (await server("over-tls"))?.state === "alive");
      const used = (await server("over-tls"))?.counters["used"] ?? 0;
      expect(await radclient(pap("bob@tls.example"), direct)).toContain("Received Access-Accept");
      expect((await server("over-tls"))?.counters["used"]).toBe(used + 1);
    });

    test("RAD-59: radsecproxy's own Status-Server is answered by us over TLS", async () => {
      const answered = async (): Promise<number> => {
        const { rows } = await evpnd.get<{ rows: readonly { counters: Record<string, number> }[] }>(
          "/v1/radius/statistics?kind=authentication&client=radsec:proxy",
        );
        return rows[0]?.counters["statusServer"] ?? 0;
      };
      await waitFor("a Status-Server of radsecproxy", async () => (await answered()) > 0);
    });

    test("RAD-60: tshark sees TLS 1.3 in both directions, and nothing of what is in it", async () => {
      outer.mustRun();
      await capture.stop();
      const tshark = (filter: string, field: string): Promise<string> =>
        lab.run("lo", "tshark", [
          ...["-r", capture.file, "-d", "tcp.port==2083,tls", "-d", "tcp.port==2084,tls"],
          ...["-Y", filter, "-T", "fields", "-e", field],
        ]);
      for (const port of [2083, 2084]) {
        const chosen = await tshark(
          `tls.handshake.type == 2 && tcp.srcport == ${port}`,
          "tls.handshake.extensions.supported_version",
        );
        expect(chosen).toContain("0x0304");
      }
      const readable = await tshark(
        'frame contains "corp" || frame contains "bob"',
        "frame.number",
      );
      expect(readable).toBe("");
    });
  },
);
