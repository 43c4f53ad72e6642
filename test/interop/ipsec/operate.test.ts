/**
 * What an operator sees and does, with a whole evpnd at each end of two tunnels: the modern profile and the one of
 * the two ScreenOS gateways. The near evpnd also reflects EVPN for a PE behind the far end: its alarm, the MACs at
 * risk, and its routes when the tunnel goes. At the end everything that was written or answered is searched for
 * the keys.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CANARY_MARK } from "../../lib/canary.js";
import { decodeIke } from "../../../src/ipsec/isakmp/index.js";
import { SecretStore } from "../../../src/ipsec/secrets/index.js";
import { systemClock } from "../../../src/util/clock.js";
import { silentLog } from "../../../src/util/log.js";
import { command } from "../lib/command.js";
import { Dumpcap } from "../lib/dumpcap.js";
import { DIST, Evpnd } from "../lib/evpnd.js";
import { Frr, frrClient } from "../lib/frr.js";
import { Lab } from "../lib/lab.js";
import { PlayedPe } from "../lib/played-pe.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";

const HTTP = 8179;
/** With characters that every form of escaping changes. */
const KEYS = {
  "new-key": `${CANARY_MARK} "new" 7d1f/4c+92\\key & 0123456789`,
  "old-key": `${CANARY_MARK} <old> 55aa'ee+31%key = 9876543210`,
} as const;
const MACS = ["525400000001", "525400000002", "525400000003"];

type Json = Record<string, unknown>;

