/** A whole model: every tunnel's ends against each other, every gateway, and what tunnels do to each other. */
import {
  secretNames,
  sideBetween,
  type Gateway,
  type IpsecModel,
  type Tunnel,
  type TunnelSide,
} from "../model/index.js";
import { compareSides } from "./compare.js";
import type { CheckContext } from "./context.js";
import { sortFindings, type Finding } from "./finding.js";
import { gatewayFindings } from "./gateway.js";
import { applyOptIns, gatewayWeaknesses, sideWeaknesses } from "./insecure.js";
import { FindingSink } from "./sink.js";
import { structureFindings } from "./structure.js";
import { secretFindings, tunnelFindings, type TunnelEnds } from "./tunnel.js";

/** All findings, the worst first. Tunnels that are switched off are checked, too. */
export function checkModel(model: IpsecModel, context: CheckContext): Finding[] {
  const steps = checkSteps(model, context);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Milliseconds of a slice: keepalives are sent in between. */
const SLICE_MS = 5;

/** The same for a thread that has other things to do. */
export async function checkModelInSlices(
  model: IpsecModel,
  context: CheckContext,
): Promise<Finding[]> {
  const steps = checkSteps(model, context);
  for (;;) {
    const until = performance.now() + SLICE_MS;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function* checkSteps(
  model: IpsecModel,
  context: CheckContext,
): Generator<undefined, Finding[], undefined> {
  const gateways = new Map(model.gateways.map((gateway) => [gateway.name, gateway]));
  const findings = structureFindings(model);
  const sidesAt = new Map<string, TunnelSide[]>();
  for (const tunnel of model.tunnels) {
    const ends = endsOf(tunnel, gateways);
    // Said by the structure.
    if (ends === undefined) continue;
    findings.push(...checkTunnel(tunnel, ends, context));
    yield;
    for (const side of ends.sides) {
      const known = sidesAt.get(side.local.name);
      if (known === undefined) sidesAt.set(side.local.name, [side]);
      else known.push(side);
    }
  }
  for (const gateway of model.gateways) {
    findings.push(...gatewayFindings(gateway, sidesAt.get(gateway.name) ?? []));
    yield;
  }
  findings.push(...oldPairs(model, gateways));
  return sortFindings(findings);
}

export function endsOf(
  tunnel: Tunnel,
  gateways: ReadonlyMap<string, Gateway>,
): TunnelEnds | undefined {
  const first = gateways.get(tunnel.ends[0].gateway);
  const second = gateways.get(tunnel.ends[1].gateway);
  if (first === undefined || second === undefined) return undefined;
  return {
    sides: [sideBetween(tunnel, 0, first, second), sideBetween(tunnel, 1, second, first)],
    gateways: [first, second],
  };
}

/** One tunnel, opt-ins laid over. */
export function checkTunnel(tunnel: Tunnel, ends: TunnelEnds, context: CheckContext): Finding[] {
  const sink = new FindingSink(tunnel.name);
  const [first, second] = ends.sides;
  tunnelFindings(tunnel, ends, sink);
  secretFindings(tunnel, secretsOf(tunnel), context, sink);
  sideWeaknesses(first, context, sink);
  sideWeaknesses(second, context, sink);
  gatewayWeaknesses(first, ends.gateways[0], sink);
  gatewayWeaknesses(second, ends.gateways[1], sink);
  const findings = [...compareSides(first, second, context), ...sink.findings];
  return applyOptIns(tunnel, findings, context.now);
}

function secretsOf({ authentication, ends }: Tunnel): string[] {
  return [
    ...secretNames(authentication, 0),
    ...secretNames(authentication, 1),
    ...ends.flatMap(({ override }) => override?.secret ?? []),
  ];
}

/**
 * One IKEv1 tunnel for each pair of addresses: a main-mode responder must choose its configuration before
 * it knows who the peer is (RFC 2409 section 5.4).
 */
function oldPairs(model: IpsecModel, gateways: ReadonlyMap<string, Gateway>): Finding[] {
  const seen = new Map<string, string>();
  return model.tunnels.flatMap((tunnel) => {
    if (tunnel.ike.version === 2 || !tunnel.enabled) return [];
    const addresses = tunnel.ends.map(({ gateway }) => {
      const reach = gateways.get(gateway)?.reach;
      return reach?.kind === "static" ? reach.address : gateway;
    });
    const pair = addresses.sort().join(" and ");
    const before = seen.get(pair);
    if (before === undefined) {
      seen.set(pair, tunnel.name);
      return [];
    }
    const sink = new FindingSink(tunnel.name);
    sink.add("ikev1-pair-twice", {
      message: `${before} is an IKEv1 tunnel between ${pair}, too`,
      remedy: "make one tunnel of the two with more networks, or use IKEv2",
    });
    return sink.findings;
  });
}
