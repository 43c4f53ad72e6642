/** What people write for rates, sizes, ports and times, as numbers; undefined = it is none. */
import { PROTOCOLS, type Hours, type PortRange } from "./model.js";

/** Decimal, as networks count. */
const RATE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  bit: 1,
  kbit: 1e3,
  mbit: 1e6,
  gbit: 1e9,
};
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};
/** Differentiated services code points by name (RFC 2474, RFC 2597, RFC 3246, RFC 8622). */
const DSCP: Readonly<Record<string, number>> = { be: 0, le: 1, ef: 46 };

/** `10mbit`, `10_000_000`, 64000: bit/s. */
export function readRate(value: unknown): number | undefined {
  return readAmount(value, RATE_UNITS, 1_000_000_000_000);
}

/** `64k` (1,024), `1g`, 65536: octets. */
export function readSize(value: unknown): number | undefined {
  return readAmount(value, SIZE_UNITS, 2 ** 50);
}

/** A whole number from `least` to `most`. */
export function readCount(value: unknown, least: number, most: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
    ? value
    : undefined;
}

/** `tcp`, `47`, 47. */
export function readProtocol(value: unknown): number | undefined {
  if (typeof value === "string" && Object.hasOwn(PROTOCOLS, value.toLowerCase())) {
    return PROTOCOLS[value.toLowerCase()];
  }
  return readCount(
    typeof value === "string" && /^\d{1,3}$/.test(value) ? Number(value) : value,
    0,
    255,
  );
}

/** 179, `179`, `1024-2047`; `any` = every port, undefined as the outcome's ports. */
export function readPorts(value: unknown): { readonly ports: PortRange | undefined } | undefined {
  if (value === undefined || value === "any") return { ports: undefined };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(
    typeof value === "number" || typeof value === "string" ? String(value) : "",
  );
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first >= 1 && last <= 65535 && first <= last ? { ports: { first, last } } : undefined;
}

/** 8, `cs1`, `af11`, `ef`. */
export function readDscp(value: unknown): number | undefined {
  if (typeof value !== "string") return readCount(value, 0, 63);
  if (Object.hasOwn(DSCP, value)) return DSCP[value];
  const selector = /^cs([0-7])$/.exec(value);
  if (selector !== null) return Number(selector[1]) * 8;
  const assured = /^af([1-4])([1-3])$/.exec(value);
  return assured === null ? undefined : Number(assured[1]) * 8 + Number(assured[2]) * 2;
}

/** `01:00-05:00`. */
export function readHours(value: unknown, zone: unknown): Hours | undefined {
  const match = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(typeof value === "string" ? value : "");
  if (match === null || typeof zone !== "string" || !isZone(zone)) return undefined;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  const good = fromMinute < 60 && toMinute < 60 && from < 1440 && to <= 1440 && from !== to;
  return good ? { from, to, zone } : undefined;
}

export function hoursText({ from, to, zone }: Hours): string {
  const text = (minutes: number) =>
    `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  return `${text(from)}-${text(to)} ${zone}`;
}

/** `10 Mbit/s`. */
export function rateText(bitsPerSecond: number): string {
  for (const [unit, factor] of [
    ["Gbit/s", 1e9],
    ["Mbit/s", 1e6],
    ["kbit/s", 1e3],
  ] as const) {
    if (bitsPerSecond >= factor) return `${Number((bitsPerSecond / factor).toFixed(3))} ${unit}`;
  }
  return `${bitsPerSecond} bit/s`;
}

function readAmount(
  value: unknown,
  units: Readonly<Record<string, number>>,
  most: number,
): number | undefined {
  const match = /^(\d[\d_]{0,18}(?:\.\d{1,6})?) ?([a-z]*)$/.exec(
    typeof value === "number" || typeof value === "string" ? String(value).toLowerCase() : "",
  );
  const unit = match?.[2] ?? "";
  if (match === null || !Object.hasOwn(units, unit)) return undefined;
  const amount = Math.round(Number(match[1]?.replaceAll("_", "")) * (units[unit] ?? 1));
  return amount <= most ? amount : undefined;
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
