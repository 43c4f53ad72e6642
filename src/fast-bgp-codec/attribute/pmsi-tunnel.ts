/** PMSI_TUNNEL (RFC 6514 section 5, RFC 7432 section 11.2): 1 flags | 1 type | 3 label | identifier. */
import { fromHex, readU8, toHex } from "../../util/bytes.js";
import { PmsiTunnelType } from "../iana.js";
import { formatIp, parseIp } from "../values/ip.js";
import { decodeLabel, writeLabel, type Label } from "../values/label.js";
import { must, type ValueCodec } from "./value-codec.js";

export interface PmsiTunnel {
  readonly flags: number;
  readonly tunnelType: number;
  readonly label: Label;
  /** Ingress replication: the endpoint. PIM: root or sender, and group. Others: hex. */
  readonly tunnelId: string | readonly string[];
}

function isPim(type: number): boolean {
  return type >= PmsiTunnelType.PimSsm && type <= PmsiTunnelType.PimBidir;
}

function decodeId(bytes: Uint8Array, type: number, at: number, end: number): string | string[] {
  if (type === PmsiTunnelType.IngressReplication) return formatIp(bytes, at, end - at);
  if (!isPim(type)) return toHex(bytes, at, end);
  const half = (end - at) / 2;
  return [formatIp(bytes, at, half), formatIp(bytes, at + half, half)];
}

function encodeId({ tunnelType, tunnelId }: PmsiTunnel): Uint8Array {
  const addresses = isPim(tunnelType) || tunnelType === PmsiTunnelType.IngressReplication;
  const texts = typeof tunnelId === "string" ? [tunnelId] : tunnelId;
  const parse = addresses ? parseIp : fromHex;
  return Buffer.concat(texts.map((text) => must(parse(text), "a tunnel identifier", text)));
}

export const pmsiTunnelCodec: ValueCodec<PmsiTunnel> = {
  decode: (bytes, start, end) => {
    const tunnelType = readU8(bytes, start + 1);
    return {
      flags: readU8(bytes, start),
      tunnelType,
      label: decodeLabel(bytes, start + 2),
      tunnelId: decodeId(bytes, tunnelType, start + 5, end),
    };
  },
  encode: (value) => {
    const id = encodeId(value);
    const bytes = new Uint8Array(5 + id.length);
    bytes[0] = value.flags;
    bytes[1] = value.tunnelType;
    writeLabel(bytes, 2, value.label);
    bytes.set(id, 5);
    return bytes;
  },
  format: ({ tunnelType, label, tunnelId }) => {
    const id = typeof tunnelId === "string" ? tunnelId : tunnelId.join(",");
    return `type ${tunnelType} label 0x${label.raw} ${id}`;
  },
};
