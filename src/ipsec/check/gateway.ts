/** A gateway by itself: its policies' order and its translation, against the tunnels that end there. */
import {
  ANY,
  parseRange,
  policiesBetween,
  rangesOutside,
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
  unusedExemptions(gateway, sides, sink);
  return [...sink.findings, ...sides.flatMap((side) => sideAtGateway(gateway, side, sides))];
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

function unusedExemptions({ nat }: Gateway, sides: readonly TunnelSide[], sink: FindingSink): void {
  for (const { list, pairs } of nat.exemptions) {
    for (const pair of pairs) {
      if (sides.some((side) => pairsOf(side).some((one) => overlaps(one, pair)))) continue;
      sink.add("nat-exempt-unused", {
        message: `list ${list} exempts ${pair.local} to ${pair.remote} from translation, and no tunnel protects it`,
        remedy: "take it out of the list: it leaves untranslated and in clear",
      });
    }
  }
}

function sideAtGateway(
  gateway: Gateway,
  side: TunnelSide,
  sides: readonly TunnelSide[],
): Finding[] {
  const sink = new FindingSink(side.tunnel, gateway.name);
  for (const pair of pairsOf(side)) notExempt(gateway, pair, sink);
  blocked(gateway, side, sink);
  const { cryptoMap, sequence } = side.names;
  const first = sides.find(
    ({ names }) => names.cryptoMap === cryptoMap && names.sequence === sequence,
  );
  if (cryptoMap !== undefined && sequence !== undefined && first !== side) {
    sink.add("crypto-sequence-twice", {
      message: `crypto map ${cryptoMap} has the sequence ${sequence} for ${first?.tunnel ?? ""}, too`,
      remedy: "give each tunnel a sequence of its own",
    });
  }
  return sink.findings;
}

/** Networks that are told; any-to-any selectors say nothing of which are behind. */
function pairsOf({ kind, selectors, localNetworks, remoteNetworks }: TunnelSide): NetworkPair[] {
  if (kind === "policy-based") return selectors.map(({ local, remote }) => ({ local, remote }));
  return localNetworks.flatMap((local) => remoteNetworks.map((remote) => ({ local, remote })));
}

function overlaps(a: NetworkPair, b: NetworkPair): boolean {
  return meets(a.local, b.local) && meets(a.remote, b.remote);
}

function meets(a: string, b: string): boolean {
  const [one, other] = [parseRange(a), parseRange(b)];
  if (one?.version !== other?.version || one === undefined || other === undefined) return false;
  return one.first <= other.last && other.first <= one.last;
}

/** Where the inside is translated, what a tunnel protects must be exempt: else its selectors never match. */
function notExempt({ nat }: Gateway, pair: NetworkPair, sink: FindingSink): void {
  const local = parseRange(pair.local);
  const remote = parseRange(pair.remote);
  if (local === undefined || remote === undefined) return;
  const translated = nat.overloads.some(({ source }) => meets(source, pair.local));
  if (!translated) return;
  const far = nat.exemptions
    .flatMap(({ pairs }) => pairs)
    .filter((one) => covers(one.local, [local]))
    .flatMap((one) => parseRange(one.remote) ?? []);
  if (rangesOutside([remote], far).length === 0) return;
  sink.add("nat-not-exempt", {
    message: `traffic from ${pair.local} to ${pair.remote} is translated before it reaches the tunnel`,
    remedy: "exempt the pair from translation",
  });
}

function covers(prefix: string, ranges: readonly AddressRange[]): boolean {
  const range = parseRange(prefix);
  return range !== undefined && rangesOutside(ranges, [range]).length === 0;
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
