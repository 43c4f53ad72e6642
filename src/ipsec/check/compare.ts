/**
 * Both ends of a tunnel, clause by clause. Takes sides, so that it does not matter whether they were derived
 * from one definition or read from two gateways' own texts.
 */
import type { PeerAddress, SideGateway, TunnelSide } from "../model/index.js";
import type { FindingCode } from "./codes.js";
import type { CheckContext } from "./context.js";
import type { EndValue, Finding, FindingSeverity } from "./finding.js";
import { commonIke, compareProposals } from "./proposals.js";
import { compareSelectors, describeUncovered, selectorText } from "./selectors.js";
import { FindingSink } from "./sink.js";

/** A clause with one value an end. */
interface Clause {
  readonly code: FindingCode;
  /** "IKE version"; the message is "… differs". */
  readonly name: string;
  readonly value: (side: TunnelSide) => string;
  readonly remedy: string;
  readonly applies?: (first: TunnelSide) => boolean;
  readonly severity?: (first: TunnelSide) => FindingSeverity | undefined;
}

const isOld = ({ ike }: TunnelSide): boolean => ike.version === 1;
const SAME = "make both ends the same";

const CLAUSES: readonly Clause[] = [
  {
    code: "ike-version-differs",
    name: "IKE version",
    value: ({ ike }) => `IKEv${ike.version}`,
    remedy: SAME,
  },
  {
    code: "ike-mode-differs",
    name: "phase-1 mode",
    value: ({ ike }) => ike.mode,
    remedy: "use main mode at both ends",
    applies: isOld,
  },
  {
    code: "phase2-lifetime-differs",
    name: "lifetime of phase 2 in seconds",
    value: ({ child }) => `${child.lifetimeSeconds} s`,
    remedy:
      "make both ends the same: a gateway may refuse the longer one, or rekey when the other does not expect it",
    severity: laterIsInfo,
  },
  {
    code: "phase2-volume-differs",
    name: "lifetime of phase 2 in kilobytes",
    value: ({ child }) =>
      child.lifetimeKilobytes === 0 ? "unlimited" : `${child.lifetimeKilobytes} kB`,
    remedy: SAME,
    severity: laterIsInfo,
  },
  {
    code: "encapsulation-differs",
    name: "encapsulation",
    value: ({ child }) => `${child.mode} mode`,
    remedy: "use tunnel mode at both ends",
  },
  {
    code: "nat-traversal-differs",
    name: "NAT traversal",
    value: ({ ike }) => (ike.nat.enabled ? "on" : "off"),
    remedy: "switch it on at both ends where a NAT may be in between",
    // IKEv2 has it built in; the switch only stops a daemon from using it.
  },
  {
    code: "detection-differs",
    name: "detection of a dead peer",
    value: ({ ike }) => ike.detection.kind,
    remedy: "use DPD at both ends",
  },
  {
    code: "replay-differs",
    name: "replay protection",
    value: ({ child }) => (child.replayWindow > 0 ? "on" : "off"),
    remedy: "switch it on at both ends",
  },
];

/** IKEv2 does not negotiate lifetimes: each side rekeys when its own is over (RFC 7296 section 2.8). */
function laterIsInfo(side: TunnelSide): FindingSeverity | undefined {
  return isOld(side) ? undefined : "info";
}

export function compareSides(
  first: TunnelSide,
  second: TunnelSide,
  context: CheckContext,
): Finding[] {
  const sink = new FindingSink(first.tunnel);
  const values = (a: string, b: string): readonly [EndValue, EndValue] => [
    { gateway: first.local.name, value: a },
    { gateway: second.local.name, value: b },
  ];
  for (const { code, name, value, remedy, applies, severity } of CLAUSES) {
    if (applies?.(first) === false || value(first) === value(second)) continue;
    sink.add(code, {
      message: `${name} differs`,
      remedy,
      values: values(value(first), value(second)),
      severity: severity?.(first),
    });
  }
  // Across versions nothing of the rest can be compared.
  if (first.ike.version !== second.ike.version) return sink.findings;
  compareProposals(first, second, sink);
  phase1Lifetime(first, second, values, sink);
  selectors(first, second, sink);
  peers(first, second, values, sink);
  keys(first, second, context, values, sink);
  if (first.start === "respond" && second.start === "respond") {
    sink.add("both-respond", {
      message: "both ends wait for the other to begin",
      remedy: "let one end start it, at once or on traffic",
    });
  }
  return sink.findings;
}

type Values = (a: string, b: string) => readonly [EndValue, EndValue];

