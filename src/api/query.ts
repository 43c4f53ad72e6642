/** Query strings and bodies of the HTTP door: their schemas, and what they turn into. */
import { FAMILIES } from "../bgp/control.js";
import type { Family, RouteQuery } from "../bgp/control.js";
import { HttpError } from "./error.js";

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const familyNames = FAMILIES.map((spec) => spec.name);

/** Most routes in one JSON answer; `application/x-ndjson` has no such bound. */
export const PAGE_MAX = 1000;
export const PAGE_DEFAULT = 100;

const page = {
  limit: { type: "integer", minimum: 1, maximum: 1000000000 },
  cursor: text(512),
} as const;

export const routesQuerySchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    table: { type: "string", enum: ["best", "all", "received", "advertised"] },
    peer: text(64),
    family: { type: "string", enum: familyNames },
    type: { type: "integer", minimum: 1, maximum: 255 },
    rd: text(64),
    mac: text(64),
    ip: text(64),
    vni: { type: "integer", minimum: 0, maximum: 16777215 },
    rt: text(64),
    ...page,
  },
} as const;

export const pageQuerySchema = {
  type: "object",
  additionalProperties: false,
  properties: page,
} as const;

export const macsQuerySchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    mac: text(64),
    domain: text(128),
    vni: { type: "integer", minimum: 0, maximum: 16777215 },
    ip: text(64),
    pe: text(64),
    esi: text(64),
    ...page,
  },
} as const;

export const explainQuerySchema = {
  type: "object",
  additionalProperties: false,
  required: ["mac"],
  properties: { mac: text(64), domain: text(128) },
} as const;

export interface RoutesQuery {
  readonly table?: RouteQuery["table"];
  readonly peer?: string;
  readonly family?: string;
  readonly type?: number;
  readonly rd?: string;
  readonly mac?: string;
  readonly ip?: string;
  readonly vni?: number;
  readonly rt?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

export function toRouteQuery(query: RoutesQuery): RouteQuery {
  const table = query.table ?? "best";
  if ((table === "received" || table === "advertised") && query.peer === undefined) {
    throw new HttpError(400, "invalid", `table=${table} needs peer=ADDRESS: whose routes?`);
  }
  return {
    table,
    ...(query.peer !== undefined && { peer: query.peer }),
    ...(query.family !== undefined && { family: familyNumber(query.family) }),
    ...(query.type !== undefined && { routeType: query.type }),
    ...(query.rd !== undefined && { rd: query.rd }),
    ...(query.mac !== undefined && { mac: checkedMac(query.mac) }),
    ...(query.ip !== undefined && { ip: query.ip }),
    ...(query.vni !== undefined && { vni: query.vni }),
    ...(query.rt !== undefined && { rt: query.rt }),
    ...(query.cursor !== undefined && { cursor: query.cursor }),
  };
}

export function familyNumber(name: string): Family {
  const spec = FAMILIES.find((candidate) => candidate.name === name);
  if (spec !== undefined) return spec.family;
  throw new HttpError(
    400,
    "invalid",
    `there is no family "${name}"; use one of: ${familyNames.join(", ")}`,
  );
}

/** A MAC or a part of one; throws `HttpError` 400 for what can be neither. */
export function checkedMac(mac: string): string {
  if (/^[0-9a-f.:-]{1,17}$/i.test(mac) && /[0-9a-f]/i.test(mac)) return normalMac(mac);
  throw new HttpError(
    400,
    "invalid",
    `"${mac}" is no MAC address and no part of one: write hexadecimal digits, as in 52:54:00`,
  );
}

/** The ways people write a MAC, or a part of one, to lower case with colons. */
export function normalMac(mac: string): string {
  const digits = mac.toLowerCase().replaceAll(/[.:-]/g, "");
  if (!/^[0-9a-f]{12}$/.test(digits)) return mac.toLowerCase().replaceAll("-", ":");
  return digits.match(/../g)?.join(":") ?? mac;
}

export const familyQuerySchema = {
  type: "object",
  additionalProperties: false,
  properties: { family: { type: "string", enum: familyNames } },
} as const;

export const noQuerySchema = { type: "object", additionalProperties: false } as const;

/** RFC 9003: at most 128 octets unless the peer is known to take more. */
export const textBodySchema = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: { text: { type: "string", maxLength: 128 } },
} as const;

/** Text told to a peer goes out in UTF-8, in one octet of length (RFC 9003 section 2). */
export function checkedText(text: string): string {
  const octets = Buffer.byteLength(text);
  if (octets <= 128 && !text.includes("\0")) return text;
  throw new HttpError(
    400,
    "invalid",
    `the text takes ${octets} octets; use at most 128, without NUL (RFC 9003)`,
  );
}

export const peerParamsSchema = {
  type: "object",
  required: ["address"],
  properties: { address: { type: "string", minLength: 1, maxLength: 64 } },
} as const;
