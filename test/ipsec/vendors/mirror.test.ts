/**
 * IPS-04, IPS-27: headquarters derived from the branch's text are the headquarters that somebody would type in
 * by hand, field by field of the forms.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  parseEspName,
  parseIkeName,
  PROFILES,
  sideOf,
  type Gateway,
  type IpsecModel,
  type Policy,
  type Tunnel,
  type TunnelEnd,
} from "../../../src/ipsec/model/index.js";
import { importText, renderGateway } from "../../../src/ipsec/vendors/index.js";
import { gateway, iface } from "../lib/models.js";

const { model: imported } = importText(
  "screenos",
  readFileSync("test/ipsec/fixtures/ssg-branch.printed.txt", "utf8"),
  { gateway: "Branch" },
);
const [tunnel] = imported.tunnels;
if (tunnel === undefined) throw new Error("no tunnel");

function policy(id: number, from: string, to: string, change: Partial<Policy>): Policy {
  return {
    id,
    from,
    to,
    sources: ["Any"],
    destinations: ["Any"],
    services: ["ANY"],
    action: "permit",
    log: false,
    enabled: true,
    ...change,
  };
}

/** The box of headquarters: what only it knows. */
const HQ: Gateway = gateway("HQ", "10.10.30.1", {
  site: "HQ",
  vendor: "screenos",
  version: "6.0R3",
  interfaces: [
    iface("ethernet0/0", { zone: "Trust", addresses: ["30.1.1.254/24"] }),
    iface("ethernet0/1", { addresses: ["10.10.30.1/24"] }),
    iface("tunnel.1", { type: "tunnel", addresses: [], unnumbered: "ethernet0/1" }),
  ],
  routes: [{ prefix: "77.1.1.0/24", interface: "tunnel.1" }],
  addressBook: [
    { zone: "Untrust", name: "Branch-2 network", prefix: "22.1.1.0/24" },
    { zone: "Untrust", name: "Branch-7 Voice-net", prefix: "77.1.1.0/24" },
    { zone: "Trust", name: "HQ-net", prefix: "30.1.1.0/24" },
  ],
  policies: [
    policy(1, "Trust", "Untrust", {}),
    policy(4, "Trust", "Untrust", { action: "deny" }),
    policy(2, "Untrust", "Trust", { sources: ["Branch-2 network", "Branch-7 Voice-net"] }),
    policy(3, "Untrust", "Trust", { action: "deny" }),
  ],
});

/** What belongs to headquarters' end: names, interfaces, the monitor. */
const HQ_END = {
  gateway: "HQ",
  outgoingInterface: "ethernet0/1",
  binding: { kind: "interface", interface: "tunnel.1" },
  start: "trap",
  vteps: [],
  monitor: { optimized: false, rekey: false, intervalSeconds: 10, threshold: 10 },
  names: { gateway: "To_Branch", vpn: "To_Branch-VPN" },
} as const satisfies Partial<TunnelEnd>;

/** Branch's definition, with headquarters' own things at its far end. */
const derived: IpsecModel = {
  ...imported,
  gateways: imported.gateways.map((one) => (one.name === "HQ" ? HQ : one)),
  tunnels: [{ ...tunnel, ends: [tunnel.ends[0], { ...tunnel.ends[1], ...HQ_END }] }],
};

/** The forms of headquarters, filled in step by step, seen from there. */
function typed(): IpsecModel {
  const ssg = PROFILES["ssg"]!;
  const made: Tunnel = {
    name: "To_HQ-VPN",
    description: "",
    enabled: true,
    kind: "route-based",
    profile: "ssg",
    ends: [
      { ...HQ_END, networks: ["22.1.1.0/24", "30.1.1.0/24"] },
      {
        gateway: "Branch",
        outgoingInterface: "ethernet0/0",
        binding: { kind: "interface", interface: "tunnel.1" },
        networks: ["77.1.1.0/24"],
        vteps: [],
        start: "trap",
        names: { gateway: "To_HQ", vpn: "To_HQ-VPN", vpnId: 1 },
      },
    ],
    // Custom level, one proposal of phase 1; main mode; no NAT traversal; heartbeat 0.
    ike: {
      ...ssg.ike,
      version: 1,
      mode: "main",
      proposals: [parseIkeName("pre-g2-aes128-sha")!],
      detection: { kind: "none" },
      nat: { enabled: false, udpChecksum: false, keepaliveSeconds: 0, force: false },
    },
    // Custom level, one proposal of phase 2; replay protection off; tunnel mode.
    child: {
      ...ssg.child,
      mode: "tunnel",
      proposals: [parseEspName("g2-esp-aes128-sha")!],
      lifetimeSeconds: 3600,
      lifetimeKilobytes: 0,
      replayWindow: 0,
      idleSeconds: 0,
    },
    authentication: { kind: "psk", secret: "To_HQ-VPN", scope: { kind: "peer" } },
    failClosed: true,
    mtu: { path: 1500, clampMss: false },
    classicalFallback: false,
    optIns: [],
  };
  const branch = imported.gateways.find(({ name }) => name === "Branch")!;
  return { sites: [], gateways: [HQ, branch], tunnels: [made] };
}

test("IPS-04, IPS-27: headquarters derived from the branch equal headquarters typed in", () => {
  const forms = typed();
  const side = sideOf(derived, derived.tunnels[0]!, 1);
  const same = sideOf(forms, forms.tunnels[0]!, 0);
  expect({ ...side, end: 0 }).toEqual(same);
});

test("IPS-04: and so are the texts of both", () => {
  const forms = typed();
  const text = (model: IpsecModel) =>
    renderGateway(model, HQ, { fingerprint: () => "0123abcd" }).files[0]?.text;
  expect(text(derived)).toBe(text(forms));
});

test("IPS-09, IPS-18, IPS-21, IPS-25: what headquarters are told", async () => {
  const { files, findings } = renderGateway(derived, HQ, { fingerprint: () => "0123abcd" });
  expect(findings).toEqual([]);
  await expect(files[0]?.text).toMatchFileSnapshot("golden/hq.derived.screenos.txt");
});

test("IPS-71: the gateway's outgoing interface counts, whatever another form showed", () => {
  expect(sideOf(derived, derived.tunnels[0]!, 1)?.outgoingInterface).toBe("ethernet0/1");
});

test("IPS-04: an import of the text that headquarters get gives the branch's tunnel again", () => {
  const { files } = renderGateway(derived, HQ, { fingerprint: () => undefined });
  const back = importText("screenos", files[0]?.text ?? "", { gateway: "HQ" });
  const own = sideOf(derived, derived.tunnels[0]!, 1);
  const again = sideOf(back.model, back.model.tunnels[0]!, 0);
  expect(again?.ike).toEqual(own?.ike);
  expect(again?.child).toEqual(own?.child);
  expect(again?.authentication).toEqual(own?.authentication);
  expect(again?.selectors).toEqual(own?.selectors);
  expect(again?.remoteNetworks).toEqual(own?.remoteNetworks);
  expect(back.model.gateways.find(({ name }) => name === "HQ")?.policies).toEqual(HQ.policies);
});
