/**
 * Extended communities between eight octets and one string each (RFC 4360 and the sections named at the
 * rows; layouts in the table below). What is not known is `unknown:` and 16 hex digits.
 *   1 type (0x40: not transitive across ASes) | 1 sub-type | 6 value
 */
import { fromHex, readU16, readU32, readU8 } from "../../util/bytes.js";
import { writeU16, writeU24, writeU32 } from "../../util/bytes.js";
import { shortHex } from "./hex.js";
import { formatIpv4 } from "./ip.js";
import { formatMac, parseMac } from "./mac.js";
import { administratorType, writeAdministrator } from "./rd.js";

/** One kind: text behind the name, from and to the six value octets at `at`. */
interface Kind {
  readonly type: number;
  readonly subtype: number;
  readonly name: string;
  readonly spec: string;
  format(bytes: Uint8Array, at: number): string;
  /** False when the text is not of this kind. */
  parse(text: string, bytes: Uint8Array, at: number): boolean;
}

const flag = (value: number, bit: number): number => ((value & bit) !== 0 ? 1 : 0);
const hex16 = (value: number): string => `0x${value.toString(16).padStart(4, "0")}`;

function mac(type: number, subtype: number, name: string, spec: string): Kind {
  return {
    type,
    subtype,
    name,
    spec,
    format: (bytes, at) => formatMac(bytes, at),
    parse: (text, bytes, at) => {
      const octets = parseMac(text);
      if (octets !== undefined) bytes.set(octets, at);
      return octets !== undefined;
    },
  };
}

/** A row whose text is matched by `pattern`; `write` gets the groups as numbers, read as decimal or as hex. */
function matched(
  [type, subtype, name, spec]: readonly [number, number, string, string],
  format: (bytes: Uint8Array, at: number) => string,
  pattern: RegExp,
  write: (
    bytes: Uint8Array,
    at: number,
    n: (group: number) => number,
    hex: (group: number) => number,
  ) => void,
): Kind {
  return {
    type,
    subtype,
    name,
    spec,
    format,
    parse: (text, bytes, at) => {
      const match = pattern.exec(text);
      if (match === null) return false;
      write(
        bytes,
        at,
        (group) => Number(match[group]),
        (group) => parseInt(match[group]!, 16),
      );
      return true;
    },
  };
}

const EVI_RT = [0x0a, 0x0b, 0x0c, 0x0d].map((subtype, i): Kind => {
  const name = `evi-rt:type${i}`;
  return {
    type: 6,
    subtype,
    name,
    spec: "RFC 9251 section 9.5",
    format: (bytes, at) => shortHex(bytes, at, at + 6),
    parse: (text, bytes, at) => {
      const octets = text.length === 12 ? fromHex(text) : undefined;
      if (octets !== undefined) bytes.set(octets, at);
      return octets !== undefined;
    },
  };
});

const KINDS: readonly Kind[] = [
  matched(
    [3, 0x0b, "color", "RFC 9012 section 4.3"],
    (b, at) => `${hex16(readU16(b, at))}:${readU32(b, at + 2)}`,
    /^(0x[0-9a-f]{4}):(\d{1,10})$/,
    (b, at, n) => {
      writeU16(b, at, n(1));
      writeU32(b, at + 2, n(2));
    },
  ),
  matched(
    [3, 0x0c, "encapsulation", "RFC 9012 section 4.1"],
    (b, at) => `${readU16(b, at + 4)}`,
    /^(\d{1,5})$/,
    (b, at, n) => writeU16(b, at + 4, n(1)),
  ),
  matched(
    [3, 0x0d, "default-gateway", "RFC 7432 section 7.8"],
    () => "",
    /^$/,
    () => undefined,
  ),
  matched(
    [6, 0x00, "mac-mobility", "RFC 7432 section 7.7"],
    (b, at) => `sticky=${readU8(b, at) & 1}:seq=${readU32(b, at + 2)}`,
    /^sticky=([01]):seq=(\d{1,10})$/,
    (b, at, n) => {
      b[at] = n(1);
      writeU32(b, at + 2, n(2));
    },
  ),
  matched(
    [6, 0x01, "esi-label", "RFC 7432 section 7.5"],
    (b, at) => `single-active=${readU8(b, at) & 1}:raw=${shortHex(b, at + 3, at + 6)}`,
    /^single-active=([01]):raw=([0-9a-f]{6})$/,
    (b, at, n, hex) => {
      b[at] = n(1);
      writeU24(b, at + 3, hex(2));
    },
  ),
  mac(6, 0x02, "es-import", "RFC 7432 section 7.6"),
  mac(6, 0x03, "router-mac", "RFC 9135 section 8.1"),
  matched(
    [6, 0x04, "l2-attributes", "RFC 8214 section 3.1"],
    (b, at) => `control=${hex16(readU16(b, at))}:mtu=${readU16(b, at + 2)}`,
    /^control=(0x[0-9a-f]{4}):mtu=(\d{1,5})$/,
    (b, at, n) => {
      writeU16(b, at, n(1));
      writeU16(b, at + 2, n(2));
    },
  ),
  matched(
    [6, 0x05, "e-tree", "RFC 8317 section 5.1"],
    (b, at) => `leaf=${readU8(b, at) & 1}:label-raw=${shortHex(b, at + 3, at + 6)}`,
    /^leaf=([01]):label-raw=([0-9a-f]{6})$/,
    (b, at, n, hex) => {
      b[at] = n(1);
      writeU24(b, at + 3, hex(2));
    },
  ),
  matched(
    [6, 0x06, "df-election", "RFC 8584 section 2.2, RFC 9785"],
    (b, at) =>
      `alg=${readU8(b, at) & 31}:bitmap=${hex16(readU16(b, at + 1))}:pref=${readU16(b, at + 4)}`,
    /^alg=(\d{1,2}):bitmap=(0x[0-9a-f]{4}):pref=(\d{1,5})$/,
    (b, at, n) => {
      b[at] = n(1);
      writeU16(b, at + 1, n(2));
      writeU16(b, at + 4, n(3));
    },
  ),
  matched(
    [6, 0x08, "arp-nd", "RFC 9047 section 2"],
    (b, at) => {
      const flags = readU8(b, at);
      const text = flags.toString(16).padStart(2, "0");
      return `R=${flag(flags, 1)}:O=${flag(flags, 2)}:I=${flag(flags, 8)}:flags=0x${text}`;
    },
    /^R=[01]:O=[01]:I=[01]:flags=(0x[0-9a-f]{2})$/,
    (b, at, n) => {
      b[at] = n(1);
    },
  ),
  matched(
    [6, 0x09, "multicast-flags", "RFC 9251 section 9.4"],
    (b, at) => `I=${readU16(b, at) & 1}:M=${flag(readU16(b, at), 2)}`,
    /^I=([01]):M=([01])$/,
    (b, at, n) => writeU16(b, at, n(1) | (n(2) << 1)),
  ),
  ...EVI_RT,
  matched(
    [0x40, 0x04, "link-bandwidth", "draft-ietf-idr-link-bandwidth"],
    (b, at) => `as${readU16(b, at)}:${formatFloat(readFloat(b, at + 2))} B/s`,
    /^as(\d{1,5}):([-+.0-9a-zA-Z]+) B\/s$/,
    (b, at, n) => {
      writeU16(b, at, n(1));
      new DataView(b.buffer, b.byteOffset).setFloat32(at + 2, n(2));
    },
  ),
];

