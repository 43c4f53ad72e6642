/** The options of `evpnctl inject TYPE`, and the route that they come to. */
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { wholeNumber } from "./numbers.js";

/** Members of a route, as the API has them. */
export type RouteBody = Readonly<Record<string, string | number | boolean | readonly string[]>>;

type Kind = "text" | "number" | "list" | "flag" | "off";

/** Flag, member of the route, kind, words. */
type Row = readonly [string, string, Kind, string];

const NEXT_HOP = "--next-hop <address>";

const COMMON: readonly Row[] = [
  [NEXT_HOP, "nextHop", "text", "the PE that the route leads to"],
  [
    "--domain <name>",
    "domain",
    "text",
    "a bridge domain of the configuration: gives VNI and route targets",
  ],
  ["--rd <rd>", "rd", "text", "route distinguisher; default: next hop and VNI"],
  ["--rt <target...>", "routeTargets", "list", "route targets; default: of the domain, or AS:VNI"],
  [
    "--encapsulation <name>",
    "encapsulation",
    "text",
    "vxlan (default), nvgre, vxlan-gpe, geneve, mpls",
  ],
  ["--local-pref <number>", "localPref", "number", "LOCAL_PREF; default: 100"],
  ["--community <community...>", "communities", "list", "communities, as in 65000:1"],
];
const LABELLED: readonly Row[] = [
  ["--vni <number>", "vni", "number", "VNI of the label field"],
  ["--label <number>", "label", "number", "MPLS label, in place of a VNI"],
  ["--tag <number>", "ethernetTag", "number", "Ethernet tag"],
];
const ESI: Row = ["--esi <esi>", "esi", "text", "Ethernet segment, ten octets"];
const ROUTER_MAC: Row = ["--router-mac <mac>", "routerMac", "text", "router's MAC (RFC 9135)"];
const ORIGINATOR: Row = ["--originator <address>", "originator", "text", "default: the next hop"];

export interface TypeRow {
  readonly type: string;
  readonly summary: string;
  /** Argument of the verb: its name, the member it is, words. */
  readonly argument: readonly [string, string, string] | undefined;
  readonly options: readonly Row[];
}

export const TYPES: readonly TypeRow[] = [
  {
    type: "mac",
    summary: "a static MAC, with or without an IP address (type 2)",
    argument: ["<mac>", "mac", "the MAC address"],
    options: [
      ...COMMON,
      ...LABELLED,
      ["--ip <address>", "ip", "text", "an address bound to the MAC"],
      ESI,
      ["--l3-vni <number>", "l3Vni", "number", "second label: VNI of the IP-VRF"],
      ["--l3-label <number>", "l3Label", "number", "second label: MPLS label of the IP-VRF"],
      ["--no-sticky", "sticky", "off", "the MAC may move"],
      ["--sequence <number>", "sequence", "number", "mobility sequence"],
      ["--default-gateway", "defaultGateway", "flag", "it is a default gateway"],
      ["--router", "router", "flag", "ARP/ND flag: a router (RFC 9047)"],
      ["--override", "override", "flag", "ARP/ND flag: override"],
      ["--immutable", "immutable", "flag", "ARP/ND flag: the binding does not change"],
      ROUTER_MAC,
    ],
  },
  {
    type: "imet",
    summary: "where flooded frames of a domain go, with the PMSI tunnel (type 3)",
    argument: undefined,
    options: [
      ...COMMON,
      ...LABELLED,
      ORIGINATOR,
      [
        "--tunnel <name>",
        "tunnel",
        "text",
        "ingress-replication (default), pim-sm, pim-ssm, pim-bidir",
      ],
      ["--tunnel-root <address>", "tunnelRoot", "text", "rendezvous point or sender"],
      ["--tunnel-group <address>", "tunnelGroup", "text", "multicast group"],
    ],
  },
  {
    type: "es",
    summary: "that a PE is on an Ethernet segment (type 4)",
    argument: ["<esi>", "esi", "the Ethernet segment, ten octets"],
    options: [
      ...COMMON,
      ORIGINATOR,
      ["--es-import <mac>", "esImport", "text", "default: octets 1 to 6 of the ESI"],
      [
        "--df <algorithm>",
        "dfAlgorithm",
        "text",
        "modulo, hrw, highest-preference, lowest-preference",
      ],
      ["--df-preference <number>", "dfPreference", "number", "default: 32767"],
      ["--df-ac-influenced", "dfAcInfluenced", "flag", "AC-influenced election (RFC 8584)"],
      ["--df-dont-preempt", "dfDontPreempt", "flag", "don't preempt (RFC 9785)"],
    ],
  },
  {
    type: "ad",
    summary: "that a segment reaches an EVI, or with --per-es all of it (type 1)",
    argument: ["<esi>", "esi", "the Ethernet segment, ten octets"],
    options: [
      ...COMMON,
      ...LABELLED,
      ["--per-es", "perEs", "flag", "the whole segment: tag MAX-ET, ESI label"],
      ["--esi-label <number>", "esiLabel", "number", "split-horizon label under MPLS"],
      ["--single-active", "singleActive", "flag", "one PE forwards; default: all do"],
    ],
  },
  {
    type: "prefix",
    summary: "an IP prefix of a VRF (type 5); --vni is the L3 VNI",
    argument: ["<prefix>", "prefix", "for example 192.0.2.0/24"],
    options: [
      ...COMMON,
      ...LABELLED,
      ESI,
      ["--gateway <address>", "gateway", "text", "overlay index (RFC 9136)"],
      ROUTER_MAC,
    ],
  },
];

/** The same for every type: whose route it is, and for how long. */
export function addLife(command: Command): Command {
  return command
    .option(
      "--owner <name>",
      "whose route it is; all of an owner's can be withdrawn at once",
      "evpnctl",
    )
    .addOption(
      new Option(
        "--ttl <time>",
        "goes after so long unless announced again: 90, 90s, 5m, 1h",
      ).argParser(seconds),
    )
    .option("--persist", "it is there again after a restart of evpnd");
}

export function addOptions(command: Command, { options }: TypeRow): Command {
  for (const [flags, , kind, words] of options) {
    const option = new Option(flags, words);
    if (kind === "number") option.argParser(wholeNumber);
    if (flags === NEXT_HOP) option.makeOptionMandatory();
    command.addOption(option);
  }
  return command;
}

export function routeOf(
  row: TypeRow,
  argument: string | undefined,
  given: Readonly<Record<string, unknown>>,
): RouteBody {
  const body: Record<string, string | number | boolean | readonly string[]> = { type: row.type };
  if (row.argument !== undefined && argument !== undefined) body[row.argument[1]] = argument;
  for (const [flags, member, kind] of row.options) {
    const value = given[new Option(flags).attributeName()];
    // `--no-x` is true by itself.
    if (value === undefined || (kind === "off" && value === true)) continue;
    body[member] = value as string | number | boolean | readonly string[];
  }
  return body;
}

function seconds(text: string): number {
  const [, number, unit] = /^(\d{1,7})(s|m|h|d)?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new InvalidArgumentError("It must be a time: 90, 90s, 5m, 1h or 7d.");
  }
  const factor = unit === "d" ? 86_400 : unit === "h" ? 3600 : unit === "m" ? 60 : 1;
  return Number(number) * factor;
}
