import { expect, test } from "vitest";
import { planOf } from "../../../src/ipsec/live/index.js";
import { PROFILES, type Tunnel } from "../../../src/ipsec/model/index.js";
import type { ViciSection } from "../../../src/ipsec/vici/index.js";
import { sideFor } from "../lib/sides.js";

function childOf(section: ViciSection, name: string): ViciSection {
  return (section["children"] as Record<string, ViciSection>)[name]!;
}

test("IPS-80: the modern profile as the daemon takes it", () => {
  const { section, connection } = planOf(sideFor());
  expect(section).toMatchObject({
    version: "2",
    local_addrs: ["192.0.2.1"],
    remote_addrs: ["192.0.2.2"],
    proposals: ["aes256gcm16-prfsha384-curve25519", "aes256gcm16-prfsha384-ecp384"],
    local: { auth: "psk", id: "192.0.2.1" },
    remote: { auth: "psk", id: "192.0.2.2" },
  });
  expect(childOf(section, connection)).toMatchObject({
    esp_proposals: ["aes256gcm16-curve25519-esn", "aes256gcm16-ecp384-esn"],
    replay_window: "1024",
    life_time: "3600s",
    rekey_time: "3240s",
    life_bytes: "67108864000",
    mode: "tunnel",
    start_action: "none",
  });
});

test("IPS-11, IPS-15: the SSG pair's proposals", () => {
  const { section, connection } = planOf(sideFor({ profile: "ssg" }));
  expect(section).toMatchObject({
    version: "1",
    aggressive: "no",
    proposals: ["aes128-sha1-modp1024"],
  });
  expect(childOf(section, connection)).toMatchObject({
    esp_proposals: ["aes128-sha1-modp1024"],
    replay_window: "0",
  });
});

test("IPS-46, IPS-49, IPS-50: the PIX pair's, with lifetimes that add up to what the peer is told", () => {
  const { section, connection } = planOf(sideFor({ profile: "pix" }));
  expect(section).toMatchObject({
    version: "1",
    proposals: ["3des-md5-modp1024"],
    reauth_time: "77760s",
    over_time: "8640s",
  });
  expect(childOf(section, connection)).toMatchObject({
    esp_proposals: ["3des-md5"],
    life_time: "28800s",
    life_bytes: "4608000000",
  });
});

test("IPS-52: one child for each pair of subnets", () => {
  const plan = planOf(sideFor({ networks: [["10.1.0.0/24", "10.1.1.0/24"], ["10.2.0.0/24"]] }));
  expect(plan.children).toMatchObject([
    {
      name: "evpnd-east-west-1",
      localSelector: "10.1.0.0/24",
      remoteSelector: "10.2.0.0/24",
    },
    {
      name: "evpnd-east-west-2",
      localSelector: "10.1.1.0/24",
      remoteSelector: "10.2.0.0/24",
    },
  ]);
});

test("selectors with protocol and ports, and ranges", () => {
  const selectors = [
    {
      local: "10.1.0.0/24",
      remote: "10.2.0.5..10.2.0.9",
      protocol: 6,
      localPort: 0,
      remotePort: 80,
    },
  ];
  const { children } = planOf(sideFor({ more: { selectors } }));
  expect(children[0]).toMatchObject({
    localSelector: "10.1.0.0/24[6]",
    remoteSelector: "10.2.0.5-10.2.0.9[6/80]",
  });
});

test("IPS-40: start modes: on traffic a trap, at once and respond nothing by itself", () => {
  const actions = (["trap", "start", "respond"] as const).map((start) => {
    const side = { ...sideFor(), start };
    const { section, connection } = planOf(side);
    return childOf(section, connection)["start_action"];
  });
  expect(actions).toEqual(["trap", "none", "none"]);
});

test("IPS-85: dead peers, MOBIKE, childless", () => {
  const ike = {
    ...PROFILES["modern"]!.ike,
    mobike: true,
    childless: true,
    detection: { kind: "dpd", delaySeconds: 7, timeoutSeconds: 30, action: "restart" },
  } satisfies Tunnel["ike"];
  const { section, connection } = planOf(sideFor({ more: { ike } }));
  expect(section).toMatchObject({
    mobike: "yes",
    childless: "prefer",
    dpd_delay: "7s",
    dpd_timeout: "30s",
  });
  expect(childOf(section, connection)["dpd_action"]).toBe("restart");
});

test("IPS-17: transport mode", () => {
  const child = { ...PROFILES["modern"]!.child, mode: "transport" as const };
  const { section, connection } = planOf(sideFor({ more: { child } }));
  expect(childOf(section, connection)["mode"]).toBe("transport");
});

test("IPS-82: a post-quantum key is a secret of its own, and said to be needed", () => {
  const authentication: Tunnel["authentication"] = {
    kind: "psk",
    secret: "key",
    scope: { kind: "peer" },
    ppk: { id: "ppk-1", secret: "quantum", required: true },
  };
  const plan = planOf(sideFor({ more: { authentication } }));
  expect(plan.section).toMatchObject({ ppk_id: "ppk-1", ppk_required: "yes" });
  expect(plan.secrets).toEqual([
    { secret: "key", type: "IKE", owners: ["192.0.2.1", "192.0.2.2"] },
    { secret: "quantum", type: "PPK", owners: ["ppk-1"] },
  ]);
});

test("IPS-94: IPv6, outside and inside", () => {
  const side = sideFor({
    addresses: ["2001:db8::1", "2001:db8::2"],
    networks: [["2001:db8:1::/48"], ["2001:db8:2::/48"]],
  });
  const { section, connection, protects } = planOf(side);
  expect(section).toMatchObject({ local_addrs: ["2001:db8::1"], remote_addrs: ["2001:db8::2"] });
  expect(childOf(section, connection)).toMatchObject({
    local_ts: ["2001:db8:1::/48"],
    remote_ts: ["2001:db8:2::/48"],
  });
  expect(protects).toEqual(["2001:db8:2::/48"]);
});

test("IPS-09: a peer that comes from anywhere is known by its id", () => {
  const side = sideFor();
  const remote = { ...side.remote, reach: { kind: "dynamic", peerId: "branch.example" } as const };
  const identity = { kind: "fqdn", value: "branch.example" } as const;
  const { section } = planOf({ ...side, remote: { ...remote, identity } });
  expect(section).toMatchObject({ remote_addrs: ["%any"], remote: { id: "fqdn:branch.example" } });
});

test("IPS-04: each side's plan is the other's mirror, and one of the two begins", () => {
  const [east, west] = [planOf(sideFor({}, 0)), planOf(sideFor({}, 1))];
  expect(west.section["local_addrs"]).toEqual(east.section["remote_addrs"]);
  expect(west.children[0]?.localSelector).toBe(east.children[0]?.remoteSelector);
  expect(east.begins).toBe(true);
  expect(west.begins).toBe(false);
  expect(east.digest).not.toBe(west.digest);
  expect(planOf(sideFor()).digest).toBe(east.digest);
});
