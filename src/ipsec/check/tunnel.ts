/** A tunnel's definition by itself: what cannot work between these two gateways, whoever is right. */
import {
  hybridGap,
  isAnyToAny,
  isHybrid,
  type Gateway,
  type Tunnel,
  type TunnelSide,
} from "../model/index.js";
import type { CheckContext } from "./context.js";
import { outerFamily, tunnelMtu } from "./mtu.js";
import { summaryOf } from "./selectors.js";
import type { FindingSink } from "./sink.js";

const L2TP_PORT = 1701;
const UDP = 17;
const HOST_MTU = 1500;
/** The least that IPv4 and IPv6 ask of a link. */
const LEAST_MTU = { 4: 576, 6: 1280 } as const;
const SMALL_WINDOW = 64;
const FAST_WINDOW = 1024;
/** kbit/s beyond which packets overtake each other by more than a small window. */
const FAST = 1_000_000;

/** Both ends and what they are. */
export interface TunnelEnds {
  readonly sides: readonly [TunnelSide, TunnelSide];
  readonly gateways: readonly [Gateway, Gateway];
}

export function tunnelFindings(tunnel: Tunnel, ends: TunnelEnds, sink: FindingSink): void {
  const [first] = ends.sides;
  transport(first, sink);
  families(ends, sink);
  unpredictable(ends, sink);
  hybrids(tunnel, ends, sink);
  sizes(ends, sink);
  windows(ends, sink);
  mergeable(ends, sink);
  const { backupOf } = tunnel;
  if (backupOf !== undefined && backupOf.takeOverAfterSeconds * backupOf.returnAfterSeconds === 0) {
    sink.add("backup-flaps", {
      message: "the backup takes over, or goes back, at once: a tunnel that flaps takes both along",
      remedy: "wait some seconds either way",
    });
  }
}

function transport({ child, selectors }: TunnelSide, sink: FindingSink): void {
  if (child.mode === "tunnel") return;
  const l2tp = selectors.every(
    ({ protocol, localPort, remotePort }) =>
      protocol === UDP && (localPort === L2TP_PORT || remotePort === L2TP_PORT),
  );
  if (l2tp && selectors.length > 0) return;
  sink.add("transport-not-l2tp", {
    message: "transport mode protects only traffic between the gateways themselves",
    remedy: `use tunnel mode; transport mode is for L2TP (protocol ${UDP}, port ${L2TP_PORT}) alone`,
  });
}

function families({ gateways: [a, b] }: TunnelEnds, sink: FindingSink): void {
  if (a.reach.kind !== "static" || b.reach.kind !== "static") return;
  if (a.reach.address.includes(":") === b.reach.address.includes(":")) return;
  sink.add("address-family-differs", {
    message: "one end is reached over IPv4, the other over IPv6",
    remedy: "give both an address of one family",
    values: [
      { gateway: a.name, value: a.reach.address },
      { gateway: b.name, value: b.reach.address },
    ],
  });
}

/** A main-mode responder chooses the key by the peer's address: it knows nothing else yet (RFC 2409). */
function unpredictable({ sides, gateways }: TunnelEnds, sink: FindingSink): void {
  const { ike, authentication } = sides[0];
  if (ike.version === 2 || ike.mode === "aggressive" || authentication.kind !== "psk") return;
  for (const { name, reach } of gateways) {
    if (reach.kind === "static" || reach.kind === "host") continue;
    sink.add("peer-unpredictable", {
      message: `${name} comes from any address, and main mode chooses a pre-shared key by address`,
      remedy: "use IKEv2, or certificates",
    });
  }
}

function hybrids(tunnel: Tunnel, { gateways }: TunnelEnds, sink: FindingSink): void {
  const wanted = [...tunnel.ike.proposals, ...tunnel.child.proposals].some(isHybrid);
  if (!wanted) return;
  for (const gateway of gateways) {
    const gap = hybridGap(gateway);
    if (gap === undefined) continue;
    if (tunnel.classicalFallback) {
      sink.add("hybrid-fallback", {
        message: `${gap}: the tunnel comes up with a classical key exchange`,
        remedy: "what is recorded today may be read by a quantum computer: upgrade the gateway",
      });
    } else {
      sink.add("hybrid-unsupported", {
        message: gap,
        remedy: "upgrade the gateway, or allow classical-fallback, or use the profile modern",
      });
    }
  }
}

