/** How much of a connection's data lies in the kernel right now, both ends, from /proc/PID/net/tcp. */
import { readFileSync } from "node:fs";

interface Row {
  readonly local: number;
  readonly remote: number;
  readonly sendQueue: number;
  readonly receiveQueue: number;
}

/** Rows of the table in `path`: ports, and queues in octets. */
export function parseTcpTable(text: string): Row[] {
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 4)
    .map((fields) => {
      const port = (field: string | undefined): number =>
        Number.parseInt((field ?? "").split(":")[1] ?? "", 16);
      const [send, receive] = (fields[4] ?? "").split(":").map((part) => Number.parseInt(part, 16));
      return {
        local: port(fields[1]),
        remote: port(fields[2]),
        sendQueue: send ?? 0,
        receiveQueue: receive ?? 0,
      };
    });
}

/**
 * Octets between a target and one of our sockets: our receive queue and, when the target is on this
 * machine, its send queue. Undefined where /proc does not tell.
 */
export function octetsInFlight(
  ourPort: number,
  theirPort: number,
  targetPid: number | undefined,
): number | undefined {
  try {
    const ours = parseTcpTable(readFileSync("/proc/self/net/tcp", "utf8"));
    const theirs = parseTcpTable(readFileSync(`/proc/${targetPid ?? "self"}/net/tcp`, "utf8"));
    const here = ours.find((row) => row.local === ourPort && row.remote === theirPort);
    const there = theirs.find((row) => row.local === theirPort && row.remote === ourPort);
    if (here === undefined) return undefined;
    return here.receiveQueue + (there?.sendQueue ?? 0);
  } catch {
    return undefined;
  }
}
