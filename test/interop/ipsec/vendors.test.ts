/**
 * Renderings in front of the programs they are for: a real charon takes the golden swanctl.conf, iproute2 the
 * files of Linux. The kernel of a test machine may have no IPsec: then iproute2 has read a line when the kernel
 * is what refuses it.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import type { IpsecModel } from "../../../src/ipsec/model/index.js";
import { renderGateway } from "../../../src/ipsec/vendors/index.js";
import {
  modernPair,
  modernPolicy,
  named,
  render,
  shipped,
} from "../../ipsec/vendors/lib/orders.js";
import { modelOf } from "../../ipsec/lib/sides.js";
import { command } from "../lib/command.js";
import { DIST, Evpnd } from "../lib/evpnd.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { StrongSwan } from "./lib/strongswan.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";

const MODELS: readonly (readonly [string, IpsecModel, string])[] = [
  ["ssg", shipped("ipsec-ssg.yaml"), "hq-ssg"],
  ["pix", shipped("ipsec-pix.yaml"), "pix"],
  ["modern", modernPair(), "dc1"],
  ["modern-policy", modernPolicy(), "dc1"],
];

describeInterop("renderings in front of real programs", ["strongswan", "nftables"], () => {
  let lab: Lab;
  let swan: StrongSwan;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("gw");
    swan = await StrongSwan.start({ lab, label: "gw" });
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test.each(MODELS)(
    "IPS-64, IPS-80: charon loads the swanctl.conf of the profile %s",
    async (profile, model, name) => {
      const { files } = render(model, name, "strongswan");
      const file = lab.writeFile(`${profile}.conf`, files[0]?.text ?? "");
      const uri = `unix://${swan.socket}`;
      const loaded = await command("swanctl", [
        "--load-all",
        "--clear",
        "--file",
        file,
        "--uri",
        uri,
      ]);
      expect(loaded).toMatch(/loaded ike secret/);
      expect(loaded).toMatch(/successfully loaded 1 connections, 0 unloaded|loaded connection/);
      const [tunnel] = model.tunnels;
      const listed = await command("swanctl", ["--list-conns", "--uri", uri]);
      expect(listed).toContain(tunnel?.name ?? "?");
      expect(listed).toContain(tunnel?.ike.version === 1 ? "IKEv1" : "IKEv2");
    },
  );

  test("IPS-90: the fail-closed routes of Linux are taken by the kernel, and hold", async () => {
    const { files } = render(modernPair(), "dc1", "linux");
    const text = files.find(({ name }) => name.endsWith("fail-closed.ip"))?.text ?? "";
    const file = lab.writeFile("fail-closed.ip", text);
    const inside = ["netns", "exec", lab.name("gw"), "ip"];
    await command("ip", [...inside, "-batch", file]);
    // Twice is as good as once.
    await command("ip", [...inside, "-batch", file]);
    const routes = await command("ip", [...inside, "route", "show"]);
    expect(routes).toMatch(/^unreachable 10\.2\.0\.0\/16 .*metric 4294967294/m);
  });

  test("IPS-80: iproute2 reads every line of policies and states; only the kernel may refuse", () => {
    const faults: string[] = [];
    for (const [, model, name] of MODELS) {
      for (const { name: file, text } of render(model, name, "linux").files) {
        if (!/policies|states|links/.test(file)) continue;
        for (const line of text.trim().split("\n")) {
          const words = line.replace(
            /<secret:[^>]*-(\d+)-bit[^>]*>/g,
            (_all, bits: string) => `0x${"ab".repeat(Number(bits) / 8)}`,
          );
          const list = words.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
          const { status, stderr } = spawnSync(
            "ip",
            ["netns", "exec", lab.name("gw"), "ip", ...list],
            { encoding: "utf8" },
          );
          if (status === 0 || KERNEL.test(stderr)) continue;
          faults.push(`${line}\n${stderr}`);
        }
      }
    }
    expect(faults).toEqual([]);
  });
});

/** Checks and renders only: no gateway of the file is this machine. */
describeInterop("evpnctl against an evpnd that drives no daemon", ["iproute2"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  const HTTP = 8179;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("ctl");
    const shippedText = readFileSync("conf/ipsec-ssg.yaml", "utf8");
    const config = shippedText
      .replace("/var/lib/evpnd", lab.makeDirectory("state"))
      .replace(/^as: .*$/m, 'as: 65000\nlisten: ["127.0.0.1:179"]');
    evpnd = await Evpnd.start({ lab, label: "ctl", address: "127.0.0.1", http: HTTP, config });
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  const evpnctl = (...words: string[]) =>
    lab.run("ctl", process.execPath, [join(DIST, "src", "cli", "main.js"), ...words]);

  test("IPS-27, IPS-86: an import stores its key, a rendering names it, nobody shows it", async () => {
    const fixture = "test/ipsec/fixtures/ssg-branch.printed.txt";
    const imported = await evpnctl(
      ...["ipsec", "import", "screenos", fixture, "--store-secrets", "--json"],
    );
    expect(JSON.parse(imported)).toMatchObject({
      gateway: "imported",
      secrets: [{ name: "To_HQ-VPN", stored: true }],
    });
    const rendered = await evpnctl("ipsec", "render", "branch-ssg");
    expect(rendered).toContain('preshare "<secret:hq-branch-7-key>"');
    expect(rendered).toContain('set vpn "To_HQ-VPN" id 1 bind interface tunnel.1');
    const secrets = await evpnctl("ipsec", "secrets", "list");
    expect(secrets).toContain("To_HQ-VPN");
    const everything = imported + rendered + secrets + lab.logs() + evpnd.program.tail();
    expect(everything).not.toContain("MySecretKey");
  });
});

