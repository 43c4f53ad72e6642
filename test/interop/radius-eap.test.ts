/**
 * Every way a subscriber authenticates, from real clients through evpnd to FreeRADIUS, another secret on each
 * hop. The keys that client and server derive must be the ones the relay hid anew; tshark and the octets on
 * both hops say what it changed and what not.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../lib/canary.js";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { startRadiusHome } from "./lib/radius-home.js";
import type { RadiusHome } from "./lib/radius-home.js";
import { isSigned, passwordOf, RadiusCapture } from "./lib/radius-wire.js";
import type { WireAttribute, WirePacket } from "./lib/radius-wire.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const CLIENT_SECRET = canary("from-the-access-point");
const HOME_SECRET = canary("towards-the-home-server");
const RELAY_PORT = 1812;
const HOME_PORT = 1912;
const STATIONS =
  'Called-Station-Id = "02-00-00-00-00-01:corp", Calling-Station-Id = "02-AA-BB-CC-DD-01"';

/** Of more than sixteen octets. */
const PASSWORD = canary("a password of bob");
const USERS = `
bob Cleartext-Password := "${PASSWORD}"
    Class = 0x0102, Tunnel-Type:1 = VLAN, Tunnel-Medium-Type:1 = IEEE-802, Tunnel-Private-Group-Id:1 = "42"
tunnel Cleartext-Password := "hello"
    Tunnel-Password:1 = "a tunnel's own secret", ERX-Med-Port-Number = 4711
client.example Auth-Type := EAP
`;

const config = `
as: 65000
router-id: 10.99.0.1
listen: ["127.0.0.1:179"]
radius:
  tenants:
    - name: default
      authentication: {listen: "127.0.0.1:${RELAY_PORT}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}
      accounting: {listen: "127.0.0.1:${RELAY_PORT + 1}", clients: [{prefix: 127.0.0.0/8, secret-files: [client]}]}
      home-servers:
        - {name: home, address: 127.0.0.1, authentication-port: ${HOME_PORT}, accounting-port: ${HOME_PORT + 1}, secret-files: [home]}
`;

/** Attributes that a hop has for itself: a signature, hidden values, Proxy-State. */
const MESSAGE_AUTHENTICATOR = 80;
const PROXY_STATE = 33;
const USER_PASSWORD = 2;
const CHAP_CHALLENGE = 60;
const TUNNEL_PASSWORD = 69;
/** Vendor and type of what is salted inside Vendor-Specific here: MS-MPPE keys, ERX-Med-Port-Number. */
const HIDDEN_VSA = new Set(["0000013710", "0000013711", "0000130a3d"]);

