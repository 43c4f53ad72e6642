/** Rules that look at routes one by one: what a route must carry (RFC 7432 section 7, RFC 9135, RFC 9136). */
import { formatEsi, formatMac } from "../../../fast-bgp-codec/index.js";
import { readU8 } from "../../../util/bytes.js";
import { eachCommunity, findAttribute, isRouteTarget } from "../attributes.js";
import { nextHopOf, type Look, type Report, type Rule } from "../rule.js";
import type { Fib } from "../../fib.js";

const PMSI_TUNNEL = 22;
const IPV6_COMMUNITIES = 25;
const ES_IMPORT = 0x0602;
const ROUTER_MAC = 0x0603;
const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: "Ethernet A-D",
  2: "MAC/IP",
  3: "inclusive multicast",
  5: "IP prefix",
};
/** Offset of the ESI in the NLRI of types 1, 2, 4. */
const ESI = 10;
/** Values remembered by one rule. */
const MOST_VALUES = 100_000;

export const ROUTE_RULES: readonly Rule[] = [
  {
    id: "missing-pmsi",
    severity: "error",
    meaning: "a type 3 route says nothing of a tunnel, so nobody can flood to its PE",
    advice:
      "set up ingress replication or a multicast group for the VNI on the PE; a type 3 route must carry a PMSI tunnel (RFC 7432 section 11.2)",
    look: ({ tables: { routes } }, report) => ({
      route(dest, type) {
        if (type !== 3) return;
        const path = routes.bestPath(dest);
        if (findAttribute(routes, path, PMSI_TUNNEL) !== undefined) return;
        const pe = nextHopOf(routes, path);
        report.add(pe, `type 3 routes of ${pe} have no PMSI tunnel attribute`, dest);
      },
    }),
  },
  {
    id: "missing-route-target",
    severity: "error",
    meaning: "a route without route target belongs to no bridge domain: no PE imports it",
    advice:
      "configure an export route target for the EVI or IP-VRF on the PE (RFC 7432 section 7.10)",
    look: ({ tables: { routes } }, report) => ({
      route(dest, type) {
        const name = TYPE_NAMES[type];
        if (name === undefined) return;
        const path = routes.bestPath(dest);
        let any = findAttribute(routes, path, IPV6_COMMUNITIES) !== undefined;
        eachCommunity(routes, path, isRouteTarget, () => {
          any = true;
        });
        if (any) return;
        const pe = nextHopOf(routes, path);
        report.add(`${pe} type ${type}`, `${name} routes of ${pe} have no route target`, dest);
      },
    }),
  },
  {
    id: "router-mac-at-two-pes",
    severity: "error",
    meaning: "two PEs say they have the same router's MAC: routed traffic reaches either of them",
    advice:
      "give each PE a router MAC of its own, or, if they are one logical device, a common next hop (RFC 9135 section 8.1)",
    look: routerMacs,
  },
  {
    id: "es-import-missing",
    severity: "error",
    meaning: "an Ethernet segment route without ES-Import route target is imported by nobody",
    advice:
      "let the PE derive the ES-Import from the ESI, or configure it (RFC 7432 section 7.6); without it its peers of the segment elect a forwarder without it",
    look: ({ tables: { routes } }, report) => ({
      route(dest, type) {
        if (type !== 4) return;
        const path = routes.bestPath(dest);
        let any = false;
        eachCommunity(
          routes,
          path,
          (kind) => kind === ES_IMPORT,
          () => {
            any = true;
          },
        );
        if (any) return;
        const esi = formatEsi(routes.nlriBytes, routes.pathNlri(path) + ESI);
        const pe = nextHopOf(routes, path);
        report.add(`${esi} ${pe}`, `${pe} announces ${esi} without ES-Import`, dest);
      },
    }),
  },
  {
    id: "es-import-mismatch",
    severity: "error",
    meaning:
      "PEs of one segment use ES-Imports that do not fit, so they do not see each other on it",
    advice:
      "use the same ES-Import on all PEs of the segment: six octets of the ESI's value where it is derived (RFC 7432 section 7.6)",
    look: esImports,
  },
];

function routerMacs({ tables: { routes } }: Fib, report: Report): Look {
  /** By router's MAC: next hops, and a route of each. */
  const seen = new Map<string, Map<string, number>>();
  return {
    route(dest, type) {
      if (type !== 2 && type !== 5) return;
      const path = routes.bestPath(dest);
      eachCommunity(
        routes,
        path,
        (kind) => kind === ROUTER_MAC,
        (at) => {
          const mac = formatMac(routes.attrs.bytes, at + 2);
          let pes = seen.get(mac);
          if (pes === undefined) {
            if (seen.size >= MOST_VALUES) return;
            pes = new Map();
            seen.set(mac, pes);
          }
          const pe = nextHopOf(routes, path);
          if (pes.size < 64 && !pes.has(pe)) pes.set(pe, dest);
        },
      );
    },
    finish() {
      for (const [mac, pes] of seen) {
        if (pes.size < 2) continue;
        const names = [...pes.keys()].sort();
        const message = `router's MAC ${mac} is announced with the next hops ${names.join(", ")}`;
        for (const dest of pes.values()) report.add(mac, message, dest);
      }
    },
  };
}

function esImports({ tables: { routes } }: Fib, report: Report): Look {
  /** By ESI: what each route imports, as sorted text. */
  const seen = new Map<
    string,
    { readonly values: Set<string>; readonly dests: number[]; common?: Set<string> }
  >();
  return {
    route(dest, type) {
      if (type !== 4) return;
      const path = routes.bestPath(dest);
      const mine = new Set<string>();
      eachCommunity(
        routes,
        path,
        (kind) => kind === ES_IMPORT,
        (at) => {
          mine.add(formatMac(routes.attrs.bytes, at + 2));
        },
      );
      if (mine.size === 0) return;
      const nlri = routes.pathNlri(path) + ESI;
      const esi = formatEsi(routes.nlriBytes, nlri);
      let known = seen.get(esi);
      if (known === undefined) {
        if (seen.size >= MOST_VALUES) return;
        known = { values: new Set(), dests: [] };
        seen.set(esi, known);
        const kind = readU8(routes.nlriBytes, nlri);
        // The types whose ES-Import RFC 7432 derives from the ESI.
        if (kind >= 1 && kind <= 3) {
          known.common = new Set([formatMac(routes.nlriBytes, nlri + 1)]);
        }
      }
      for (const value of mine) known.values.add(value);
      if (known.dests.length < 64) known.dests.push(dest);
      const { common } = known;
      known.common =
        common === undefined ? mine : new Set([...common].filter((value) => mine.has(value)));
    },
    finish() {
      for (const [esi, { values, dests, common }] of seen) {
        if (common === undefined || common.size > 0) continue;
        const wanted = derived(esi);
        const said = [...values].sort().join(", ");
        const message = `${esi}: ES-Imports ${said} have none in common${wanted}`;
        for (const dest of dests) report.add(esi, message, dest);
      }
    },
  };
}

/** What the segment's type would derive. */
function derived(esi: string): string {
  const kind = Number.parseInt(esi.slice(0, 2), 16);
  return kind >= 1 && kind <= 3 ? ` with ${esi.slice(3, 20)}, which derives from the ESI` : "";
}
