/** The `addresses` block of a RADIUS tenant: where its subscribers get their addresses. */
import { isIPv4 } from "node:net";
import type { AddressSettings } from "../radius/settings.js";
import type { ConfigPath, IssueList } from "./issue.js";
import type { SchemaNode } from "./schema-node.js";

export interface RadiusAddressesEntry {
  source: "local" | "dhcp";
  pools?: { name: string; first: string; last: string }[];
  bundles?: Record<string, string>;
  server?: string;
  "server-port"?: number;
  "relay-address"?: string;
  "relay-port"?: number;
  "timeout-seconds"?: number;
}

const DEFAULTS = { port: 67, seconds: 10 };
const LOCAL_ONLY = ["pools", "bundles"] as const;
const DHCP_ONLY = [
  "server",
  "server-port",
  "relay-address",
  "relay-port",
  "timeout-seconds",
] as const;
/** Addresses of one pool: each that is on loan takes some memory. */
const POOL_MAX = 1 << 20;

const port = (description: string): SchemaNode => ({
  type: "integer",
  minimum: 1,
  maximum: 65535,
  default: DEFAULTS.port,
  description,
});

export const radiusAddressesSchema: SchemaNode = {
  type: "object",
  required: ["source"],
  additionalProperties: false,
  description:
    "Where subscribers get their addresses once they are accepted. Without this block: not from here.",
  properties: {
    source: {
      type: "string",
      enum: ["local", "dhcp"],
      description:
        "`local`: from pools of our own. `dhcp`: from an external DHCP server, asked in the subscriber's name as a relay agent asks.",
    },
    pools: {
      type: "array",
      minItems: 1,
      description:
        "`local`: ranges of IPv4 addresses. An accept names one by Framed-Pool or ERX Address-Pool-Name; without a name it is the first.",
      items: {
        type: "object",
        required: ["name", "first", "last"],
        additionalProperties: false,
        properties: {
          name: { type: "string", minLength: 1, maxLength: 64, description: "Name of the pool." },
          first: { type: "string", format: "ip", description: "Lowest address." },
          last: { type: "string", format: "ip", description: "Highest address." },
        },
      },
    },
    bundles: {
      type: "object",
      additionalProperties: { type: "string", minLength: 1 },
      description:
        "`local`: pool by Service-Bundle, for a service manager that chooses; stronger than what else an accept names. With an external DHCP server a service manager has no say.",
    },
    server: { type: "string", format: "ip", description: "`dhcp`: the server's IPv4 address." },
    "server-port": port("`dhcp`: the server's UDP port."),
    "relay-address": {
      type: "string",
      format: "ip",
      description:
        "`dhcp`: our IPv4 address towards the server, in the subnet that addresses are wanted from (giaddr). Listened on.",
    },
    "relay-port": port("`dhcp`: UDP port of the relay address; servers answer to 67."),
    "timeout-seconds": {
      type: "integer",
      minimum: 1,
      maximum: 60,
      default: DEFAULTS.seconds,
      description: "`dhcp`: how long the server has for an address.",
    },
  },
};

export function radiusAddresses(
  entry: RadiusAddressesEntry | undefined,
  path: ConfigPath,
  issues: IssueList,
): AddressSettings | undefined {
  if (entry === undefined) return undefined;
  const isLocal = entry.source === "local";
  for (const name of isLocal ? DHCP_ONLY : LOCAL_ONLY) {
    if (entry[name] === undefined) continue;
    const why =
      name === "bundles"
        ? "a service manager has no say in the addresses of an external DHCP server"
        : `"${name}" does not go with source ${entry.source}`;
    issues.error([...path, name], why, "leave it out, or change source", true);
  }
  return isLocal ? localAddresses(entry, path, issues) : dhcpAddresses(entry, path, issues);
}

function localAddresses(
  { pools, bundles = {} }: RadiusAddressesEntry,
  path: ConfigPath,
  issues: IssueList,
): AddressSettings {
  if (pools === undefined) {
    issues.error(path, '"pools" is missing', "add pools: [{name, first, last}]");
  }
  const names = new Set<string>();
  for (const [index, { name, first, last }] of (pools ?? []).entries()) {
    const at = [...path, "pools", index];
    if (names.has(name)) {
      issues.error([...at, "name"], `${name} stands here twice`, "give each its own name");
    }
    names.add(name);
    const size = isIPv4(first) && isIPv4(last) ? number(last) - number(first) + 1 : 0;
    if (size < 1 || size > POOL_MAX) {
      const remedy = `give two IPv4 addresses, the lower one first, at most ${POOL_MAX} apart`;
      issues.error([...at, "first"], "this is no range of addresses", remedy);
    }
  }
  for (const [bundle, pool] of Object.entries(bundles)) {
    if (names.has(pool)) continue;
    const remedy = `name one of: ${[...names].join(", ")}`;
    issues.error([...path, "bundles", bundle], `there is no pool "${pool}"`, remedy);
  }
  return { source: "local", pools: pools ?? [], bundles };
}

function dhcpAddresses(
  entry: RadiusAddressesEntry,
  path: ConfigPath,
  issues: IssueList,
): AddressSettings {
  for (const name of ["server", "relay-address"] as const) {
    const address = entry[name];
    if (address === undefined) issues.error(path, `"${name}" is missing`, `add ${name}: ADDRESS`);
    else if (!isIPv4(address) || address === "0.0.0.0") {
      issues.error([...path, name], `${address} is no IPv4 address of a host`, "give one");
    }
  }
  return {
    source: "dhcp",
    server: entry.server ?? "",
    serverPort: entry["server-port"] ?? DEFAULTS.port,
    relayAddress: entry["relay-address"] ?? "",
    relayPort: entry["relay-port"] ?? DEFAULTS.port,
    timeoutMs: (entry["timeout-seconds"] ?? DEFAULTS.seconds) * 1000,
  };
}

function number(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
