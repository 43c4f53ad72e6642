/** evpnctl show routes, show evpn: the loc-RIB, filtered; streamed, so that a million routes are no trouble. */
import { Option } from "commander";
import type { Command } from "commander";
import type { Client, Query } from "./client.js";
import { clientOf, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { FAMILIES } from "../fast-bgp-codec/family.js";
import { wholeNumber } from "./numbers.js";
import { clean, formatAge, wrap } from "./text.js";
import type { RouteAnswer } from "./wire.js";

export function addShowRoutes(show: Command, host: CliHost): void {
  const family = new Option("--family <name>", "address family");
  filtered(
    show
      .command("routes")
      .description("routes, the best of each destination unless told otherwise")
      .addOption(family.choices(FAMILIES.map((spec) => spec.name))),
    {},
    host,
  );
  filtered(
    show.command("evpn").description("EVPN routes: show routes --family l2vpn-evpn"),
    { family: "l2vpn-evpn" },
    host,
  );
}

function filtered(command: Command, fixed: Query, host: CliHost): void {
  command
    .option("--all", "every route, not only the best of each destination")
    .option("--peer <address>", "from this peer")
    .option("--type <number>", "EVPN route type", wholeNumber)
    .option("--rd <rd>", "route distinguisher, or a part of it")
    .option("--mac <mac>", "MAC address, or a part of it")
    .option("--ip <address>", "IP address or prefix, or a part of it")
    .option(
      "--vni <number>",
      "VNI, label of a VPN route, or EVPN label as a raw 24-bit number",
      wholeNumber,
    )
    .option("--rt <target>", "route target, or a part of it")
    .option("--limit <count>", "at most so many", wholeNumber)
    .action(async (options: Record<string, string | number | true>, self: Command) => {
      const { all, ...filters } = options;
      const query = { table: all === true ? "all" : "best", ...filters, ...fixed } as Query;
      await printRoutes(clientOf(self, host), query, wantsJson(self), host);
    });
}

/** Two lines a route, as one does not fit an EVPN route into 80 columns; `--json`: a line each. */
export async function printRoutes(
  client: Client,
  query: Query,
  json: boolean,
  host: CliHost,
): Promise<void> {
  let count = 0;
  for await (const line of client.lines("/v1/routes", query)) {
    count++;
    if (json) host.out(`${safeJson(line)}\n`);
    else host.out(formatRoute(JSON.parse(line) as RouteAnswer, host.now(), host.columns));
  }
  if (json) return;
  host.out(count === 0 ? "No route.\n" : `${count} ${count === 1 ? "route" : "routes"}\n`);
}

const INDENT = " ".repeat(5);
/** Of a line that goes on. */
const MORE = " ".repeat(7);

export function formatRoute(route: RouteAnswer, now: number, width: number): string {
  const mark = route.best ? "*>" : route.held === undefined ? "* " : "h ";
  const age = formatAge(now - route.changed);
  const first = `${mark} ${clean(route.prefix)}`;
  const origin =
    route.originator === "" || route.originator === route.peer
      ? ""
      : ` originator ${route.originator}`;
  const extended = communities(route.attributes);
  const { labels, esi } = attachment(route.nlri, extended);
  const id = route.pathId === undefined ? "" : ` path id ${route.pathId}`;
  const second = `via ${route.nextHop}${labels} from ${route.peer}${id}${origin}, ${age}`;
  const third = [esi, named(extended), route.reason].filter((part) => part !== "").join("; ");
  const below = [second, third].filter((text) => text !== "");
  return `${first}\n${below.map((text) => wrap(text, width, MORE, INDENT)).join("")}`;
}

/** Tunnel types whose label field is a VNI (RFC 8365 section 5.1.3), and others seen (RFC 9012). */
const TUNNELS: Readonly<Record<string, string>> = {
  "8": "vxlan",
  "9": "nvgre",
  "10": "mpls",
  "19": "geneve",
};
const SINGLE_HOMED = /^0*$/;

/** Labels or VNIs, by the route's encapsulation, and the ESI if the route has one. */
function attachment(nlri: object, extended: string): { labels: string; esi: string } {
  const fields = nlri as Readonly<Record<string, unknown>>;
  const vni = /\bencapsulation:(8|9|19)\b/.test(extended);
  const stack = Array.isArray(fields["labels"]) ? (fields["labels"] as unknown[]) : [];
  const all = [fields["label"] ?? fields["label1"], fields["label2"], ...stack];
  const labels = all.flatMap((label) => {
    const { vni24, mpls20 } = (label ?? {}) as { vni24?: number; mpls20?: number };
    if (vni24 === undefined || mpls20 === undefined) return [];
    return [vni ? ` vni ${vni24}` : ` label ${mpls20}`];
  });
  const { esi } = fields;
  const multihomed = typeof esi === "string" && !SINGLE_HOMED.test(esi);
  return { labels: labels.join(""), esi: multihomed ? `esi ${esi}` : "" };
}

/** Tunnel types by name. */
function named(extended: string): string {
  return extended.replace(/\bencapsulation:(\d+)\b/, (text, type: string) => TUNNELS[type] ?? text);
}

/** The extended communities of an EVPN route say what it is for: target, encapsulation, mobility. */
function communities(attributes: readonly object[]): string {
  for (const attribute of attributes) {
    const { code, value } = attribute as { code?: number; value?: unknown };
    if (code === 16 && Array.isArray(value)) return value.map(String).join(" ");
  }
  return "";
}
