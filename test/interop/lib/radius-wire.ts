/**
 * RADIUS on the wire of a namespace: dumpcap records it, tshark gives the datagrams back and its opinion of
 * them, and attributes are taken apart here, with nothing of the relay's.
 */
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { command } from "./command.js";
import { Dumpcap } from "./dumpcap.js";
import type { Lab } from "./lab.js";

export interface WireAttribute {
  readonly type: number;
  readonly value: Buffer;
}

export interface WirePacket {
  readonly from: number;
  readonly to: number;
  readonly bytes: Buffer;
  readonly code: number;
  readonly identifier: number;
  readonly attributes: readonly WireAttribute[];
}

export class RadiusCapture {
  private readonly dumpcap: Dumpcap;

  private constructor(dumpcap: Dumpcap) {
    this.dumpcap = dumpcap;
  }

  get file(): string {
    return this.dumpcap.file;
  }

  static async start(lab: Lab, label: string, ports: readonly number[]): Promise<RadiusCapture> {
    const file = join(lab.makeDirectory("capture"), `radius-${label}.pcapng`);
    const filter = ports.map((port) => `udp port ${String(port)}`).join(" or ");
    return new RadiusCapture(await Dumpcap.start(lab, { label, interface: "lo", filter, file }));
  }

  /** Ends the capture. @returns all datagrams in the order they passed */
  async finish(): Promise<WirePacket[]> {
    await this.dumpcap.stop();
    const names = ["udp.srcport", "udp.dstport", "udp.payload"];
    const text = await command("tshark", [
      ...["-r", this.file, "-T", "fields", ...names.flatMap((name) => ["-e", name])],
    ]);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [from, to, payload = ""] = line.split("\t");
        const bytes = Buffer.from(payload.replaceAll(":", ""), "hex");
        return { ...taken(bytes), from: Number(from), to: Number(to), bytes };
      });
  }

  /** How many packets of a port tshark finds good, and its complaints. Responses and accounting are what it can check. */
  async judged(port: number, secret: string): Promise<{ valid: number; complaints: string }> {
    const radius = [
      ...["-d", `udp.port==${String(port)},radius`, "-o", `radius.shared_secret:${secret}`],
      ...["-o", "radius.validate_authenticator:TRUE"],
    ];
    const ask = (filter: string): Promise<string> =>
      command("tshark", [
        ...["-r", this.file, ...radius, "-Y", `udp.port == ${String(port)} && (${filter})`],
      ]);
    const valid = await ask("radius.authenticator.valid == 1");
    const bad = "radius.authenticator.invalid == 1 || _ws.malformed || !radius";
    return { valid: valid.split("\n").length - 1, complaints: await ask(bad) };
  }
}

function taken(bytes: Buffer): Pick<WirePacket, "code" | "identifier" | "attributes"> {
  const attributes: WireAttribute[] = [];
  const length = bytes.readUInt16BE(2);
  for (let at = 20; at < length;) {
    const size = bytes.readUInt8(at + 1);
    if (size < 2) throw new Error("an attribute of no length");
    attributes.push({ type: bytes.readUInt8(at), value: bytes.subarray(at + 2, at + size) });
    at += size;
  }
  return { code: bytes.readUInt8(0), identifier: bytes.readUInt8(1), attributes };
}

/** Its Message-Authenticator fits. @param field the authenticator of the request, for an answer */
export function isSigned(packet: WirePacket, secret: string, field?: Uint8Array): boolean {
  const copy = Buffer.from(packet.bytes);
  if (field !== undefined) copy.set(field, 4);
  let at = 20;
  for (const { type, value } of packet.attributes) {
    if (type === 80) {
      copy.fill(0, at + 2, at + 18);
      return createHmac("md5", secret).update(copy).digest().equals(value);
    }
    at += value.length + 2;
  }
  return false;
}

/** User-Password in clear, padding off (RFC 2865 section 5.2). */
export function passwordOf(packet: WirePacket, secret: string): string | undefined {
  const hidden = packet.attributes.find(({ type }) => type === 2)?.value;
  if (hidden === undefined) return undefined;
  const plain = Buffer.alloc(hidden.length);
  let before = packet.bytes.subarray(4, 20);
  for (let at = 0; at < hidden.length; at += 16) {
    const pad = createHash("md5").update(secret).update(before).digest();
    for (let i = 0; i < 16; i++) plain[at + i] = (hidden[at + i] ?? 0) ^ (pad[i] ?? 0);
    before = hidden.subarray(at, at + 16);
  }
  return plain.toString().replace(/\0+$/, "");
}
