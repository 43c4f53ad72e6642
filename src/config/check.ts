/** Data against the schema (ajv); every fault becomes a sentence with a remedy. */
import { Ajv } from "ajv";
import type { ErrorObject, ValidateFunction } from "ajv";
import { isIPv4 } from "node:net";
import { parseMac, parseRd, parseRouteTarget } from "../fast-bgp-codec/index.js";
import { canonicalAddress, parseEndpoint, parsePrefix } from "./address.js";
import { parseImportTarget } from "./interest.js";
import {
  CHANGE_PATTERN,
  HOURS_PATTERN,
  PCR_PATTERN,
  RATE_PATTERN,
  SIZE_PATTERN,
} from "./asmn-nodes.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { parseTime } from "./key-chains.js";
import { configSchema } from "./schema.js";
import type { SchemaNode } from "./schema.js";
import { suggest } from "./suggest.js";

/** The code it makes runs a few times only: to optimize it would cost more, half a second at each start. */
const ajv = new Ajv({ allErrors: true, verbose: true, strict: false, code: { optimize: false } });

/** Formats, each with the words for "what was expected". */
const FORMATS: Readonly<Record<string, { test: (text: string) => boolean; remedy: string }>> = {
  ip: {
    test: (text) => canonicalAddress(text) !== undefined,
    remedy: "write an IPv4 or IPv6 address, for example 10.0.0.1 or 2001:db8::1",
  },
  "ip-or-self": {
    test: (text) => text === "self" || canonicalAddress(text) !== undefined,
    remedy: "write an IPv4 or IPv6 address, or self",
  },
  "router-id": {
    test: (text) => isIPv4(text) && text !== "0.0.0.0",
    remedy: "write a dotted quad other than 0.0.0.0, for example 10.0.0.1",
  },
  endpoint: {
    test: (text) => parseEndpoint(text) !== undefined,
    remedy: "write ADDRESS:PORT, for example 10.0.0.1:179 or [2001:db8::1]:179",
  },
  "endpoint-or-off": {
    test: (text) => text === "off" || parseEndpoint(text) !== undefined,
    remedy: "write ADDRESS:PORT, for example 127.0.0.1:8179, or off",
  },
  prefix: {
    test: (text) => parsePrefix(text) !== undefined,
    remedy: "write ADDRESS/LENGTH, for example 10.0.0.0/16 or 2001:db8::/32",
  },
  "route-target": {
    test: (text) => parseRouteTarget(text) !== undefined,
    remedy: 'write AS:NUMBER or ADDRESS:NUMBER in quotes, for example "65000:100"',
  },
  rd: {
    test: (text) => parseRd(text) !== undefined,
    remedy: 'write ADDRESS:NUMBER or AS:NUMBER in quotes, for example "10.0.0.1:100"',
  },
  "import-target": {
    test: (text) => parseImportTarget(text) !== undefined,
    remedy: 'write AS:NUMBER, ADDRESS:NUMBER or es-import:MAC in quotes, for example "65000:100"',
  },
  time: {
    test: (text) => parseTime(text) !== undefined,
    remedy: "write a time with its zone, in quotes: 2026-01-01T00:00:00Z",
  },
  mac: {
    test: (text) => parseMac(text) !== undefined,
    remedy: "write a MAC address, for example 52:54:00:00:00:01",
  },
  oui: {
    test: (text) => /^[0-9a-f]{2}([:-])[0-9a-f]{2}\1[0-9a-f]{2}$/i.test(text),
    remedy: "write the first three octets of the MACs, for example 00:50:56",
  },
};
for (const [name, format] of Object.entries(FORMATS)) ajv.addFormat(name, format.test);

/** Large blocks that most files do not have: their schema is compiled when a file has one. */
const RARE = ["ipsec", "radius", "asmn"];

/** Compiled when a daemon's file is checked: commands that read none need not wait for it. */
let compiled: ValidateFunction | undefined;
const rare = new Map<string, ValidateFunction>();

