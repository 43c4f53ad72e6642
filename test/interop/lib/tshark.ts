/** What tshark says of a capture, and captures of what passes a namespace's loopback. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pcap, tcpFrame } from "../../cli/lib/capture.js";
import { command } from "./command.js";
import { Dumpcap } from "./dumpcap.js";
import type { Lab } from "./lab.js";

/** What tshark finds wrong in a file, a line each: malformed frames, and notes from "warning" on. */
export async function complaints(
  file: string,
  options: readonly string[],
  filter: string,
): Promise<string> {
  return command("tshark", [
    ...["-r", file, ...options],
    ...["-Y", `(${filter}) && (_ws.malformed || _ws.expert.severity >= 6291456)`],
    ...["-T", "fields", "-e", "frame.number", "-e", "_ws.expert.message"],
  ]);
}

/** Values of fields in frames that pass a display filter: by frame, by field, each that occurs. */
export async function fields(
  file: string,
  options: readonly string[],
  filter: string,
  names: readonly string[],
): Promise<string[][][]> {
  const wanted = names.flatMap((name) => ["-e", name]);
  const lines = await command("tshark", [
    ...["-r", file, ...options, "-Y", filter, "-T", "fields", ...wanted],
  ]);
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t").map((values) => values.split(",").filter((one) => one !== "")));
}

/** How tshark is told that a port is BMP. */
export function asBmp(port: number): string[] {
  return ["-d", `tcp.port==${String(port)},bmp`];
}

/** Types of the BMP messages in a capture, as tshark reads them. */
export async function bmpTypes(file: string, port: number): Promise<string[]> {
  return (await fields(file, asBmp(port), "bmp", ["bmp.type"])).flat(2);
}

/** Captures a TCP port of the namespace's loopback. */
export function startCapture(lab: Lab, port: number, label = "lo"): Promise<Dumpcap> {
  const file = join(lab.makeDirectory("capture"), `port-${String(port)}.pcapng`);
  return Dumpcap.start(lab, { label, interface: "lo", filter: `tcp port ${String(port)}`, file });
}

/** A capture with each message in a connection of its own, as tshark has no reader for MRT. */
export function captureOf(file: string, messages: readonly Uint8Array[]): void {
  const frames = messages.map((bytes, i) => {
    const from = { address: "10.99.0.3", port: 20_000 + i };
    const frame = Buffer.from(tcpFrame(from, { address: "10.99.0.254", port: 179 }, 1, bytes));
    // TTL and window, about which tshark has an opinion.
    frame.writeUInt8(64, 22);
    frame.writeUInt16BE(65535, 48);
    return frame;
  });
  const bytes = pcap(frames);
  bytes.writeUInt16LE(2, 4);
  bytes.writeUInt16LE(4, 6);
  bytes.writeUInt32LE(262144, 16);
  writeFileSync(file, bytes);
}