/** The text of the community in the eight octets at `at`. */
export function formatExtendedCommunity(bytes: Uint8Array, at: number): string {
  const type = readU8(bytes, at);
  const subtype = readU8(bytes, at + 1);
  if (type <= 2 && (subtype === 2 || subtype === 3)) {
    return `${subtype === 2 ? "rt" : "soo"}:${formatAdministrator(type, bytes, at + 2)}`;
  }
  for (const kind of KINDS) {
    if (kind.type !== type || kind.subtype !== subtype) continue;
    const text = kind.format(bytes, at + 2);
    return text === "" ? kind.name : `${kind.name}:${text}`;
  }
  return `unknown:${shortHex(bytes, at, at + 8)}`;
}

/**
 * Eight octets from the text form; undefined when it is none. Reserved bits come out as 0, and
 * `rt:65000:100` with a 2-octet AS: write `rt:65000L:100` for the other form.
 */
export function parseExtendedCommunity(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(8);
  if (text.startsWith("unknown:")) {
    const octets = fromHex(text.slice(8));
    return octets?.length === 8 ? octets : undefined;
  }
  const target = /^(rt|soo):([^:]+):(\d+)$/.exec(text);
  if (target !== null) {
    const administrator = target[2]!;
    const type = administratorType(administrator);
    bytes[0] = type;
    bytes[1] = target[1] === "rt" ? 2 : 3;
    const plain = administrator.replace(/L$/, "");
    return writeAdministrator(bytes, 2, type, plain, target[3]!) ? bytes : undefined;
  }
  for (const kind of KINDS) {
    if (text !== kind.name && !text.startsWith(`${kind.name}:`)) continue;
    bytes[0] = kind.type;
    bytes[1] = kind.subtype;
    const rest = text.slice(kind.name.length + 1);
    return kind.parse(rest, bytes, 2) ? bytes : undefined;
  }
  return undefined;
}

/** `administrator:number` of the six octets at `at`, an L where a 4-octet AS would fit in two. */
function formatAdministrator(type: number, bytes: Uint8Array, at: number): string {
  if (type === 0) return `${readU16(bytes, at)}:${readU32(bytes, at + 2)}`;
  if (type === 1) return `${formatIpv4(bytes, at)}:${readU16(bytes, at + 4)}`;
  const as = readU32(bytes, at);
  return `${as}${as <= 0xffff ? "L" : ""}:${readU16(bytes, at + 4)}`;
}

/** Route target as `administrator:number` of the eight octets at `at`; undefined when they are none. */
export function formatRouteTarget(bytes: Uint8Array, at: number): string | undefined {
  const type = readU8(bytes, at);
  if (type > 2 || readU8(bytes, at + 1) !== 2) return undefined;
  return formatAdministrator(type, bytes, at + 2);
}

/** Eight octets of a route target from `65000:100`, `192.0.2.1:100`, `4200000001:100` or `65000L:100`. */
export function parseRouteTarget(text: string): Uint8Array | undefined {
  return parseExtendedCommunity(`rt:${text.replace(/^(rt|target):/, "")}`);
}

function readFloat(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(at);
}

/** Six significant digits, exponent of two digits at least, like C's %g. */
function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const [mantissa, exponent] = value.toExponential(5).split("e") as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(value.toPrecision(6)));
  const digits = String(Math.abs(power)).padStart(2, "0");
  return `${mantissa.replace(/\.?0+$/, "")}e${power < 0 ? "-" : "+"}${digits}`;
}

/** 2-octet and 4-octet AS, IPv4: octet 0 of what is a route target, ES-Import included (RFC 7432 section 7.6). */
export function isRouteTarget(bytes: Uint8Array, at: number): boolean {
  const type = readU8(bytes, at);
  return readU8(bytes, at + 1) === 2 && (type <= 2 || type === 6);
}