describeInterop(
  "tunnels under an operator's hand",
  ["ping", "tshark", "strongswan", "nftables", "frr"],
  () => {
    let lab: Lab;
    let net: TunnelNet;
    let hq: Site;
    let branch: Site;
    let near: Evpnd;
    let nearFile: string;
    let far: Evpnd;
    let capture: Dumpcap;
    let remote: PlayedPe;
    let listener: PlayedPe;
    /** Everything that was answered. */
    const said: string[] = [];

    const config = (local: "hq" | "br", socket: string): string => `
as: 65000
router-id: ${local === "hq" ? "10.30.1.1" : "10.77.1.1"}
listen: ["${local === "hq" ? "10.30.1.1" : "10.77.1.1"}:179"]
dynamic-peers: [{prefix: 10.0.0.0/8}]
http: {listen: "127.0.0.1:${String(HTTP)}"}
fib: {enabled: true}
log: {level: debug}
restart: {state-dir: ${join(lab.directory, `state-${local}`)}}
ipsec:
  local: ${local}
  install: automatic
  vici-socket: ${socket}
  secrets: {file: ${join(lab.directory, `secrets-${local}`)}}
  fabric: {when-down: hold, hold-down: 2}
  sites:
    - name: hq
      gateways:
        - name: hq
          vendor: strongswan
          address: 198.51.100.1
          interfaces: [{name: out, zone: Untrust, addresses: [198.51.100.1/24]}]
        - name: hq-old
          vendor: strongswan
          address: 198.51.100.2
          interfaces: [{name: out, zone: Untrust, addresses: [198.51.100.2/24]}]
    - name: br
      gateways:
        - name: br
          vendor: strongswan
          address: 203.0.113.1
          interfaces: [{name: out, zone: Untrust, addresses: [203.0.113.1/24]}]
  tunnels:
    - name: new
      kind: policy-based
      psk: new-key
      esp: {proposals: [aes256gcm16-curve25519]}
      path-mtu: 1450
      ends:
        - gateway: hq
          interface: out
          networks: [10.30.1.0/24]
          start: start
          monitor: {source: 10.30.1.1, destination: 10.77.1.10, interval: 2, threshold: 2}
        - {gateway: br, interface: out, networks: [10.77.1.0/24], vteps: [10.77.1.0/24], start: respond}
`;

    /** Answer of the near evpnd's API. */
    async function ask(method: string, path: string, body?: object, of = near): Promise<Json> {
      const answer = await of.request(method, path, body);
      said.push(answer.body);
      if (answer.status !== 200)
        throw new Error(`${path}: ${String(answer.status)} ${answer.body}`);
      return JSON.parse(answer.body) as Json;
    }

    async function evpnctl(...words: string[]): Promise<string> {
      const script = join(DIST, "src", "cli", "main.js");
      const url = `http://127.0.0.1:${String(HTTP)}`;
      const out = await lab.run("hq", process.execPath, [script, "ipsec", ...words, "--url", url]);
      said.push(out);
      return out;
    }

    const rows = (answer: Json, name: string): Json[] => answer[name] as Json[];

    async function stateOf(tunnel: string): Promise<string> {
      const list = rows(await ask("GET", "/v1/ipsec/tunnels"), "tunnels");
      return String(list.find((one) => one["tunnel"] === tunnel)?.["state"]);
    }

    async function waitState(tunnel: string, state: string): Promise<void> {
      await waitFor(`${tunnel} to be ${state}`, async () => {
        const now = await stateOf(tunnel);
        if (now !== state) throw new Error(now);
        return true;
      });
    }

    beforeAll(async () => {
      lab = new Lab();
      net = new TunnelNet(lab);
      for (const end of ["hq", "br"]) lab.makeDirectory(`state-${end}`);
      [hq, branch] = await Promise.all([
        net.site({ name: "hq", outside: ["198.51.100.1"], networks: ["10.30.1.0/24"] }),
        net.site({ name: "br", outside: ["203.0.113.1"], networks: ["10.77.1.0/24"] }),
      ]);
      for (const end of ["hq", "br"]) {
        const store = await SecretStore.open({
          settings: {
            file: lab.mayHoldSecrets(join(lab.directory, `secrets-${end}`)),
            keyFile: undefined,
          },
          users: () => [],
          clock: systemClock,
          log: silentLog,
        });
        for (const [name, value] of Object.entries(KEYS)) {
          await store.set({ name, kind: "psk", value, actor: "test" });
        }
      }
      capture = await Dumpcap.start(lab, {
        ...{ label: net.router, interface: "any", filter: "udp port 500 or udp port 4500" },
        file: join(lab.directory, "ike.pcap"),
      });
      const start = (site: Site, address: string): Promise<Evpnd> => {
        const text = config(site.name as "hq" | "br", site.swan!.socket);
        const path = lab.writeFile(`evpnd-${site.name}.yaml`, text);
        if (site === hq) nearFile = path;
        return Evpnd.start({
          lab,
          label: site.name,
          name: `evpnd-${site.name}`,
          address,
          http: HTTP,
          config: "",
          extra: ["--config", path],
        });
      };
      far = await start(branch, "10.77.1.1");
      near = await start(hq, "10.30.1.1");
    }, 60_000);
    afterAll(() => lab.close());
    beforeEach(() => {
      showLogsOnFailure(() => lab);
    });

    test("IPS-41: both outside addresses are reached, and it is told", async () => {
      const { rows: found } = (await ask("POST", "/v1/ipsec/reach", {})) as { rows: Json[] };
      expect(found.map((row) => [row["side"], row["address"], row["reachable"]])).toEqual([
        ["local", "198.51.100.1", true],
        ["remote", "203.0.113.1", true],
      ]);
    });

    test("IPS-21: the tunnel is up, and its monitor answered", { timeout: 60_000 }, async () => {
      await waitState("new", "up");
      await waitFor("the monitor", async () => {
        const [one] = rows(await ask("GET", "/v1/ipsec/tunnels"), "tunnels");
        return one?.["monitor"] === "up" && one["reason"] === "SA up, and the monitor is answered";
      });
      expect(await evpnctl("status")).toContain("new (hq to br): works");
    });

    describe("views of a real SA", () => {
      test("IPS-31: sa", async () => {
        const { total, rows: list } = (await ask("GET", "/v1/ipsec/sa?active=true")) as {
          total: number;
          rows: Json[];
        };
        expect(total).toBe(1);
        expect(list.map((row) => [row["direction"], row["algorithm"], row["state"]])).toEqual([
          ["in", "esp:a256-gcm/none", "A/U"],
          ["out", "esp:a256-gcm/none", "A/U"],
        ]);
        expect(list[0]?.["spi"]).toMatch(/^[0-9a-f]{8}$/);
      });

      test("IPS-32: cookies", async () => {
        const { active, rows: list } = (await ask("GET", "/v1/ipsec/cookies")) as {
          active: number;
          rows: Json[];
        };
        expect(active).toBe(1);
        expect(list[0]).toMatchObject({
          method: "PRESHR/grp31/A256-GCM/SHA384".replace("A256", "AES256"),
          role: "initiator",
          exchange: 34,
        });
      });

      test("IPS-56, IPS-57: isakmp and crypto", async () => {
        const [phase1] = rows(await ask("GET", "/v1/ipsec/isakmp"), "rows");
        expect(phase1).toMatchObject({ state: "READY", created: 1 });
        const [phase2] = rows(await ask("GET", "/v1/ipsec/crypto?tunnel=new"), "rows");
        expect(phase2).toMatchObject({
          localIdent: "10.30.1.0/255.255.255.0/0/0",
          remoteIdent: "10.77.1.0/255.255.255.0/0/0",
        });
        expect(await evpnctl("crypto")).toContain("replay detection support: Y");
      });
    });

    test("IPS-58: 19 pings: what one end encapsulated the other decapsulated, told at both ends", async () => {
      const counters = async (): Promise<[number, number]> => {
        const [row] = rows(await ask("GET", "/v1/ipsec/crypto?tunnel=new", undefined, far), "rows");
        return [Number(row?.["encaps"]), Number(row?.["decaps"])];
      };
      const before = await counters();
      const order = { tunnel: "new", source: "10.30.1.1", destination: "10.77.1.1", count: 19 };
      const answer = await ask("POST", "/v1/ipsec/ping", order);
      const after = await counters();
      expect(answer).toMatchObject({
        sent: 19,
        received: 19,
        text: "all answered, through the tunnel",
      });
      const { encaps, decaps } = answer["counters"] as { encaps: number; decaps: number };
      // The monitor's own probes pass beside them.
      expect(encaps).toBeGreaterThanOrEqual(19);
      expect(decaps).toBeGreaterThanOrEqual(19);
      expect(after[0] - before[0]).toBeGreaterThanOrEqual(19);
      expect(after[1] - before[1]).toBeGreaterThanOrEqual(19);
    });

    test(
      "IPS-33, IPS-34: a trace of a negotiation from the beginning",
      { timeout: 60_000 },
      async () => {
        await ask("POST", "/v1/ipsec/trace", { tunnel: "new", action: "on", seconds: 60 });
        const cookies = async (): Promise<string> =>
          String(rows(await ask("GET", "/v1/ipsec/cookies"), "rows")[0]?.["cookies"]);
        const before = await cookies();
        await ask("POST", "/v1/ipsec/control", { tunnel: "new", action: "clear" });
        await waitFor("new cookies", async () => (await cookies()) !== before);
        await waitState("new", "up");
        let steps: Json[] = [];
        await waitFor("the trace", async () => {
          steps = rows(await ask("GET", "/v1/ipsec/trace?tunnel=new"), "steps");
          return steps.some((step) => String(step["text"]).startsWith("Phase 2: completed"));
        });
        const messages = steps.flatMap((step): Json[] => {
          const message = step["message"] as Json | undefined;
          return message === undefined ? [] : [message];
        });
        const inits = messages.filter((one) => one["exchange"] === "IKE_SA_INIT");
        expect(inits.map((one) => [one["direction"], one["encrypted"]])).toContainEqual([
          "out",
          false,
        ]);
        expect((inits[0]?.["payloads"] as string[] | undefined)?.slice(0, 3)).toEqual([
          "SA",
          "KE",
          "NONCE",
        ]);
        expect(messages.find((one) => one["exchange"] === "IKE_AUTH")).toMatchObject({
          encrypted: true,
        });
        expect(await evpnctl("trace", "show", "new")).toContain("[SA] [KE] [NONCE]");
        expect(
          rows(await ask("POST", "/v1/ipsec/trace", { tunnel: "new", action: "clear" }), "steps"),
        ).toEqual([]);
      },
    );

    test("IPS-63: the event log has keys, the first packet and the operator's word", async () => {
      const events = rows(await ask("GET", "/v1/ipsec/events?tunnel=new"), "events");
      const told = events.map((event) => `${String(event["action"])}: ${String(event["info"])}`);
      expect(told).toContain("key install: IKE_SA_INIT and IKE_AUTH completion");
      expect(
        told.some((line) =>
          line.startsWith("key install: CHILD_SA completion; subnet ids 10.30.1.0/24"),
        ),
      ).toBe(true);
      expect(told).toContain("decrypt: first packets of the peer decrypted");
      expect(told.some((line) => line.includes("both phases begin anew"))).toBe(true);
    });

    describe("with the fabric", () => {
      test(
        "a PE behind the tunnel is reflected, and what hangs on the tunnel is counted",
        { timeout: 60_000 },
        async () => {
          remote = await PlayedPe.up(lab, branch.host, "10.77.1.10", "10.30.1.1");
          listener = await PlayedPe.up(lab, hq.host, "10.30.1.10", "10.30.1.1");
          remote.macs(MACS.map((mac) => ({ vni: 100, mac })));
          await waitFor("the routes", () => listener.speaker.table.size === MACS.length);
          await waitFor("the count", async () => {
            const [one] = rows(await ask("GET", "/v1/ipsec/vteps"), "tunnels");
            return one?.["macsAtRisk"] === MACS.length && one["carries"] === true;
          });
          const report = await ask("GET", "/v1/what-if?tunnel=new");
          expect((report["macs"] as Json)["dark"]).toBe(MACS.length);
          expect((await evpnctl("risk", "new")).match(/52:54:00/g)).toHaveLength(MACS.length);
        },
      );

      test(
        "IPS-96: up but passes nothing: found, named, routes held; over when it passes again",
        { timeout: 60_000 },
        async () => {
          // ESP in UDP has no four zeros in front: IKE still passes.
          const drop = "udp dport 4500 @th,64,32 != 0 drop";
          const chain = `chain c { type filter hook prerouting priority -300; ${drop}; }`;
          lab.runSync(net.router, "nft", [`table ip lossy { ${chain}; }`]);
          await waitState("new", "unverified");
          const [fault] = rows(await ask("GET", "/v1/ipsec/faults?tunnel=new"), "faults");
          expect(fault).toMatchObject({ code: "passes-nothing", certain: true });
          expect(String(fault?.["text"])).toContain("packets go in and none comes out");
          await waitFor("the routes to go", () => listener.speaker.table.size === 0);
          expect(await evpnctl("status")).toContain("not sure whether it works");
          lab.runSync(net.router, "nft", ["delete table ip lossy"]);
          await waitState("new", "up");
          await waitFor("the routes", () => listener.speaker.table.size === MACS.length);
        },
      );

      test(
        "the tunnel goes down: routes are held, alarm with the MACs at risk",
        { timeout: 60_000 },
        async () => {
          await branch.swan!.kill();
          await waitFor("the routes to go", () => listener.speaker.table.size === 0);
          await waitFor("the alarm", async () => {
            const events = rows(await ask("GET", "/v1/ipsec/events?tunnel=new"), "events");
            return events.some(
              (event) =>
                event["type"] === "alert" &&
                String(event["info"]).startsWith("3 MACs and 3 routes of 1 VTEP"),
            );
          });
          const held = rows(
            await ask("GET", "/v1/routes?table=received&type=2&peer=10.77.1.10"),
            "routes",
          );
          expect(JSON.stringify(held)).toContain("tunnel new is");
          await near.program.says("MACs behind it are at risk");
          const [one] = rows(await ask("GET", "/v1/ipsec/vteps"), "tunnels");
          expect(one).toMatchObject({ carries: false, macsAtRisk: MACS.length });
        },
      );

      test("it comes back without hands, and its routes with it", { timeout: 90_000 }, async () => {
        await branch.swan!.start();
        await waitState("new", "up");
        // Whether its session outlived the outage is TCP's matter: either way its routes are back.
        await waitFor(
          "the routes",
          async () => {
            if (listener.speaker.table.size === MACS.length) return true;
            const { body } = await near.request("GET", "/v1/peers/10.77.1.10");
            if (body.includes("Established")) return false;
            remote = await PlayedPe.up(lab, branch.host, "10.77.1.10", "10.30.1.1");
            remote.macs(MACS.map((mac) => ({ vni: 100, mac })));
            return false;
          },
          { every: 500 },
        );
      });
    });

    describe("routes that are made the last choice", () => {
      const FRR_ADDRESS = "10.30.1.9";
      let frr: Frr;

      /** LOCAL_PREF of the remote PE's routes, as FRR has them. */
      async function preferences(): Promise<number[]> {
        const table = await frr.json<Record<string, unknown>>("show bgp l2vpn evpn");
        const found = JSON.stringify(table).matchAll(/"locPrf":(\d+)/g);
        return [...found].map((match) => Number(match[1]));
      }

      test(
        "IPS-03: the tunnel goes down: FRR has the routes behind it with the lowest preference, and as before when it is back",
        { timeout: 90_000 },
        async () => {
          lab.ip("hq", [`addr add ${FRR_ADDRESS}/32 dev lo`]);
          const text = config("hq", hq.swan!.socket);
          writeFileSync(nearFile, text.replace("when-down: hold", "when-down: depreference"));
          near.program.signal("SIGHUP");
          await waitFor("the reload", () => near.program.log().includes("depreference"));
          frr = await Frr.start({
            ...{ lab, label: "hq", name: "frr-client", address: FRR_ADDRESS },
            config: frrClient({ address: FRR_ADDRESS, reflectors: ["10.30.1.1"] }),
          });
          await frr.waitEstablished("10.30.1.1");
          await waitFor("the routes", async () => (await preferences()).length === MACS.length);
          const before = await preferences();
          expect(Math.min(...before)).toBeGreaterThan(0);
          await ask("POST", "/v1/ipsec/control", { tunnel: "new", action: "terminate" });
          await waitFor("the last choice", async () => {
            const now = await preferences();
            return now.length === MACS.length && now.every((value) => value === 0);
          });
          await ask("POST", "/v1/ipsec/control", { tunnel: "new", action: "initiate" });
          await waitFor(
            "what they were",
            async () => (await preferences()).join() === before.join(),
          );
        },
      );
    });

    test(
      "IPS-60: what was on the wire is decoded as tshark does",
      { timeout: 60_000 },
      async () => {
        await capture.stop();
        const text = await command("tshark", [
          "-r",
          capture.file,
          "-Y",
          "isakmp",
          "-T",
          "fields",
          "-e",
          "isakmp.ispi",
          "-e",
          "isakmp.exchangetype",
          "-e",
          "isakmp.messageid",
          "-e",
          "udp.payload",
          "-e",
          "isakmp.tf.id.encr",
          "-e",
          "isakmp.key_exchange.dh_group",
        ]);
        const lines = text.split("\n").filter((line) => line !== "");
        expect(lines.length).toBeGreaterThan(10);
        for (const line of lines) {
          const [spi = "", exchange = "", id = "", payload = "", ciphers = "", groups = ""] =
            line.split("\t");
          const decoded = decodeIke(
            Uint8Array.from(Buffer.from(payload.replaceAll(":", ""), "hex")),
          );
          expect(decoded).toMatchObject({
            initiatorSpi: spi.split(",")[0]!.replaceAll(":", ""),
            messageId: Number(id.split(",")[0]),
            problems: [],
          });
          if (exchange !== "34") continue;
          expect(decoded?.exchange).toBe("IKE_SA_INIT");
          const words = JSON.stringify(decoded?.payloads);
          if (ciphers.split(",").includes("20")) expect(words).toContain("AES_GCM_16 256");
          if (groups.split(",").includes("31")) expect(words).toContain("curve25519");
        }
      },
    );

    test("IPS-86: the keys are in nothing that was written, logged, traced or answered", async () => {
      said.push((await near.request("GET", "/v1/configuration")).body);
      said.push(
        (await near.request("GET", "/v1/ipsec/secrets")).body,
        (await near.request("GET", "/metrics")).body,
      );
      said.push(
        (await near.request("GET", "/v1/ipsec/policy")).body,
        (await near.request("GET", "/v1/ipsec/diff")).body,
      );
      const written = filesIn(lab.directory).filter((path) => !/secrets-(?:hq|br)/.test(path));
      expect(written.length).toBeGreaterThan(5);
      const texts = [
        ...said,
        lab.logs(),
        ...written.map((path) => readFileSync(path).toString("latin1")),
      ];
      const everything = texts.join("\n").toLowerCase();
      // The proof that the search would find them: they are where they belong.
      const kept = readFileSync(join(lab.directory, "secrets-hq")).toString("latin1").toLowerCase();
      expect(formsOf(KEYS["new-key"]).some((form) => kept.includes(form))).toBe(true);
      for (const key of Object.values(KEYS)) {
        for (const form of formsOf(key)) expect(everything.includes(form) ? form : "").toBe("");
      }
    });
  },
);

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A key as it might be written, in lower case: as it is, hex, base64 at each offset, escaped for JSON, URLs and XML. */
function formsOf(key: string): string[] {
  const bytes = Buffer.from(key);
  const hex = bytes.toString("hex");
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(offset === 0 ? 0 : 4, -4),
  );
  const xml = key.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const forms = [
    key,
    hex,
    hex.replaceAll(/(..)(?!$)/g, "$1:"),
    hex.replaceAll(/(..)(?!$)/g, "$1 "),
    ...base64,
    JSON.stringify(key).slice(1, -1),
    JSON.stringify(JSON.stringify(key)).slice(3, -3),
    encodeURIComponent(key),
    encodeURIComponent(key).replaceAll("%20", "+"),
    xml,
  ];
  return [...new Set(forms.map((form) => form.toLowerCase()))];
}