function withoutRare(schema: SchemaNode): SchemaNode {
  const blocks = RARE.map((name) => [name, { type: "object" }] as const);
  return { ...schema, properties: { ...schema.properties, ...Object.fromEntries(blocks) } };
}

/** Faults of the whole file, those of rare blocks with their path in it. */
function faultsOf(data: unknown): ErrorObject[] {
  const validate = (compiled ??= ajv.compile(withoutRare(configSchema)));
  const found = validate(data) ? [] : [...(validate.errors ?? [])];
  if (typeof data !== "object" || data === null) return found;
  for (const name of RARE) {
    const block = (data as Readonly<Record<string, unknown>>)[name];
    const schema = configSchema.properties?.[name];
    if (typeof block !== "object" || block === null || schema === undefined) continue;
    const check = rare.get(name) ?? ajv.compile(schema);
    rare.set(name, check);
    if (check(block)) continue;
    for (const error of check.errors ?? []) {
      found.push({ ...error, instancePath: `/${name}${error.instancePath}` });
    }
  }
  return found;
}

/** True when the data has the shape of a `ConfigFile`; else `issues` has the reasons. */
export function checkSchema(data: unknown, issues: IssueList): boolean {
  return told(data, faultsOf, issues, "conf/evpnd.yaml");
}

/**
 * The same for a file that is not the daemon's.
 * @param example what to start from
 */
export function checkShape(
  schema: SchemaNode,
  data: unknown,
  issues: IssueList,
  example: string,
): boolean {
  const check = ajv.compile(schema);
  const faults = (): ErrorObject[] => (check(data) ? [] : [...(check.errors ?? [])]);
  return told(data, faults, issues, example);
}

