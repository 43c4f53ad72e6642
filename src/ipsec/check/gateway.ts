/** A gateway by itself: its policies' order and its translation, against the tunnels that end there. */
import {
  ANY,
  parseRange,
  policiesBetween,
  rangesOutside,
  rangesOverlap,
  type AddressRange,
  type Gateway,
  type NetworkPair,
  type Policy,
  type TunnelSide,
} from "../model/index.js";
import type { Finding } from "./finding.js";
import { FindingSink } from "./sink.js";

/** @param sides of the tunnels that end at the gateway, its own view */
export function gatewayFindings(gateway: Gateway, sides: readonly TunnelSide[]): Finding[] {
  const sink = new FindingSink("", gateway.name);
  policyIds(gateway, sink);
  unreached(gateway, sink);
  const translation = translationOf(gateway);
  const areas = sides.map(protectedAreas);
  unusedExemptions(translation, areas.flat(), sink);
  const findings = [...sink.findings];
  const sequences: Sequences = new Map();
  for (const [index, side] of sides.entries()) {
    const own = new FindingSink(side.tunnel, gateway.name);
    for (const area of areas[index] ?? []) notExempt(translation, area, own);
    blocked(gateway, side, own);
    sequenceTwice(side, sequences, own);
    findings.push(...own.findings);
  }
  return findings;
}

function policyIds({ policies }: Gateway, sink: FindingSink): void {
  const seen = new Set<number>();
  for (const { id } of policies) {
    if (seen.has(id)) {
      sink.add("policy-id-twice", {
        message: `two policies have the id ${id}`,
        remedy: "give one of them another id",
      });
    }
    seen.add(id);
  }
}

function takesAll({ sources, destinations, services, enabled }: Policy): boolean {
  const any = (names: readonly string[]): boolean =>
    names.some((name) => name.toLowerCase() === ANY.toLowerCase());
  return enabled && any(sources) && any(destinations) && any(services);
}

/** Policies of a pair of zones are asked in order; the first that matches decides. */
function unreached({ policies }: Gateway, sink: FindingSink): void {
  const last = new Map<string, Policy>();
  for (const policy of policies) {
    const pair = `${policy.from}\0${policy.to}`;
    const before = last.get(pair);
    if (before !== undefined) {
      // A deny behind a permit of everything is how people write "and nothing else": say it softly.
      const harmless = takesAll(policy) && policy.action === "deny";
      sink.add("policy-never-reached", {
        message: `policy ${policy.id} is never asked: policy ${before.id} takes everything from ${policy.from} to ${policy.to} before it`,
        remedy: `move it before policy ${before.id}, or remove it`,
        severity: harmless ? "info" : undefined,
      });
    } else if (takesAll(policy)) last.set(pair, policy);
  }
}

/** A pair of networks, read once: a hub has thousands, and each meets each. */
interface Area {
  readonly pair: NetworkPair;
  readonly local: AddressRange;
  readonly remote: AddressRange;
}

interface Translation {
  /** Whose packets are translated. */
  readonly sources: readonly AddressRange[];
  readonly exempt: readonly (Area & { readonly list: string })[];
}

function translationOf({ nat }: Gateway): Translation {
  return {
    sources: nat.overloads.flatMap(({ source }) => parseRange(source) ?? []),
    exempt: nat.exemptions.flatMap(({ list, pairs }) =>
      areasOf(pairs).map((area) => ({ ...area, list })),
    ),
  };
}

function areasOf(pairs: readonly NetworkPair[]): Area[] {
  return pairs.flatMap((pair) => {
    const [local, remote] = [parseRange(pair.local), parseRange(pair.remote)];
    return local === undefined || remote === undefined ? [] : [{ pair, local, remote }];
  });
}

/** Networks that are told; any-to-any selectors say nothing of which are behind. */
function protectedAreas({ kind, selectors, localNetworks, remoteNetworks }: TunnelSide): Area[] {
  if (kind === "policy-based") return areasOf(selectors);
  return areasOf(
    localNetworks.flatMap((local) => remoteNetworks.map((remote) => ({ local, remote }))),
  );
}

function unusedExemptions(
  { exempt }: Translation,
  areas: readonly Area[],
  sink: FindingSink,
): void {
  for (const { list, pair, local, remote } of exempt) {
    const used = areas.some(
      (area) => rangesOverlap(area.local, local) && rangesOverlap(area.remote, remote),
    );
    if (used) continue;
    sink.add("nat-exempt-unused", {
      message: `list ${list} exempts ${pair.local} to ${pair.remote} from translation, and no tunnel protects it`,
      remedy: "take it out of the list: it leaves untranslated and in clear",
    });
  }
}

/** Where the inside is translated, what a tunnel protects must be exempt: else its selectors never match. */
function notExempt({ sources, exempt }: Translation, area: Area, sink: FindingSink): void {
  const { pair, local, remote } = area;
  if (!sources.some((source) => rangesOverlap(source, local))) return;
  const far = exempt
    .filter(({ local: range }) => isInside(local, range))
    .map(({ remote: range }) => range);
  if (rangesOutside([remote], far).length === 0) return;
  sink.add("nat-not-exempt", {
    message: `traffic from ${pair.local} to ${pair.remote} is translated before it reaches the tunnel`,
    remedy: "exempt the pair from translation",
  });
}

function isInside(inner: AddressRange, outer: AddressRange): boolean {
  return inner.version === outer.version && inner.first >= outer.first && inner.last <= outer.last;
}

/** Entries of crypto maps by the first tunnel that has each. */
type Sequences = Map<string, string>;

function sequenceTwice({ tunnel, names }: TunnelSide, seen: Sequences, sink: FindingSink): void {
  const { cryptoMap, sequence } = names;
  if (cryptoMap === undefined || sequence === undefined) return;
  const key = `${cryptoMap}\0${sequence}`;
  const first = seen.get(key);
  if (first === undefined) {
    seen.set(key, tunnel);
    return;
  }
  sink.add("crypto-sequence-twice", {
    message: `crypto map ${cryptoMap} has the sequence ${sequence} for ${first}, too`,
    remedy: "give each tunnel a sequence of its own",
  });
}

/** Policies are there, and none from the tunnel's zone permits anything: said where policies are used at all. */
function blocked(gateway: Gateway, side: TunnelSide, sink: FindingSink): void {
  const { policies, interfaces } = gateway;
  if (policies.length === 0) return;
  const name = side.binding.kind === "interface" ? side.binding.interface : side.outgoingInterface;
  const zone = interfaces.find((one) => one.name === name)?.zone;
  if (zone === undefined) return;
  const others = new Set(policies.flatMap(({ from, to }) => [from, to]));
  others.delete(zone);
  for (const other of others) {
    const between = policiesBetween(policies, zone, other);
    const open = between.some(({ action, enabled }) => enabled && action !== "deny");
    if (between.length === 0 || open) continue;
    sink.add("policy-blocks-tunnel", {
      message: `no policy of ${gateway.name} permits anything from ${zone} to ${other}`,
      remedy: "permit the networks behind the tunnel",
    });
  }
}
