/** Routes for tests of the FIB, written as octets by the book (RFC 7432 section 7): none of the codec is used. */
import type { FibSettings } from "../../../src/fib/settings.js";
import { DEFAULT_FIB_SETTINGS } from "../../../src/fib/settings.js";

export interface AttrSpec {
  /** `10.0.0.1` or 32 hex digits. */
  readonly nextHop: string;
  /** `65000:100`. */
  readonly targets: readonly string[];
  readonly sequence?: number | undefined;
  readonly sticky?: boolean | undefined;
  /** Tunnel type; 8 (VXLAN) unless told, 0 = no community. */
  readonly tunnel?: number | undefined;
  readonly gateway?: boolean | undefined;
  /** Flags octet of the ARP/ND community. */
  readonly arpNd?: number | undefined;
  readonly routerMac?: string | undefined;
  readonly esiLabel?:
    { readonly singleActive: boolean; readonly label: number; readonly sht?: number } | undefined;
  /** ES-Import route target. */
  readonly esImport?: string | undefined;
  /** Of DF election communities, in order. */
  readonly df?: readonly { readonly alg: number; readonly bitmap: number; readonly pref: number }[];
  readonly pmsiLabel?: number | undefined;
  readonly localPref?: number | undefined;
  readonly asPath?: readonly number[] | undefined;
  readonly origin?: number | undefined;
}

export const NO_ESI = "00".repeat(10);
export const MAX_ESI = "ff".repeat(10);
export const MAX_ET = 0xffffffff;

export function hex(value: number, octets: number): string {
  return value.toString(16).padStart(octets * 2, "0");
}

/** Octets of a dotted quad; anything else is hex already. */
export function addressHex(text: string): string {
  if (!text.includes(".")) return text;
  return text
    .split(".")
    .map((part) => hex(Number(part), 1))
    .join("");
}

/** RD of type 1: `10.0.0.1:5`, or a number for a PE-less one. */
export function rdHex(rd: string): string {
  const [address, number] = rd.split(":") as [string, string];
  return `0001${addressHex(address)}${hex(Number(number), 2)}`;
}

export function targetHex(target: string): string {
  const [as, number] = target.split(":") as [string, string];
  if (as.includes(".")) return `0102${addressHex(as)}${hex(Number(number), 2)}`;
  return `0002${hex(Number(as), 2)}${hex(Number(number), 4)}`;
}

function envelope(type: number, body: string): string {
  return hex(type, 1) + hex(body.length / 2, 1) + body;
}

export interface MacRoute {
  readonly rd: string;
  readonly mac: string;
  readonly esi?: string | undefined;
  readonly tag?: number | undefined;
  readonly ip?: string | undefined;
  readonly label?: number | undefined;
  readonly label2?: number | undefined;
}

export function macIp(route: MacRoute): string {
  const ip = route.ip === undefined ? "" : addressHex(route.ip);
  return envelope(
    2,
    rdHex(route.rd) +
      (route.esi ?? NO_ESI) +
      hex(route.tag ?? 0, 4) +
      "30" +
      route.mac.replaceAll(":", "") +
      hex(ip.length * 4, 1) +
      ip +
      hex(route.label ?? 100, 3) +
      (route.label2 === undefined ? "" : hex(route.label2, 3)),
  );
}

export function ethernetAd(rd: string, esi: string, tag: number, label: number): string {
  return envelope(1, rdHex(rd) + esi + hex(tag, 4) + hex(label, 3));
}

export function imet(rd: string, tag: number, originator: string): string {
  const ip = addressHex(originator);
  return envelope(3, rdHex(rd) + hex(tag, 4) + hex(ip.length * 4, 1) + ip);
}

export function ethernetSegment(rd: string, esi: string, originator: string): string {
  const ip = addressHex(originator);
  return envelope(4, rdHex(rd) + esi + hex(ip.length * 4, 1) + ip);
}

function attribute(flags: number, code: number, value: string): string {
  const octets = value.length / 2;
  return octets > 255
    ? hex(flags | 0x10, 1) + hex(code, 1) + hex(octets, 2) + value
    : hex(flags, 1) + hex(code, 1) + hex(octets, 1) + value;
}

function esiFlags({ singleActive, sht = 0 }: NonNullable<AttrSpec["esiLabel"]>): string {
  return hex((sht << 6) | (singleActive ? 1 : 0), 1);
}

/** Canonical attributes: ascending, as the table keeps them. */
export function attributesHex(spec: AttrSpec): string {
  const as = spec.asPath ?? [];
  const path = as.length === 0 ? "" : `02${hex(as.length, 1)}${as.map((n) => hex(n, 4)).join("")}`;
  const communities = [
    ...spec.targets.map(targetHex),
    ...(spec.tunnel === 0 ? [] : [`030c00000000${hex(spec.tunnel ?? 8, 2)}`]),
    ...(spec.gateway === true ? ["030d000000000000"] : []),
    ...(spec.sequence === undefined && spec.sticky !== true
      ? []
      : [`0600${spec.sticky === true ? "01" : "00"}00${hex(spec.sequence ?? 0, 4)}`]),
    ...(spec.esiLabel === undefined
      ? []
      : [`0601${esiFlags(spec.esiLabel)}0000${hex(spec.esiLabel.label, 3)}`]),
    ...(spec.esImport === undefined ? [] : [`0602${spec.esImport.replaceAll(":", "")}`]),
    ...(spec.routerMac === undefined ? [] : [`0603${spec.routerMac.replaceAll(":", "")}`]),
    ...(spec.df ?? []).map(
      ({ alg, bitmap, pref }) => `0606${hex(alg, 1)}${hex(bitmap, 2)}00${hex(pref, 2)}`,
    ),
    ...(spec.arpNd === undefined ? [] : [`0608${hex(spec.arpNd, 1)}0000000000`]),
  ];
  return (
    attribute(0x40, 1, hex(spec.origin ?? 0, 1)) +
    attribute(0x40, 2, path) +
    attribute(0x40, 5, hex(spec.localPref ?? 100, 4)) +
    (communities.length === 0 ? "" : attribute(0xc0, 16, communities.join(""))) +
    (spec.pmsiLabel === undefined
      ? ""
      : attribute(0xc0, 22, `0006${hex(spec.pmsiLabel, 3)}${addressHex(spec.nextHop)}`))
  );
}

export function settings(change: Partial<FibSettings> = {}): FibSettings {
  return { ...DEFAULT_FIB_SETTINGS, ...change };
}
