/**
 * Two ends' proposals against each other. One in common is enough; where there is none, the two that come
 * nearest are compared attribute by attribute, so that what differs has a name.
 */
import type { EspProposal, IkeProposal, TunnelSide } from "../model/index.js";
import { formatEspProposal, formatIkeSuite } from "../model/index.js";
import type { FindingCode } from "./codes.js";
import type { EndValue } from "./finding.js";
import type { FindingSink } from "./sink.js";

interface Attribute<T> {
  readonly code: FindingCode;
  /** "encryption of phase 1". */
  readonly name: string;
  readonly value: (proposal: T) => string;
  /** It decides whether the proposals match at all. */
  readonly decides: (side: TunnelSide) => boolean;
}

const always = (): boolean => true;

const IKE: readonly Attribute<IkeProposal>[] = [
  {
    code: "phase1-encryption-differs",
    name: "encryption of phase 1",
    value: ({ encryption }) => encryption,
    decides: always,
  },
  {
    code: "phase1-hash-differs",
    name: "hash of phase 1",
    value: ({ integrity }) => integrity ?? "none",
    decides: always,
  },
  {
    code: "phase1-prf-differs",
    name: "pseudo-random function of phase 1",
    value: ({ prf }) => prf,
    // IKEv1 derives it from the hash.
    decides: ({ ike }) => ike.version === 2,
  },
  {
    code: "phase1-group-differs",
    name: "group of phase 1",
    value: ({ group }) => group,
    decides: always,
  },
  {
    code: "phase1-exchange-differs",
    name: "additional key exchange of phase 1",
    value: ({ additional }) => additional.join(", ") || "none",
    decides: ({ ike }) => ike.version === 2,
  },
  {
    code: "phase1-authentication-differs",
    name: "authentication of phase 1",
    value: ({ authentication }) => authentication,
    // IKEv2 does not negotiate it; each side says how it proves itself.
    decides: ({ ike }) => ike.version === 1,
  },
];

const ESP: readonly Attribute<EspProposal>[] = [
  {
    code: "phase2-protocol-differs",
    name: "protocol of phase 2",
    value: ({ protocol }) => protocol,
    decides: always,
  },
  {
    code: "phase2-encryption-differs",
    name: "encryption of phase 2",
    value: ({ encryption }) => encryption,
    decides: always,
  },
  {
    code: "phase2-hash-differs",
    name: "integrity of phase 2",
    value: ({ integrity }) => integrity ?? "none",
    decides: always,
  },
  {
    code: "pfs-differs",
    name: "perfect forward secrecy",
    value: ({ pfs }) => pfs ?? "none",
    decides: always,
  },
  {
    code: "phase2-exchange-differs",
    name: "additional key exchange of phase 2",
    value: ({ additional }) => additional.join(", ") || "none",
    decides: ({ ike }) => ike.version === 2,
  },
  {
    code: "phase2-esn-differs",
    name: "use of extended sequence numbers",
    value: ({ esn }) => (esn ? "on" : "off"),
    decides: always,
  },
];

export function compareProposals(first: TunnelSide, second: TunnelSide, sink: FindingSink): void {
  const ends: Ends = { first, second, sink };
  compareLists(first.ike.proposals, second.ike.proposals, IKE, formatIkeSuite, ends);
  compareLists(first.child.proposals, second.child.proposals, ESP, formatEspProposal, ends);
}

/** The phase-1 proposals that both ends will settle on, each end's own; undefined when there are none. */
export function commonIke(
  first: TunnelSide,
  second: TunnelSide,
): readonly [IkeProposal, IkeProposal] | undefined {
  const attributes = IKE.filter(({ decides }) => decides(first));
  return common(first.ike.proposals, second.ike.proposals, attributes);
}

interface Ends {
  readonly first: TunnelSide;
  readonly second: TunnelSide;
  readonly sink: FindingSink;
}

function compareLists<T>(
  ours: readonly T[],
  theirs: readonly T[],
  table: readonly Attribute<T>[],
  format: (proposal: T) => string,
  { first, second, sink }: Ends,
): void {
  // Said by the check of the definition.
  if (ours[0] === undefined || theirs[0] === undefined) return;
  const attributes = table.filter(({ decides }) => decides(first));
  const values = (a: string, b: string): readonly [EndValue, EndValue] => [
    { gateway: first.local.name, value: a },
    { gateway: second.local.name, value: b },
  ];
  const found = common(ours, theirs, attributes);
  if (found !== undefined) {
    if (format(ours[0]) === format(theirs[0])) return;
    sink.add("proposal-order-differs", {
      message: "the ends prefer different proposals; who begins decides",
      remedy: "put them into the same order",
      values: values(format(ours[0]), format(theirs[0])),
    });
    return;
  }
  const [a, b] = nearest(ours, theirs, attributes);
  for (const { code, name, value } of attributes) {
    if (value(a) === value(b)) continue;
    const late = code === "pfs-differs" && first.ike.version === 2;
    sink.add(code, {
      message: `${name} differs${late ? "; the first SA comes up, the first rekey fails" : ""}`,
      remedy: "make both ends the same",
      values: values(value(a), value(b)),
    });
  }
}

function common<T>(
  ours: readonly T[],
  theirs: readonly T[],
  attributes: readonly Attribute<T>[],
): readonly [T, T] | undefined {
  for (const a of ours) {
    const b = theirs.find((one) => attributes.every(({ value }) => value(a) === value(one)));
    if (b !== undefined) return [a, b];
  }
  return undefined;
}

function nearest<T>(
  ours: readonly T[],
  theirs: readonly T[],
  attributes: readonly Attribute<T>[],
): readonly [T, T] {
  let best: readonly [T, T] = [ours[0]!, theirs[0]!];
  let fewest = Infinity;
  for (const a of ours) {
    for (const b of theirs) {
      const count = attributes.filter(({ value }) => value(a) !== value(b)).length;
      if (count < fewest) [best, fewest] = [[a, b], count];
    }
  }
  return best;
}
