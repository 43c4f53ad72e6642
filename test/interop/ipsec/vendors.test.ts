/**
 * Renderings in front of the programs they are for: a real charon takes the golden swanctl.conf, iproute2 the
 * files of Linux. The kernel of a test machine may have no IPsec: then iproute2 has read a line when the kernel
 * is what refuses it.
 */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { IpsecModel } from "../../../src/ipsec/model/index.js";
import { modernPair, modernPolicy, render, shipped } from "../../ipsec/vendors/lib/orders.js";
import { command } from "../lib/command.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { StrongSwan } from "./lib/strongswan.js";

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

/** What iproute2 says when it has understood, and the kernel has not, or lacks the interface. */
const KERNEL =
  /RTNETLINK answers|Protocol not supported|Cannot open netlink|Unknown device type|Cannot find device|Operation not supported|Requested (type|\w+ algorithm) not found/;
