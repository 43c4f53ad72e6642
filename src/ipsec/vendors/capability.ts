/**
 * What a vendor's gateways can be told, as data, and the comparison of a tunnel's end with it. What cannot be
 * told becomes a finding: an error where the tunnel would not come up, or would be weaker than the model says
 * (it is left out then), a warning where the rest is as the model has it.
 */
import {
  formatEspProposal,
  formatIkeSuite,
  type Cipher,
  type EspProposal,
  type Group,
  type IkeProposal,
  type Integrity,
  type TunnelKind,
  type TunnelSide,
} from "../model/index.js";
import type { RenderReport } from "./rendering.js";

type Words<T extends string> = Readonly<Partial<Record<T, string>>>;

export interface Capability {
  /** For sentences: `ScreenOS`. */
  readonly title: string;
  readonly versions: readonly (1 | 2)[];
  readonly kinds: readonly TunnelKind[];
  /** The vendor's own words; what is missing cannot be told. */
  readonly ikeCiphers: Words<Cipher>;
  readonly espCiphers: Words<Cipher>;
  readonly integrities: Words<Integrity>;
  readonly groups: Words<Group>;
  /** The pseudo-random function may be another than the hash. */
  readonly prfApart: boolean;
  /** Additional key exchanges (RFC 9370). */
  readonly additional: boolean;
  readonly esn: boolean;
  readonly ah: boolean;
  readonly ipv6: boolean;
  readonly aggressive: boolean;
  readonly transport: boolean;
  readonly certificates: boolean;
  readonly ppk: boolean;
  /** Peers without a fixed address. */
  readonly dynamicPeers: boolean;
  /** Most selectors of one tunnel. */
  readonly selectors: number;
  /** Protocols and ports in selectors; ranges that are no prefix. */
  readonly ports: boolean;
  readonly ranges: boolean;
  /** Ends an SA after so many kilobytes. */
  readonly kilobytes: boolean;
  /** Windows it may have, 0 = none; undefined = any. */
  readonly replayWindows: readonly number[] | undefined;
  readonly idle: boolean;
  readonly heartbeat: boolean;
  readonly dpd: boolean;
  readonly natForce: boolean;
  readonly natOff: boolean;
  readonly mobike: boolean;
  readonly childless: boolean;
  readonly reauthentication: boolean;
  readonly monitor: boolean;
  readonly mostProposals: number;
}

/** The end with the proposals that can be told; undefined when it cannot be rendered. */
export function fit(
  side: TunnelSide,
  can: Capability,
  report: RenderReport,
): TunnelSide | undefined {
  const before = report.findings.length;
  const told = { side, can, report };
  refusals(told);
  const ike = proposalsOf(told, "phase 1", side.ike.proposals, ikeLack, formatIkeSuite);
  const child = proposalsOf(told, "phase 2", side.child.proposals, espLack, formatEspProposal);
  const refused = report.findings.slice(before).some(({ severity }) => severity === "error");
  if (refused) return undefined;
  differences(told);
  return {
    ...side,
    ike: { ...side.ike, proposals: ike },
    child: { ...side.child, proposals: child },
  };
}

/** Sides that can be rendered, in order. */
export function fitAll(
  sides: readonly TunnelSide[],
  can: Capability | ((side: TunnelSide) => Capability),
  report: RenderReport,
): readonly TunnelSide[] {
  return sides.flatMap((side) => {
    if (!side.enabled) {
      report.warn(
        side.tunnel,
        "vendor-disabled",
        "the tunnel is switched off, so it is not in the text",
        "switch it on, or remove it from the gateway by hand",
      );
      return [];
    }
    return fit(side, typeof can === "function" ? can(side) : can, report) ?? [];
  });
}

interface Told {
  readonly side: TunnelSide;
  readonly can: Capability;
  readonly report: RenderReport;
}

