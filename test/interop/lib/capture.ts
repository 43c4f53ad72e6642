/**
 * What was on the wire: dumpcap records a namespace's BGP, tshark gives the TCP payload back, and
 * each direction of each connection becomes messages and a table. Owes nothing to any speaker.
 */
import { join } from "node:path";
import { command } from "./command.js";
import { Dumpcap } from "./dumpcap.js";
import type { Lab } from "./lab.js";
import { Framer, MessageType, messageType, WireTable } from "./wire.js";

export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly messages: readonly Buffer[];
  /** What `from` has told `to`. */
  readonly table: WireTable;
}

interface Segment {
  readonly sequence: number;
  readonly payload: Buffer;
}

export class Capture {
  private readonly dumpcap: Dumpcap;

  private constructor(dumpcap: Dumpcap) {
    this.dumpcap = dumpcap;
  }

  get file(): string {
    return this.dumpcap.file;
  }

  /** @param filter which packets, as libpcap writes it; only those of BGP can be taken apart */
  static async start(
    lab: Lab,
    label: string,
    interfaceName: string,
    filter = "tcp port 179",
  ): Promise<Capture> {
    const file = join(lab.makeDirectory("capture"), `${label}-${interfaceName}.pcapng`);
    return new Capture(await Dumpcap.start(lab, { label, interface: interfaceName, filter, file }));
  }

  /** Ends the capture; the file is complete then. */
  stop(): Promise<void> {
    return this.dumpcap.stop();
  }

  /** Ends the capture and takes it apart; the newest connection of each pair of addresses wins. */
  async finish(): Promise<Flow[]> {
    await this.stop();
    const fields = [
      "ip.src",
      "ip.dst",
      "tcp.srcport",
      "tcp.dstport",
      "tcp.stream",
      "tcp.seq",
      "tcp.payload",
    ];
    const text = await command("tshark", [
      ...["-r", this.file, "--disable-protocol", "bgp", "-Y", "tcp.len > 0", "-T", "fields"],
      ...fields.flatMap((field) => ["-e", field]),
    ]);
    const streams = new Map<string, { from: string; to: string; segments: Segment[] }>();
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const [from = "", to = "", fromPort, toPort, stream, sequence, payload = ""] =
        line.split("\t");
      const key = [stream, from, fromPort, to, toPort].join(" ");
      const entry = streams.get(key) ?? { from, to, segments: [] };
      streams.set(key, entry);
      entry.segments.push({
        sequence: Number(sequence),
        payload: Buffer.from(payload.replaceAll(":", ""), "hex"),
      });
    }
    const flows = new Map<string, Flow>();
    for (const { from, to, segments } of streams.values()) {
      const flow = flowOf(from, to, segments);
      // A connection that lost a collision or was refused has no KEEPALIVE.
      if (flow.messages.some((each) => messageType(each) === MessageType.Keepalive)) {
        flows.set(`${from} ${to}`, flow);
      }
    }
    return [...flows.values()];
  }
}

function flowOf(from: string, to: string, segments: Segment[]): Flow {
  const framer = new Framer();
  const messages: Buffer[] = [];
  let next: number | undefined;
  for (const { sequence, payload } of segments.sort((a, b) => a.sequence - b.sequence)) {
    next ??= sequence;
    if (sequence > next) throw new Error(`capture misses octets from ${from} to ${to}`);
    const fresh = payload.subarray(next - sequence);
    messages.push(...framer.push(fresh));
    next += fresh.length;
  }
  const table = new WireTable();
  for (const each of messages) if (messageType(each) === MessageType.Update) table.apply(each);
  return { from, to, messages, table };
}
