/**
 * Pings through a tunnel, by the system's `ping`: what it is called with, and what its words mean. Probes of
 * the monitor are one packet; a test by hand is some, and tells the SA's counters before and after; the search
 * for the largest packet that passes sets the DF bit.
 */
import { isIP } from "node:net";
import { canonicalAddress } from "../model/index.js";

export interface PingOrder {
  readonly destination: string;
  /** Address or interface that it leaves by; undefined = the system's choice. */
  readonly source?: string | undefined;
  /** 1 to 100. */
  readonly count: number;
  /** Octets of data: 28 less than the IPv4 packet, 48 less than the IPv6 one. */
  readonly size?: number | undefined;
  readonly dontFragment?: boolean | undefined;
}

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** Milliseconds; undefined when none came back. */
  readonly averageMs: number | undefined;
  /** The MTU that a router, or our own interface, told. */
  readonly mtu: number | undefined;
  /** What stood in its way, in its words; empty for nothing. */
  readonly text: string;
}

/** Runs a program without a shell; never rejects. `out` is bounded. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  timeoutMs: number,
) => Promise<{ readonly code: number; readonly out: string }>;

const INTERFACE = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/;

/** @returns the sentence that says what is wrong with the order, or undefined */
export function pingFault({ destination, source, count, size }: PingOrder): string | undefined {
  if (isIP(destination) === 0) return `"${destination}" is no IP address`;
  if (source !== undefined && isIP(source) === 0 && !INTERFACE.test(source)) {
    return `"${source}" is neither an IP address nor an interface`;
  }
  if (!Number.isInteger(count) || count < 1 || count > 100) return "count must be 1 to 100";
  if (size !== undefined && (!Number.isInteger(size) || size < 0 || size > 65_000)) {
    return "size must be 0 to 65000";
  }
  return undefined;
}

export function pingArguments(order: PingOrder): string[] {
  const { destination, source, count, size, dontFragment } = order;
  return [
    "-n",
    ...["-c", String(count)],
    // Sends the next when the one before is answered, at the latest after 200 ms.
    ...["-i", "0.2", "-W", "1"],
    ...(source === undefined ? [] : ["-I", source]),
    ...(size === undefined ? [] : ["-s", String(size)]),
    ...(dontFragment === true ? ["-M", "do"] : []),
    canonicalAddress(destination) ?? destination,
  ];
}

/** What it may take altogether. */
export function pingMilliseconds({ count }: PingOrder): number {
  return 200 * count + 5000;
}

export function readPing(out: string): PingResult {
  const [, sent = "0", received = "0"] =
    /(\d+) packets transmitted, (\d+) received/.exec(out) ?? [];
  const average = /= [\d.]+\/([\d.]+)\//.exec(out)?.[1];
  const mtu = /(?:mtu = |mtu=|local error: message too long, mtu[:=] ?)(\d+)/i.exec(out)?.[1];
  return {
    sent: Number(sent),
    received: Number(received),
    averageMs: average === undefined ? undefined : Number(average),
    mtu: mtu === undefined ? undefined : Number(mtu),
    text: obstacle(out),
  };
}

function obstacle(out: string): string {
  const line = out
    .split("\n")
    .find((one) =>
      /unreachable|too long|frag needed|prohibited|not permitted|invalid|cannot|unknown/i.test(one),
    );
  return line === undefined
    ? ""
    : line
        .replace(/^ping: /, "")
        .trim()
        .slice(0, 200);
}

export async function ping(run: RunProgram, order: PingOrder): Promise<PingResult> {
  const { out } = await run("ping", pingArguments(order), pingMilliseconds(order));
  const result = readPing(out);
  // It sends nothing at all where there is no way out: count that as lost.
  return result.sent === 0 ? { ...result, sent: order.count } : result;
}

/**
 * The largest IPv4 or IPv6 packet, octets, that comes back whole; undefined when not even the least does.
 * @param least 576 for IPv4, 1280 for IPv6
 */
export async function largestPacket(
  run: RunProgram,
  order: Omit<PingOrder, "count" | "size" | "dontFragment">,
  most: number,
): Promise<number | undefined> {
  const overhead = isIP(order.destination) === 6 ? 48 : 28;
  const passes = async (packet: number): Promise<boolean> => {
    const size = packet - overhead;
    const { received } = await ping(run, { ...order, count: 1, size, dontFragment: true });
    return received > 0;
  };
  let low = overhead === 48 ? 1280 : 576;
  if (!(await passes(low))) return undefined;
  let high = most;
  if (await passes(high)) return high;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}