describeInterop(
  "EAP and passwords through the RADIUS relay",
  ["freeradius", "eapol", "tshark"],
  () => {
    let lab: Lab;
    let home: RadiusHome;
    let capture: RadiusCapture;
    let packets: readonly WirePacket[] = [];

    beforeAll(async () => {
      lab = new Lab();
      lab.namespace("lo");
      home = await startRadiusHome({
        ...{ lab, label: "lo", name: "freeradius", port: HOME_PORT },
        ...{ secret: HOME_SECRET, users: USERS },
      });
      lab.secretFile("client", CLIENT_SECRET);
      lab.secretFile("home", HOME_SECRET);
      capture = await RadiusCapture.start(lab, "lo", [RELAY_PORT, RELAY_PORT + 1, HOME_PORT]);
      const { program } = await Evpnd.start({ lab, label: "lo", address: "127.0.0.1", config });
      // The relay is up when its ports are: it is a thread of its own.
      await waitFor("the relay to listen", () => {
        program.mustRun();
        const open = readFileSync(`/proc/${String(program.pid)}/net/udp`, "utf8");
        return [RELAY_PORT, RELAY_PORT + 1].every((port) =>
          open.includes(`:${port.toString(16).toUpperCase().padStart(4, "0")} `),
        );
      });
    });
    afterAll(() => lab?.close());
    beforeEach(() => showLogsOnFailure(() => lab));

    const radclient = async (
      attributes: string,
      kind: "auth" | "acct" = "auth",
    ): Promise<string> => {
      const file = lab.writeFile("request", `${attributes}, ${STATIONS}\n`);
      const port = kind === "auth" ? RELAY_PORT : RELAY_PORT + 1;
      const words = ["-x", "-r", "1", "-t", "10", "-f", file];
      const line = ["radclient", ...words, `127.0.0.1:${port}`, kind, CLIENT_SECRET].join(" ");
      // It fails when it is rejected; what it says is what counts.
      return lab.run("lo", "sh", ["-c", `${line} 2>&1 || true`]);
    };
    const signed = (attributes: string) => radclient(`${attributes}, Message-Authenticator = 0x00`);

    const eapol = async (name: string, lines: readonly string[], keys = true): Promise<string> => {
      const text = ['ssid="corp"', "key_mgmt=IEEE8021X", "eapol_flags=0", ...lines].join("\n");
      const file = lab.writeFile(`${name}.conf`, `network={\n${text}\n}\n`);
      const line = [
        `eapol_test -c ${file} -p ${RELAY_PORT} -s ${CLIENT_SECRET} -r0 -t20`,
        `-M 02:aa:bb:cc:dd:01 -N 30:s:02-00-00-00-00-01:corp ${keys ? "" : "-n"}`,
      ];
      return lab.run("lo", "sh", ["-c", `${line.join(" ")} 2>&1 || true`]);
    };
    const bob = ['identity="bob"', `password="${PASSWORD}"`];
    const ca = () => `ca_cert="${home.certificates}/ca.pem"`;

    test("RAD-01, RAD-06: PAP, accepted and rejected", async () => {
      expect(await signed(`User-Name = bob, User-Password = "${PASSWORD}"`)).toContain(
        "Received Access-Accept",
      );
      expect(await signed("User-Name = bob, User-Password = wrong")).toContain(
        "Received Access-Reject",
      );
    });

    test("RAD-54: Tunnel-Password is hidden anew for the client, and vendor attributes arrive", async () => {
      const answer = await signed("User-Name = tunnel, User-Password = hello");
      expect(answer).toContain('Tunnel-Password:1 = "a tunnel\'s own secret"');
      expect(answer).toContain("ERX-Med-Port-Number = 4711");
    });

    test("RAD-70: CHAP stays valid, without a challenge and with one of its own", async () => {
      const words = `User-Name = bob, CHAP-Password = "${PASSWORD}"`;
      expect(await signed(words)).toContain("Received Access-Accept");
      const challenge = "CHAP-Challenge = 0x000102030405060708090a0b0c0d0e0f";
      expect(await signed(`${words}, ${challenge}`)).toContain("Received Access-Accept");
      expect(await signed("User-Name = bob, CHAP-Password = wrong")).toContain(
        "Received Access-Reject",
      );
    });

    test("RAD-10: accounting reaches the home server, and its answer the client", async () => {
      const words = "Acct-Status-Type = Start, Acct-Session-Id = one, User-Name = bob";
      expect(await radclient(words, "acct")).toContain("Received Accounting-Response");
    });

    test("RAD-03: EAP-MD5, accepted and rejected", async () => {
      expect(await eapol("md5", ["eap=MD5", ...bob], false)).toMatch(/^SUCCESS$/m);
      const wrong = ["eap=MD5", 'identity="bob"', 'password="wrong"'];
      expect(await eapol("md5-wrong", wrong, false)).toMatch(/^FAILURE$/m);
    });

    const KEYS_MATCH = /MPPE keys OK: 1\s+mismatch: 0/;
    test.each([
      ["PEAP-MSCHAPv2", ["eap=PEAP", 'phase2="auth=MSCHAPV2"']],
      ["TTLS-PAP", ["eap=TTLS", 'phase2="auth=PAP"']],
      ["TTLS-MSCHAPv2", ["eap=TTLS", 'phase2="auth=MSCHAPV2"']],
    ])("RAD-03, RAD-54: %s, and the PMK is the one of the MS-MPPE keys", async (name, lines) => {
      const text = await eapol(name, [...lines, ...bob, ca()]);
      expect(text).toMatch(KEYS_MATCH);
      expect(text).toMatch(/^SUCCESS$/m);
    });

    test("RAD-03, RAD-54, RAD-64: EAP-TLS in fragments, and the PMK is the one of the MS-MPPE keys", async () => {
      const own = join(home.certificates, "client");
      const keys = [`client_cert="${own}.pem"`, `private_key="${own}.key"`, ca()];
      const text = await eapol("tls", ["eap=TLS", 'identity="client.example"', ...keys]);
      expect(text).toMatch(KEYS_MATCH);
      expect(text).toMatch(/^SUCCESS$/m);
    });

    test("RAD-53: Proxy-States of the client come back in order, and ours does not", async () => {
      const states = "Proxy-State = 0x6161, Proxy-State = 0x6262";
      const text = await signed(`User-Name = bob, User-Password = "${PASSWORD}", ${states}`);
      const answer = text.slice(text.indexOf("Received"));
      const given = [...answer.matchAll(/Proxy-State = (\S+)/g)].map(([, value]) => value);
      expect(given).toEqual(["0x6161", "0x6262"]);
    });

    /** Requests of a hop in order, each with its answer. */
    const conversations = (port: number) => {
      const pairs: { request: WirePacket; answer: WirePacket }[] = [];
      const open = new Map<string, WirePacket>();
      for (const packet of packets) {
        const { from, to, identifier } = packet;
        if (to === port) open.set(`${from} ${identifier}`, packet);
        const request = open.get(`${to} ${identifier}`);
        if (from !== port || request === undefined) continue;
        pairs.push({ request, answer: packet });
        open.delete(`${to} ${identifier}`);
      }
      return pairs.filter(({ request }) => request.code === 1);
    };
    const hops = () => {
      const near = conversations(RELAY_PORT);
      const far = conversations(HOME_PORT);
      expect(far).toHaveLength(near.length);
      return near.map((client, index) => ({ client, server: far[index] ?? client }));
    };
    const isHidden = ({ type, value }: WireAttribute) =>
      type === USER_PASSWORD ||
      type === TUNNEL_PASSWORD ||
      (type === 26 && HIDDEN_VSA.has(value.toString("hex", 0, 5)));
    /** What must be the same on both hops; of hidden values only that they are there. */
    const lasting = (attributes: readonly WireAttribute[]) =>
      attributes
        .filter(({ type }) => type !== MESSAGE_AUTHENTICATOR)
        .map(
          (one) => `${one.type} ${isHidden(one) ? one.value.length : one.value.toString("hex")}`,
        );

    test("RAD-03: on the wire every attribute keeps its octets and its place, EAP and State included", async () => {
      packets = await capture.finish();
      const rounds = hops();
      expect(rounds.length).toBeGreaterThan(30);
      expect(rounds.some(({ client }) => client.answer.code === 11)).toBe(true);
      for (const { client, server } of rounds) {
        const asked = server.request.attributes.slice(0, -1);
        // RAD-70: the one attribute that the relay may add.
        const chap = client.request.attributes.some(({ type }) => type === 3);
        const sent = asked.filter(
          ({ type, value }) =>
            !(
              chap &&
              type === CHAP_CHALLENGE &&
              value.equals(client.request.bytes.subarray(4, 20))
            ),
        );
        expect(lasting(sent)).toEqual(lasting(client.request.attributes));
        // A server may put its signature behind the Proxy-States.
        const given = lasting(server.answer.attributes);
        expect(given.at(-1)).toMatch(/^33 /);
        expect(lasting(client.answer.attributes)).toEqual(given.slice(0, -1));
        expect(server.answer.code).toBe(client.answer.code);
      }
    });

    test("RAD-50, RAD-51, RAD-53: on the wire Message-Authenticator is first and fits, our Proxy-State is last and no two are alike", () => {
      const own = new Set<string>();
      for (const { client, server } of hops()) {
        expect(server.request.attributes[0]?.type).toBe(MESSAGE_AUTHENTICATOR);
        expect(isSigned(server.request, HOME_SECRET)).toBe(true);
        const last = server.request.attributes.at(-1);
        expect(last?.type).toBe(PROXY_STATE);
        expect(last?.value.length).toBeGreaterThanOrEqual(8);
        own.add(last?.value.toString("hex") ?? "");
        const back = server.answer.attributes.filter(({ type }) => type === PROXY_STATE);
        expect(back.at(-1)).toEqual(last);
        expect(client.answer.attributes[0]?.type).toBe(MESSAGE_AUTHENTICATOR);
        const field = client.request.bytes.subarray(4, 20);
        expect(isSigned(client.answer, CLIENT_SECRET, field)).toBe(true);
      }
      expect(own.size).toBe(hops().length);
    });

    test("RAD-54: on the wire a password is hidden with each hop's own secret", () => {
      const rounds = hops().filter(
        ({ client }) => passwordOf(client.request, CLIENT_SECRET) !== undefined,
      );
      expect(rounds.length).toBeGreaterThan(2);
      for (const { client, server } of rounds) {
        const password = passwordOf(client.request, CLIENT_SECRET);
        expect(passwordOf(server.request, HOME_SECRET)).toBe(password);
        expect(passwordOf(server.request, CLIENT_SECRET)).not.toBe(password);
      }
    });

    test("RAD-03, RAD-53: tshark finds every authenticator of both hops valid, and nothing malformed", async () => {
      for (const [port, secret] of [
        [RELAY_PORT, CLIENT_SECRET],
        [HOME_PORT, HOME_SECRET],
        [RELAY_PORT + 1, CLIENT_SECRET],
      ] as const) {
        const { valid, complaints } = await capture.judged(port, secret);
        expect(complaints).toBe("");
        expect(valid).toBeGreaterThan(0);
      }
    });
  },
);