function told(
  data: unknown,
  faultsIn: (data: unknown) => ErrorObject[],
  issues: IssueList,
  example: string,
): boolean {
  if (data === null || data === undefined) {
    issues.error([], "the file is empty", `start from ${example}`);
    return false;
  }
  const faults = faultsIn(data);
  if (faults.length === 0) return true;
  const seen = new Set<string>();
  for (const error of faults) {
    // Names refused by `propertyNames` come twice: once for the pattern, once for the name.
    if (error.propertyName !== undefined) continue;
    const key = `${error.instancePath} ${error.keyword} ${JSON.stringify(error.params)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    report(error, pathOf(error.instancePath, data), issues);
  }
  return false;
}

function report(error: ErrorObject, path: ConfigPath, issues: IssueList): void {
  const params = error.params as Readonly<Record<string, unknown>>;
  const parent = (error.parentSchema ?? {}) as SchemaNode;
  const value = show(error.data, path);
  switch (error.keyword) {
    case "additionalProperties": {
      const name = String(params["additionalProperty"]);
      const known = Object.keys(parent.properties ?? {});
      issues.error([...path, name], `unknown key "${name}"`, suggest(name, known, "key"), true);
      return;
    }
    case "required": {
      const name = String(params["missingProperty"]);
      issues.error(path, `"${name}" is missing`, `add "${name}": ${describe(parent, name)}`);
      return;
    }
    case "type":
      issues.error(
        path,
        `${value} is not ${article(parent)}`,
        typeRemedy(parent, error.data, isSecret(path)),
      );
      return;
    case "enum": {
      const allowed = (parent.enum ?? []).map(String);
      issues.error(path, `${value} is not known`, suggest(String(error.data), allowed, "value"));
      return;
    }
    case "minimum":
    case "maximum":
      issues.error(
        path,
        `${value} is out of range`,
        `use ${parent.minimum ?? 0} to ${parent.maximum ?? "more"}`,
      );
      return;
    case "format": {
      const format = FORMATS[parent.format ?? ""];
      issues.error(path, `${value} is not usable here`, format?.remedy ?? "correct it");
      return;
    }
    case "pattern":
      issues.error(path, `${value} is not usable here`, patternRemedy(parent));
      return;
    case "minItems":
    case "minLength":
      issues.error(path, "it is empty", "give a value, or leave the key out");
      return;
    case "maxLength":
      issues.error(path, "it is too long", `use at most ${parent.maxLength ?? 0} characters`);
      return;
    case "uniqueItems":
      issues.error(path, "an entry stands in the list twice", "keep one of them");
      return;
    case "propertyNames":
      issues.error(
        [...path, String(params["propertyName"])],
        `"${String(params["propertyName"])}" is not usable as a name`,
        "use letters, digits, dot, dash and underscore, at most 64",
        true,
      );
      return;
    default:
      issues.error(path, error.message ?? "is not valid", "see docs/configuration.md");
  }
}

function patternRemedy({ pattern = "" }: SchemaNode): string {
  if (pattern === RATE_PATTERN) return "write 500kbit, 10Mbit or 1Gbit";
  if (pattern === SIZE_PATTERN) return "write 64KiB, 100MiB or 2GiB";
  if (pattern === PCR_PATTERN) return "write 64 hexadecimal digits, in quotes, or image";
  if (pattern === CHANGE_PATTERN) return "write file:NAME, process:NAME or configuration:NAME";
  if (pattern === HOURS_PATTERN) return 'write "02:00-05:00", in quotes';
  if (pattern.includes("MiB")) {
    return pattern.includes("off") ? "write 512MiB, 8GiB, 80% or off" : "write 512MiB or 4GiB";
  }
  if (pattern.endsWith("(m|h|d)$")) return "write 90m, 12h or 30d";
  if (pattern === "^any$") return "use an AS number or the word any";
  if (pattern === "^manual$") return "use a number of seconds or the word manual";
  if (pattern === "^unicast$") {
    return "write unicast, or a block: {announce: type-5, rd: …, route-targets: […], l3-vni: …}";
  }
  if (pattern.includes("|fqdn|")) return "write fqdn:NAME, address:…, email:…, key-id:… or dn:…";
  if (pattern === "^[0-9a-f]{64}$") return "write the key as 64 hexadecimal digits, in quotes";
  if (pattern.includes("{4}-")) return 'write "2026-12-31", in quotes';
  return "use letters and digits, as in the examples in docs/configuration.md";
}

const WORDS: Readonly<Record<string, string>> = {
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a block of keys",
};

function article(schema: SchemaNode): string {
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  return types.map((type) => WORDS[type] ?? type).join(" or ");
}

function typeRemedy(schema: SchemaNode, value: unknown, secret: boolean): string {
  if (secret) return "put it in quotes";
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  if (types.includes("array") && value !== null && typeof value !== "object") {
    return `write a list: [${typeof value === "string" ? value : JSON.stringify(value)}]`;
  }
  // A number that needs its unit: quotes alone would not do.
  if (typeof value === "number" && /m\|h\|d|MiB/.test(schema.pattern ?? "")) {
    return patternRemedy(schema);
  }
  if (typeof value === "boolean" && schema.properties?.["enabled"] !== undefined) {
    return `write a block: {enabled: ${value}}`;
  }
  if (types.includes("string") && (typeof value === "number" || typeof value === "boolean")) {
    return `put it in quotes: "${String(value)}"`;
  }
  if (types.includes("boolean")) return "write true or false";
  if (types.includes("integer") && typeof value === "string") {
    return "write the number without quotes or units";
  }
  return `give ${article(schema)}, as in docs/configuration.md`;
}

function describe(schema: SchemaNode, name: string): string {
  const text = schema.properties?.[name]?.description ?? "";
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

function isSecret(path: ConfigPath): boolean {
  return path.at(-1) === "password";
}

/** A value for a message; never one that may be a secret. */
function show(value: unknown, path: ConfigPath): string {
  if (isSecret(path)) return "the value";
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a block of keys";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** JSON pointer to path; a number is an index only where the data has a list. */
function pathOf(pointer: string, data: unknown): ConfigPath {
  const path: (string | number)[] = [];
  let here: unknown = data;
  for (const raw of pointer.split("/").slice(1)) {
    const part = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(here) ? Number(part) : part);
    here = (here as Record<string, unknown> | undefined)?.[part];
  }
  return path;
}