function sizes({ sides, gateways }: TunnelEnds, sink: FindingSink): void {
  for (const [index, side] of sides.entries()) {
    const gateway = gateways[index === 0 ? 0 : 1];
    if (side.child.proposals.length === 0) continue;
    const report = tunnelMtu(side);
    const { inner, mss4, path } = report;
    if (inner < LEAST_MTU[outerFamily(side)]) {
      sink.add("mtu-path-too-small", {
        message: `a path of ${path} octets leaves ${Math.max(0, inner)} for a packet`,
        remedy: "correct the MTU of the path",
      });
      continue;
    }
    const name = side.binding.kind === "interface" ? side.binding.interface : undefined;
    const bound = gateway.interfaces.find((one) => one.name === name);
    if (bound !== undefined && bound.mtu > inner) {
      sink.add("mtu-too-large", {
        message: `${bound.name} of ${gateway.name} has an MTU of ${bound.mtu}; ${inner} octets fit a path of ${path}`,
        remedy: `set its MTU to ${inner}, and clamp the MSS of TCP to ${mss4}`,
        severity: side.mtu.clampMss ? "info" : undefined,
        gateway: gateway.name,
      });
    }
    if (side.localVteps.length + side.remoteVteps.length === 0) continue;
    const hosts = side.remoteVteps.some((vtep) => vtep.includes(":"))
      ? report.vxlan6
      : report.vxlan4;
    if (hosts >= HOST_MTU) continue;
    sink.add("mtu-vxlan", {
      message: `hosts behind VTEPs can send ${hosts} octets through the tunnel, not ${HOST_MTU}`,
      remedy: `set their MTU to ${hosts}, or raise the path's to ${path + HOST_MTU - hosts}`,
    });
  }
}

function windows({ sides, gateways }: TunnelEnds, sink: FindingSink): void {
  for (const [index, { child, outgoingInterface }] of sides.entries()) {
    const gateway = gateways[index === 0 ? 0 : 1];
    const { replayWindow } = child;
    if (replayWindow === 0) continue;
    const rate =
      gateway.interfaces.find(({ name }) => name === outgoingInterface)?.bandwidth.egressMaximum ??
      0;
    const least = rate >= FAST ? FAST_WINDOW : SMALL_WINDOW;
    if (replayWindow >= least) continue;
    sink.add("replay-window-small", {
      message: `a replay window of ${replayWindow} drops packets that overtake each other`,
      remedy: `use ${least} or more`,
      gateway: gateway.name,
    });
  }
}

/** Said once for each end; a peer may merge what is behind the other, or its own. */
function mergeable({ sides }: TunnelEnds, sink: FindingSink): void {
  const [first, second] = sides;
  if (first.kind === "route-based" && first.selectors.every(isAnyToAny)) return;
  for (const { local, selectors } of [first, second]) {
    const summary = summaryOf(selectors.map((selector) => selector.local));
    if (summary === undefined) continue;
    const { separate, merged } = summary;
    sink.add("networks-mergeable", {
      message: `the networks behind ${local.name} can be merged, and a gateway may do so by itself: ${separate.join(", ")} is ${merged.join(", ")}`,
      remedy: `write ${merged.join(", ")} at both ends, or make sure that neither gateway merges`,
      gateway: local.name,
    });
  }
}

const CERTIFICATE_SOON = 30 * 86_400_000;

/** Whether what the ends need is in the store, and still good. */
export function secretFindings(
  tunnel: Tunnel,
  names: readonly string[],
  { now, secrets }: CheckContext,
  sink: FindingSink,
): void {
  if (secrets === undefined) return;
  for (const name of new Set(names)) {
    const facts = secrets(name);
    if (facts === undefined) {
      sink.add("secret-missing", {
        message: `the secret "${name}" of ${tunnel.name} is not in the store`,
        remedy: `evpnctl ipsec secrets set ${name}, or generate`,
      });
      continue;
    }
    const { notAfter } = facts;
    if (notAfter === undefined || notAfter - now > CERTIFICATE_SOON) continue;
    const day = new Date(notAfter).toISOString().slice(0, 10);
    if (notAfter <= now) {
      sink.add("certificate-expired", {
        message: `the certificate "${name}" ran out on ${day}`,
        remedy: `set a new one: evpnctl ipsec secrets set ${name}`,
      });
    } else {
      sink.add("certificate-expires", {
        message: `the certificate "${name}" runs out on ${day}`,
        remedy: `roll it over: evpnctl ipsec secrets set ${name} --overlap 7d`,
      });
    }
  }
}