function phase1Lifetime(
  first: TunnelSide,
  second: TunnelSide,
  values: Values,
  sink: FindingSink,
): void {
  const pair = commonIke(first, second) ?? [first.ike.proposals[0], second.ike.proposals[0]];
  const [a, b] = pair.map((one) => one?.lifetimeSeconds);
  if (a === undefined || b === undefined || a === b) return;
  sink.add("phase1-lifetime-differs", {
    message: "lifetime of phase 1 differs",
    remedy: "make both ends the same: a gateway may refuse the longer one",
    values: values(`${a} s`, `${b} s`),
    severity: laterIsInfo(first),
  });
}

function selectors(first: TunnelSide, second: TunnelSide, sink: FindingSink): void {
  const result = compareSelectors(first.selectors, second.selectors);
  if (result.kind === "mirror") return;
  const text = (side: TunnelSide): string => shortList(side.selectors.map(selectorText));
  const values: readonly [EndValue, EndValue] = [
    { gateway: first.local.name, value: text(first) },
    { gateway: second.local.name, value: text(second) },
  ];
  if (result.kind === "summarised") {
    sink.add("selectors-summarised", {
      message: "the ends protect the same networks, but one has merged neighbours into one",
      remedy: "write the same networks at both ends: all merged, or all separate",
      values,
    });
    return;
  }
  const only = [
    result.onlyFirst.length > 0 &&
      `only ${first.local.name} protects ${describeUncovered(result.onlyFirst.slice(0, MOST_SHOWN))}`,
    result.onlySecond.length > 0 &&
      `only ${second.local.name} protects ${describeUncovered(result.onlySecond.slice(0, MOST_SHOWN))}`,
  ].filter((one) => one !== false);
  sink.add("selectors-not-mirrored", {
    message: `the ends' networks are not each other's mirror: ${only.join("; ")}`,
    remedy: "make each end's list the mirror of the other's",
    values,
  });
}

const MOST_SHOWN = 8;

function shortList(texts: readonly string[]): string {
  const few = texts.slice(0, MOST_SHOWN).join(", ");
  return texts.length > MOST_SHOWN ? `${few} and ${texts.length - MOST_SHOWN} more` : few;
}

/** What each end takes the other for. */
function peers(first: TunnelSide, second: TunnelSide, values: Values, sink: FindingSink): void {
  for (const [own, far] of [
    [first, second],
    [second, first],
  ] as const) {
    const [expected, actual] = [reachText(own.remote.reach), reachText(far.local.reach)];
    if (expected !== actual && isFixed(own.remote) && isFixed(far.local)) {
      sink.add("peer-address-differs", {
        message: `${own.local.name} expects its peer at ${expected}, and the peer is at ${actual}`,
        remedy: "correct the address of the peer",
        values: own === first ? values(expected, actual) : values(actual, expected),
      });
    }
    const { identity } = far.local;
    const wanted = own.remote.identity;
    if (wanted.kind === identity.kind && wanted.value === identity.value) continue;
    const [expectedId, actualId] = [wanted, identity].map(({ kind, value }) => `${kind} ${value}`);
    sink.add("identity-differs", {
      message: `${own.local.name} expects ${expectedId} of its peer, which says ${actualId}`,
      remedy: "make the identity that is expected the one that is sent",
    });
  }
}

function isFixed({ reach }: SideGateway): boolean {
  return reach.kind === "static" || reach.kind === "host";
}

function reachText(reach: PeerAddress): string {
  switch (reach.kind) {
    case "static":
      return reach.address;
    case "host":
      return reach.name;
    case "dynamic":
      return `any address (${reach.peerId})`;
    case "dialup-user":
      return `any address (${reach.user})`;
    case "dialup-group":
      return `any address (${reach.group})`;
  }
}

/** Keyed fingerprints tell whether keys are equal without anybody seeing them. */
function keys(
  first: TunnelSide,
  second: TunnelSide,
  { secrets }: CheckContext,
  values: Values,
  sink: FindingSink,
): void {
  const [a, b] = [first.authentication, second.authentication];
  if (a.kind !== "psk" || b.kind !== "psk" || a.secret === b.secret) return;
  const [one, other] = [secrets?.(a.secret), secrets?.(b.secret)];
  if (secrets !== undefined && one?.fingerprint === other?.fingerprint) return;
  sink.add("key-differs", {
    message: "the ends have different pre-shared keys",
    remedy: "set the same key at both ends",
    values: values(one?.fingerprint ?? a.secret, other?.fingerprint ?? b.secret),
  });
}
