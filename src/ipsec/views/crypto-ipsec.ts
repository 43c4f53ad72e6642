/** Phase-2 SAs as PIX shows them (`show crypto ipsec sa`), a row for each pair of networks. */
import type { ChildSa, IkeSa } from "../live/sa.js";
import { maskOfLength, parseRange, prefixesOf, type TunnelSide } from "../model/index.js";
import { addressText } from "../watch/event-words.js";
import { installedChildren } from "../watch/health.js";
import { ivOctets, transformWords } from "./algorithm-words.js";
import type { ViewedTunnel } from "./sa-list.js";

export interface SpiView {
  /** Hex with `0x`, and the same in decimal. */
  readonly spi: string;
  readonly decimal: number;
  readonly transform: string;
  /** `Tunnel, `, `Tunnel, UDP-encaps, `. */
  readonly settings: string;
  readonly slot: number;
  readonly connectionId: number;
  readonly cryptoMap: string;
  /** Undefined = unlimited. */
  readonly kilobytesLeft?: number | undefined;
  readonly secondsLeft?: number | undefined;
  readonly ivOctets: number;
  readonly replayDetection: boolean;
}

export interface CryptoIpsecRow {
  readonly tunnel: string;
  readonly interface: string;
  readonly cryptoMap: string;
  readonly localAddress: string;
  /** `192.168.10.0/255.255.255.0/0/0`: address, mask, protocol, port. */
  readonly localIdent: string;
  readonly remoteIdent: string;
  readonly peer: string;
  readonly flags: string;
  readonly encaps: number;
  readonly encrypt: number;
  readonly digest: number;
  readonly decaps: number;
  readonly decrypt: number;
  readonly verify: number;
  readonly compressed: number;
  readonly decompressed: number;
  readonly notCompressed: number;
  readonly compressFailed: number;
  readonly decompressFailed: number;
  readonly sendErrors: number;
  readonly receiveErrors: number;
  readonly localEndpoint: string;
  readonly remoteEndpoint: string;
  readonly pathMtu: number;
  readonly overhead: number;
  readonly mediaMtu: number;
  /** Hex; empty without an SA. */
  readonly outboundSpi: string;
  readonly inboundEsp: readonly SpiView[];
  readonly outboundEsp: readonly SpiView[];
  readonly inboundAh: readonly SpiView[];
  readonly outboundAh: readonly SpiView[];
  readonly inboundPcp: readonly SpiView[];
  readonly outboundPcp: readonly SpiView[];
}

/** What the model says of sizes, of its own calculation. */
export type OverheadOf = (side: TunnelSide) => number;

export function cryptoIpsecList(
  tunnels: readonly ViewedTunnel[],
  overheadOf: OverheadOf,
): CryptoIpsecRow[] {
  return tunnels.flatMap((tunnel) => {
    const children = installedChildren(tunnel.sas);
    if (children.length === 0) return [rowOf(tunnel, undefined, undefined, overheadOf)];
    return tunnel.sas.flatMap((sa) =>
      installedChildren([sa]).map((child) => rowOf(tunnel, sa, child, overheadOf)),
    );
  });
}

function rowOf(
  { side }: ViewedTunnel,
  sa: IkeSa | undefined,
  child: ChildSa | undefined,
  overheadOf: OverheadOf,
): CryptoIpsecRow {
  const map = side.names.cryptoMap ?? side.tunnel;
  const local = sa?.localHost ?? addressText(side, "local");
  const remote = sa?.remoteHost ?? addressText(side, "remote");
  const [out, into] = [child?.packetsOut ?? 0, child?.packetsIn ?? 0];
  const spis = (spi: string, offset: number, bytes: number): SpiView[] =>
    child === undefined || spi === "" || child.protocol === "AH"
      ? []
      : [spiView(side, child, spi, offset, bytes, map)];
  const ah = (spi: string, offset: number, bytes: number): SpiView[] =>
    child?.protocol === "AH" ? [spiView(side, child, spi, offset, bytes, map)] : [];
  return {
    tunnel: side.tunnel,
    interface: side.outgoingInterface,
    cryptoMap: map,
    localAddress: local,
    localIdent: ident(child?.localSelectors[0] ?? side.selectors[0]?.local),
    remoteIdent: ident(child?.remoteSelectors[0] ?? side.selectors[0]?.remote),
    peer: remote,
    flags: side.kind === "policy-based" ? "{origin_is_acl,}" : "{}",
    encaps: out,
    encrypt: out,
    digest: out,
    decaps: into,
    decrypt: into,
    verify: into,
    // Nobody here compresses, and the daemon does not count what it could not send.
    compressed: 0,
    decompressed: 0,
    notCompressed: 0,
    compressFailed: 0,
    decompressFailed: 0,
    sendErrors: 0,
    receiveErrors: 0,
    localEndpoint: local,
    remoteEndpoint: remote,
    pathMtu: side.mtu.path,
    overhead: overheadOf(side),
    mediaMtu: side.mtu.path,
    outboundSpi: child?.spiOut ?? "",
    inboundEsp: spis(child?.spiIn ?? "", 0, child?.bytesIn ?? 0),
    outboundEsp: spis(child?.spiOut ?? "", 1, child?.bytesOut ?? 0),
    inboundAh: ah(child?.spiIn ?? "", 0, child?.bytesIn ?? 0),
    outboundAh: ah(child?.spiOut ?? "", 1, child?.bytesOut ?? 0),
    inboundPcp: [],
    outboundPcp: [],
  };
}

function spiView(
  side: TunnelSide,
  child: ChildSa,
  spi: string,
  offset: number,
  bytes: number,
  cryptoMap: string,
): SpiView {
  const { lifetimeKilobytes, replayWindow } = side.child;
  const mode = child.mode === "TRANSPORT" ? "Transport" : "Tunnel";
  return {
    spi: `0x${spi}`,
    decimal: parseInt(spi, 16) || 0,
    transform: transformWords(child),
    settings: child.encapsulated ? `${mode}, UDP-encaps, ` : `${mode}, `,
    slot: 0,
    connectionId: 2 * child.uniqueId + offset,
    cryptoMap,
    kilobytesLeft:
      lifetimeKilobytes === 0
        ? undefined
        : Math.max(0, lifetimeKilobytes - Math.ceil(bytes / 1024)),
    secondsLeft: child.lifeSeconds,
    ivOctets: ivOctets(child),
    replayDetection: replayWindow > 0,
  };
}

/** Of a range that is no prefix: its ends. Protocol and port as the daemon puts them behind, in brackets. */
function ident(text = ""): string {
  const [, network = text, inside = ""] = /^([^[]*)(?:\[(.*)\])?$/.exec(text) ?? [];
  const [protocol = "0", port = "0"] = inside === "" ? [] : inside.split("/");
  const range = parseRange(network);
  if (range === undefined) return `${network}/${protocol}/${port}`;
  const prefixes = prefixesOf(range);
  const [address = network, length = ""] = (prefixes.length === 1 ? prefixes[0]! : network).split(
    "/",
  );
  const mask = length === "" ? "" : range.version === 4 ? maskOfLength(Number(length)) : length;
  return `${address}/${mask}/${protocol}/${port}`;
}
