/**
 * Why a route is where it is: what import rules made of each path, which path is best and why, and for
 * every live session whether it has the route, and what kept it or let it go. A few destinations at a
 * time, looked for in slices.
 */
import { FAMILIES, Family } from "../fast-bgp-codec/family.js";
import { formatNlri } from "../fast-bgp-codec/nlri.js";
import { parseMac } from "../fast-bgp-codec/values/mac.js";
import { equalBytes } from "../util/bytes.js";
import type { SlicedJob } from "../util/sliced-work.js";
import type { RouteQuery } from "./control.js";
import type {
  ExplainedPath,
  ExplainedReceiver,
  ExplainedRoute,
  RouteExplanation,
} from "./policy-view.js";
import { attributeChanges, decideExport, decideImport } from "./policy-words.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";
import { obstacleTo } from "./route-obstacle.js";
import { decodePathNlri, holdText, inFamily, matchesNlri } from "./route-query.js";
import { BEST_REASONS } from "./rib/best-path.js";
import { HoldReason } from "./rib/hold.js";

const SHOWN_DEFAULT = 10;
const SHOWN_MAX = 100;
const SLICE_MS = 1;
const MAC_IP = 2;
/** In the NLRI of a MAC/IP route. */
const MAC_OFFSET = 25;

/** Looks through the table for what the query names; `finish` is called once. */
export class RouteExplainer implements SlicedJob {
  private readonly reflector: Reflector;
  private readonly query: RouteQuery;
  private readonly finish: (explanation: RouteExplanation) => void;
  private readonly routes: ExplainedRoute[] = [];
  private readonly most: number;
  /** Whole MAC of the query, so that other routes need not be decoded. */
  private readonly mac: Uint8Array | undefined;
  private dest = 1;

  constructor(
    reflector: Reflector,
    query: RouteQuery,
    finish: (explanation: RouteExplanation) => void,
  ) {
    this.reflector = reflector;
    this.query = query;
    this.finish = finish;
    this.most = Math.max(1, Math.min(SHOWN_MAX, query.limit ?? SHOWN_DEFAULT));
    this.mac = query.mac === undefined ? undefined : parseMac(query.mac);
  }

  step(): boolean {
    const { reflector, query } = this;
    const { table } = reflector;
    const until = performance.now() + SLICE_MS;
    for (; this.dest < table.destinationLimit; this.dest++) {
      if ((this.dest & 15) === 0 && performance.now() >= until) {
        // What rules made of the routes so far is let go, or an audit would find it unaccounted for.
        reflector.policies.engine.endBatch();
        return false;
      }
      const { dest } = this;
      if (!table.exists(dest) || !inFamily(reflector, dest, query)) continue;
      if (this.mac !== undefined && !isOfMac(reflector, dest, this.mac)) continue;
      const first = table.firstPath(dest);
      if (first === 0 || !matchesNlri(decodePathNlri(reflector, first), query)) continue;
      if (this.routes.length === this.most) return this.end(true);
      this.routes.push(explain(reflector, dest, query.peer));
    }
    return this.end(false);
  }

  private end(cut: boolean): boolean {
    this.reflector.policies.engine.endBatch();
    this.finish({ routes: this.routes, cut });
    return true;
  }
}

/** A MAC/IP route of the MAC: read from the octets, as the table may have a million others. */
function isOfMac({ table }: Reflector, dest: number, mac: Uint8Array): boolean {
  if (table.family(dest) !== Family.Evpn || table.routeType(dest) !== MAC_IP) return false;
  return equalBytes(table.nlriBytes, table.destNlri(dest) + MAC_OFFSET, mac, 0, 6);
}

/** @param receiver the one session to explain; all unless given */
function explain(reflector: Reflector, dest: number, receiver: string | undefined): ExplainedRoute {
  const { table } = reflector;
  const family = table.family(dest);
  const paths: number[] = [];
  for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) paths.push(path);
  const best = table.bestPath(dest);
  return {
    family: FAMILIES[family]!.name,
    prefix: formatNlri(family, decodePathNlri(reflector, paths[0]!)),
    paths: paths.map((path) => explainPath(reflector, dest, path)),
    receivers:
      best === 0
        ? []
        : [...reflector.livePeers()]
            .filter(({ session }) => receiver === undefined || session.peerAddress === receiver)
            .map((peer) => explainReceiver(reflector, dest, best, peer)),
  };
}

function explainPath(reflector: Reflector, dest: number, path: number): ExplainedPath {
  const { table, attrs, policies, localRoutes } = reflector;
  const { decision } = decideImport(policies.engine, table, path);
  const held = table.pathAttr(path) === 0;
  const best = path === table.bestPath(dest);
  const why = BEST_REASONS[table.bestReason(dest)]!;
  return {
    peer: localRoutes.nameOf(path) ?? table.sources.address[table.pathSlot(path)]!,
    best,
    reason: held ? heldBy(reflector, path) : best ? why : `the best has: ${why}`,
    import: decision,
    attributes: held ? [] : attributeChanges(attrs, table.pathReceived(path), table.pathAttr(path)),
  };
}

/** Of a peer that is not trusted, with what was found of it. */
function heldBy(reflector: Reflector, path: number): string {
  const { table, trust } = reflector;
  const text = holdText(reflector, path);
  if (table.pathHold(path) !== HoldReason.Trust) return text;
  const found = trust?.viewOf(table.sources.address[table.pathSlot(path)]!);
  return `held: ${text}${found === undefined ? "" : ` (${found.reason})`}`;
}

function explainReceiver(
  reflector: Reflector,
  dest: number,
  path: number,
  peer: ReflectedPeer,
): ExplainedReceiver {
  const { table, attrs, out, policies } = reflector;
  const { slot } = peer;
  const attr = table.pathAttr(path);
  const { decision, attr: given } = decideExport(policies.engine, table, path, attr, slot);
  const sent = out.hasSent(slot, dest);
  const obstacle = sent
    ? undefined
    : obstacleTo(reflector, dest, path, peer, { decision, attr: given });
  return {
    peer: peer.session.peerAddress,
    sent,
    ...(obstacle !== undefined && { code: obstacle.code }),
    reason: obstacle?.text ?? "it has been sent",
    export: decision,
    attributes: given === 0 ? [] : attributeChanges(attrs, attr, given),
  };
}