function refusals({ side, can, report }: Told): void {
  const no = (code: string, message: string, remedy: string) =>
    report.refuse(side.tunnel, code, `${can.title} ${message}`, remedy);
  const { ike, child, authentication, selectors, remote, kind } = side;
  if (!can.versions.includes(ike.version)) {
    no(
      "vendor-ike-version",
      `speaks no IKEv${ike.version}`,
      `give the tunnel IKEv${can.versions[0] ?? 1} with an opt-in, or end it on another gateway`,
    );
  }
  if (!can.kinds.includes(kind)) {
    no("vendor-kind", `has no ${kind} tunnels`, `make it ${can.kinds.join(" or ")}`);
  }
  if (ike.version === 1 && ike.mode === "aggressive" && !can.aggressive) {
    no("vendor-aggressive", "cannot be told aggressive mode", "use main mode");
  }
  if (child.mode === "transport" && !can.transport) {
    no("vendor-transport", "cannot be told transport mode here", "use tunnel mode");
  }
  if (authentication.kind === "certificate" && !can.certificates) {
    no("vendor-certificate", "is told no certificates by this text", "use a pre-shared key");
  }
  if (authentication.ppk?.required === true && !can.ppk) {
    no(
      "vendor-ppk",
      `mixes no post-quantum key in, and the tunnel requires "${authentication.ppk.id}"`,
      "end it on a gateway that does (RFC 8784)",
    );
  }
  const six = selectors.some(({ local, remote: far }) => `${local}${far}`.includes(":"));
  const outside = remote.reach.kind === "static" && remote.reach.address.includes(":");
  if (!can.ipv6 && (six || outside)) {
    no("vendor-ipv6", "has no IPv6 tunnels", "end the IPv6 tunnel on another gateway");
  }
  if (!can.dynamicPeers && remote.reach.kind !== "static") {
    no(
      "vendor-dynamic-peer",
      `wants the peer's address, and the peer is ${remote.reach.kind}`,
      "give the far gateway a static address",
    );
  }
  if (selectors.length > can.selectors) {
    no(
      "vendor-selectors",
      `takes ${can.selectors} pair of networks for a tunnel, not ${selectors.length}`,
      "summarise the networks at both ends, or make a tunnel of each pair",
    );
  }
  const narrow = selectors.find(
    ({ protocol, localPort, remotePort }) => protocol + localPort + remotePort > 0,
  );
  if (narrow !== undefined && !can.ports) {
    no(
      "vendor-selector-ports",
      `takes no protocol (${narrow.protocol}) and no ports in a tunnel's networks`,
      "protect all of the networks' traffic",
    );
  }
  const range = selectors.find(({ local, remote: far }) => `${local} ${far}`.includes(".."));
  if (range !== undefined && !can.ranges) {
    no(
      "vendor-selector-range",
      `takes prefixes, no range as in ${range.local} to ${range.remote}`,
      "write the range as prefixes",
    );
  }
}