const PROFILES = ["modern", "ssg", "pix"] as const;
const KEY = canary("both texts");

/** Nobody drives these daemons: all they know is the text, with the key in place of its placeholder. */
describeInterop("two daemons from the two texts of one definition", ["strongswan", "ping"], () => {
  let lab: Lab;
  let net: TunnelNet;
  let east: Site;
  const wests: Site[] = [];

  beforeAll(async () => {
    lab = new Lab();
    net = new TunnelNet(lab);
    const sites = await Promise.all([
      net.site({
        name: "texte",
        outside: PROFILES.map((_, index) => `192.0.${String(2 + index)}.1`),
        networks: PROFILES.map((_, index) => `10.1.${String(index + 1)}.0/24`),
      }),
      ...PROFILES.map((profile, index) =>
        net.site({
          name: `t${profile}`,
          outside: [`203.0.${String(113 + index)}.1`],
          networks: [`10.2.${String(index + 1)}.0/24`],
        }),
      ),
    ]);
    east = sites[0];
    wests.push(...sites.slice(1));
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  async function load(site: Site, text: string): Promise<void> {
    const file = lab.writeFile(`${site.name}.conf`, text.replace(/<secret:[^>]*>/g, KEY));
    const uri = `unix://${site.swan?.socket ?? ""}`;
    // Without --clear: the hub has a text for each of its tunnels.
    await lab.run(site.name, "swanctl", ["--load-all", "--noprompt", "--file", file, "--uri", uri]);
  }

  test.each(PROFILES.map((profile, index) => [profile, index] as const))(
    "IPS-04, IPS-64: the tunnel of the profile %s comes up and carries pings both ways",
    async (profile, index) => {
      const west = wests[index];
      if (west === undefined) throw new Error("no site");
      const plain = modelOf({
        name: `text-${profile}`,
        profile,
        addresses: [`192.0.${String(2 + index)}.1`, `203.0.${String(113 + index)}.1`],
        networks: [[`10.1.${String(index + 1)}.0/24`], [`10.2.${String(index + 1)}.0/24`]],
      });
      const [tunnel] = plain.tunnels;
      if (tunnel === undefined) throw new Error("no tunnel");
      // Userland ESP has no extended sequence numbers.
      const proposals = tunnel.child.proposals.map((one) => ({ ...one, esn: false }));
      const child = { ...tunnel.child, proposals };
      const model = { ...plain, tunnels: [{ ...tunnel, child }] };
      for (const [site, { gateway }] of [
        [west, tunnel.ends[1]],
        [east, tunnel.ends[0]],
      ] as const) {
        const { files } = renderGateway(model, named(model, gateway), {
          fingerprint: () => undefined,
        });
        await load(site, files[0]?.text ?? "");
      }
      await waitFor(`the tunnel of ${profile}`, async () => {
        return (await net.ping(east, west, { count: 1, fromIndex: index })) === 1;
      });
      expect(await net.ping(east, west, { count: 5, fromIndex: index })).toBe(5);
      expect(await net.ping(west, east, { count: 5, toIndex: index })).toBe(5);
      const uri = `unix://${west.swan?.socket ?? ""}`;
      const sas = await lab.run(west.name, "swanctl", ["--list-sas", "--uri", uri]);
      expect(sas).toMatch(/INSTALLED/);
      expect(sas).toMatch(SUITES[profile]);
      // The router would carry them in clear, too: they count only where the SA counted them.
      const counts = [...sas.matchAll(/^ *(?:in|out) .*?(\d+) packets/gm)].map((found) =>
        Number(found[1]),
      );
      expect(counts).toHaveLength(2);
      for (const count of counts) expect(count).toBeGreaterThanOrEqual(10);
    },
  );
});

/** As charon writes what was negotiated in phase 1. */
const SUITES: Readonly<Record<(typeof PROFILES)[number], RegExp>> = {
  modern: /AES_GCM_16-256\/PRF_HMAC_SHA2_384\/CURVE_25519/,
  ssg: /AES_CBC-128\/HMAC_SHA1_96\/PRF_HMAC_SHA1\/MODP_1024/,
  pix: /3DES_CBC\/HMAC_MD5_96\/PRF_HMAC_MD5\/MODP_1024/,
};

/** What iproute2 says when it has understood, and the kernel has not, or lacks the interface. */
const KERNEL =
  /RTNETLINK answers|Protocol not supported|Cannot open netlink|Unknown device type|Cannot find device|Operation not supported|Requested (type|\w+ algorithm) not found/;
