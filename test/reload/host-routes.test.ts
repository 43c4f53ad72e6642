/** Host routes come, change and go with a reload, and a peer holds what a fresh start would give it. */
import { expect, test } from "vitest";
import { Rig } from "./lib/rig.js";
import { NAMED, role } from "./lib/roles.js";

const ROLES = [role(11, NAMED[0], 65000), role(12, NAMED[1], 65000)];

const domain = (name: string, target: number, hostRoutes: string): string =>
  `    - {name: ${name}, route-targets: ["65000:${String(target)}"]${hostRoutes}}\n`;
const TYPE_5 = `, host-routes: {announce: type-5, rd: "65000:5000", route-targets: ["65000:5000"], l3-vni: 5000}`;

function file(...domains: readonly string[]): string {
  const peers = ROLES.map(({ address }) => `  - {address: ${address}, passive: true}\n`).join("");
  return `as: 65000
router-id: 10.0.0.254
listen: ["10.0.0.254:179"]
http: {listen: off}
peer-groups: {}
peers:
${peers.replaceAll("passive: true", "passive: true, families: [l2vpn-evpn, ipv4-unicast]")}fib:
  enabled: ${String(domains.length > 0)}
${domains.length === 0 ? "" : `  domains:\n${domains.join("")}`}`;
}

/** What the first peer holds of ours: /32 in unicast, and type 5 of the VRF. */
function held(rig: Rig): { unicast: number; vrf: number } {
  const lines = [...rig.holders.get(NAMED[0])!.held];
  const unicast = lines.filter(([, text]) => /^20[0-9a-f]{8} via/.test(text));
  const vrf = lines.filter(([, text]) => text.startsWith("05220000fde800001388"));
  return { unicast: unicast.length, vrf: vrf.length };
}

test("host routes follow the configuration", { timeout: 60_000 }, async () => {
  const none = file(domain("red", 100, ""), domain("blue", 200, ""));
  const rig = new Rig(none, ROLES);
  expect(held(rig)).toEqual({ unicast: 0, vrf: 0 });
  await rig.reload(file(domain("red", 100, ", host-routes: unicast"), domain("blue", 200, "")));
  const { unicast, vrf } = held(rig);
  expect([unicast > 1, vrf]).toEqual([true, 0]);
  await rig.reload(file(domain("red", 100, ", host-routes: unicast"), domain("blue", 200, TYPE_5)));
  expect(held(rig).unicast).toBe(unicast);
  expect(held(rig).vrf).toBeGreaterThan(0);
  await rig.reload(file(domain("red", 100, TYPE_5), domain("blue", 200, "")));
  expect(held(rig)).toEqual({ unicast: 0, vrf: unicast });
  await rig.reload(file());
  expect(held(rig)).toEqual({ unicast: 0, vrf: 0 });
  await rig.reload(file(domain("red", 100, ", host-routes: unicast")));
  expect(held(rig)).toEqual({ unicast, vrf: 0 });
  await rig.reload(none);
  expect(held(rig)).toEqual({ unicast: 0, vrf: 0 });
  expect(rig.complaints()).toEqual([]);
});