/** What is there and not quite as the model has it. */
function differences({ side, can, report }: Told): void {
  const note = (code: string, message: string, remedy: string) =>
    report.warn(side.tunnel, code, `${can.title} ${message}`, remedy);
  const { ike, child, authentication, monitor } = side;
  if (child.lifetimeKilobytes > 0 && !can.kilobytes) {
    note(
      "vendor-kilobytes",
      `ends no SA by bytes (${child.lifetimeKilobytes} kB)`,
      "let the other end count, or shorten the time",
    );
  }
  if (can.replayWindows !== undefined && !can.replayWindows.includes(child.replayWindow)) {
    const choice = can.replayWindows.join(", ");
    note(
      "vendor-replay-window",
      `has no replay window of ${child.replayWindow} packets; the nearest of ${choice} is used`,
      `use one of ${choice}`,
    );
  }
  if (child.idleSeconds > 0 && !can.idle) {
    note(
      "vendor-idle",
      `ends no SA for idleness (${child.idleSeconds} s)`,
      "set the idle time to 0",
    );
  }
  const { kind } = ike.detection;
  if (kind === "heartbeat" && !can.heartbeat) {
    note("vendor-detection", "has no heartbeats", "use dead peer detection at both ends");
  }
  if (kind === "dpd" && !can.dpd) {
    note("vendor-detection", "cannot be told to detect dead peers", "let the other end do it");
  }
  if (ike.nat.force && !can.natForce) {
    note(
      "vendor-nat-force",
      "cannot be told to put ESP into UDP where there is no NAT",
      "force it at the other end",
    );
  }
  if (!ike.nat.enabled && !can.natOff) {
    note(
      "vendor-nat-off",
      "always looks for a NAT on the way",
      "expect UDP port 4500 where there is one",
    );
  }
  if (ike.mobike && !can.mobike) note("vendor-mobike", "has no MOBIKE", "switch it off");
  if (ike.childless && !can.childless) {
    note("vendor-childless", "makes no IKE SA without a child", "switch it off");
  }
  if (ike.reauthSeconds > 0 && !can.reauthentication) {
    note(
      "vendor-reauthentication",
      `cannot be told to authenticate anew (${ike.reauthSeconds} s)`,
      "let the other end ask for it",
    );
  }
  if (authentication.ppk?.required === false && !can.ppk) {
    note(
      "vendor-ppk",
      `mixes no post-quantum key in ("${authentication.ppk.id}")`,
      "end the tunnel on a gateway that does (RFC 8784)",
    );
  }
  if (monitor !== undefined && !can.monitor) {
    note("vendor-monitor", "has no tunnel monitor", "let evpnd probe the tunnel, or the other end");
  }
}

function proposalsOf<P extends IkeProposal | EspProposal>(
  { side, can, report }: Told,
  phase: string,
  proposals: readonly P[],
  lack: (proposal: P, can: Capability) => string | undefined,
  format: (proposal: P) => string,
): readonly P[] {
  const { title, mostProposals } = can;
  const { tunnel } = side;
  const remedy = `give the tunnel a proposal that ${title} has, with an opt-in if that is a weak one`;
  const kept: P[] = [];
  for (const proposal of proposals) {
    const why = lack(proposal, can);
    if (why === undefined) {
      kept.push(proposal);
      continue;
    }
    const message = `${title} has no ${why}, so the ${phase} proposal ${format(proposal)} is left out`;
    report.warn(tunnel, "vendor-proposal", message, remedy);
  }
  if (kept.length === 0) {
    const all = proposals.map(format).join(", ");
    const message = `${title} has none of the ${phase} proposals (${all})`;
    report.refuse(tunnel, "vendor-no-proposal", message, remedy);
  }
  if (kept.length > mostProposals) {
    const message = `${title} takes ${mostProposals} ${phase} proposals at most; the first are used`;
    report.warn(tunnel, "vendor-proposals", message, "name fewer");
  }
  return kept.slice(0, mostProposals);
}

function ikeLack(proposal: IkeProposal, can: Capability): string | undefined {
  const { encryption, integrity, prf, group, additional } = proposal;
  if (can.ikeCiphers[encryption] === undefined) return encryption;
  if (integrity !== undefined && can.integrities[integrity] === undefined)
    return `hash ${integrity}`;
  if (!can.prfApart && integrity !== undefined && prf !== integrity)
    return `prf ${prf} beside ${integrity}`;
  return groupLack(group, additional, can);
}

function espLack(proposal: EspProposal, can: Capability): string | undefined {
  const { protocol, encryption, integrity, pfs, additional, esn } = proposal;
  if (protocol === "ah" && !can.ah) return "AH";
  if (protocol === "esp" && can.espCiphers[encryption] === undefined) return encryption;
  if (integrity !== undefined && can.integrities[integrity] === undefined)
    return `hash ${integrity}`;
  if (esn && !can.esn) return "extended sequence numbers";
  return groupLack(pfs, additional, can);
}

function groupLack(
  group: Group | undefined,
  additional: readonly Group[],
  can: Capability,
): string | undefined {
  if (group !== undefined && can.groups[group] === undefined) return `group ${group}`;
  return additional.length > 0 && !can.additional ? "additional key exchange" : undefined;
}
