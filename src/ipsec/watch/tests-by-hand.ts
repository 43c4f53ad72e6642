/** What an operator has done through a tunnel at once: pings with counters, the largest packet, reachability. */
import { networkInterfaces } from "node:os";
import { tunnelMtu } from "../check/mtu.js";
import type { IkeSa } from "../live/sa.js";
import { canonicalAddress, parseRange, prefixesOf, type TunnelSide } from "../model/index.js";
import type { CounterChange, PacketSize, Reach, TunnelPing, TunnelPingResult } from "./control.js";
import { WatchError } from "./error.js";
import { addressText } from "./event-words.js";
import { installedChildren } from "./health.js";
import { largestPacket, ping, pingFault, type PingOrder, type RunProgram } from "./ping.js";

const COUNT = 5;

export interface HandParts {
  readonly run: RunProgram;
  /** As of now. */
  readonly sas: (tunnel: string) => Promise<readonly IkeSa[]>;
}

export async function pingTunnel(
  { run, sas }: HandParts,
  side: TunnelSide,
  order: TunnelPing,
): Promise<TunnelPingResult> {
  const what = checked(side, order);
  const before = countersOf(await sas(side.tunnel));
  const { sent, received, averageMs, text } = await ping(run, what);
  const after = countersOf(await sas(side.tunnel));
  const counters = difference(before, after);
  return {
    tunnel: side.tunnel,
    destination: what.destination,
    sent,
    received,
    averageMs,
    counters,
    text: resultText(sent, received, counters, text),
  };
}

export async function measurePacket(
  { run }: HandParts,
  side: TunnelSide,
  order: TunnelPing,
): Promise<PacketSize> {
  const { destination, source } = checked(side, order);
  const { inner, path } = tunnelMtu(side);
  const largest = await largestPacket(run, { destination, source }, path);
  const text =
    largest === undefined
      ? "nothing comes back, not even the smallest packet"
      : largest < inner
        ? `packets over ${largest} octets are lost, ${inner} should pass: lower the MTU, or clamp TCP's MSS`
        : "what should pass, passes";
  return { tunnel: side.tunnel, destination, largest, expected: inner, text };
}

/** Plain reachability of the gateways' outside addresses, before any tunnel is there. */
export async function reachOf(run: RunProgram, side: TunnelSide): Promise<Reach[]> {
  const local = addressText(side, "local");
  const remote = addressText(side, "remote");
  const own = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .some(({ address }) => canonicalAddress(address) === canonicalAddress(local));
  const mine: Reach = {
    tunnel: side.tunnel,
    gateway: side.local.name,
    address: local,
    side: "local",
    reachable: own,
    text: own
      ? "the address is on an interface of this machine"
      : "this machine does not have the address: add it to an interface, or correct the gateway's",
  };
  if (side.remote.reach.kind !== "static") {
    const text = "its address is not known beforehand";
    return [mine, { ...theirs(side, remote), reachable: false, text }];
  }
  const { sent, received, averageMs, text } = await ping(run, {
    destination: remote,
    source: own ? local : undefined,
    count: 3,
  });
  const answer =
    received > 0
      ? `${received} of ${sent} pings answered, ${averageMs ?? 0} ms`
      : `no answer${text === "" ? "" : ` (${text})`}: check routes and the peer; some gateways do not answer pings`;
  return [mine, { ...theirs(side, remote), reachable: received > 0, text: answer }];
}

function theirs(side: TunnelSide, address: string): Omit<Reach, "reachable" | "text"> {
  return { tunnel: side.tunnel, gateway: side.remote.name, address, side: "remote" };
}

/** Where the probe goes when nobody says: the monitor's destination, else the first host behind the far end. */
export function probeTarget(side: TunnelSide): string | undefined {
  const named = side.monitor?.destination;
  if (named !== undefined) return named;
  const network = side.remoteNetworks[0];
  const range = network === undefined ? undefined : parseRange(network);
  if (range === undefined) return addressText(side, "remote") || undefined;
  const host = range.first === range.last ? range.first : range.first + 1n;
  return prefixesOf({ version: range.version, first: host, last: host })[0]?.split("/")[0];
}

function checked(side: TunnelSide, order: TunnelPing): PingOrder {
  const destination = order.destination ?? probeTarget(side);
  if (destination === undefined) {
    throw new WatchError("invalid", `${side.tunnel} has no network to ping: name a destination`);
  }
  const source = order.source ?? side.monitor?.source;
  const full: PingOrder = { destination, source, count: order.count ?? COUNT, size: order.size };
  const fault = pingFault(full);
  if (fault !== undefined) throw new WatchError("invalid", fault);
  return full;
}

export function countersOf(sas: readonly IkeSa[]): CounterChange {
  const children = installedChildren(sas);
  return {
    encaps: children.reduce((sum, { packetsOut }) => sum + packetsOut, 0),
    decaps: children.reduce((sum, { packetsIn }) => sum + packetsIn, 0),
  };
}

/** A renewal meanwhile begins to count anew: what is told then is what the new SA has. */
function difference(before: CounterChange, after: CounterChange): CounterChange {
  const since = (a: number, b: number): number => (b >= a ? b - a : b);
  return {
    encaps: since(before.encaps, after.encaps),
    decaps: since(before.decaps, after.decaps),
  };
}

function resultText(
  sent: number,
  received: number,
  counters: CounterChange,
  words: string,
): string {
  if (received > 0) {
    if (counters.encaps === 0) {
      return "answered, but not through this tunnel: its counters did not move; look at routes and selectors";
    }
    return received === sent ? "all answered, through the tunnel" : "some were lost";
  }
  const why = words === "" ? "" : ` (${words})`;
  if (counters.encaps === 0)
    return `nothing entered the tunnel${why}: look at routes and selectors here`;
  if (counters.decaps === 0) {
    return `packets went in and none came out${why}: look at the far side, and at ESP on the way`;
  }
  return `the tunnel passes packets, but the destination does not answer${why}`;
}
