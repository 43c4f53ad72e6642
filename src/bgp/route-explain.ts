/**
 * Why a route is where it is: what import rules made of each path, which path is best and why, and for
 * every live session whether it has the route, and what kept it or let it go. A few destinations at a
 * time, looked for in slices.
 */
import { FAMILIES, Family } from "../fast-bgp-codec/family.js";
import { formatNlri } from "../fast-bgp-codec/nlri.js";
import type { SlicedJob } from "../util/sliced-work.js";
import type { RouteQuery } from "./control.js";
import { hasBit } from "./policy/slot-mask.js";
import type {
  ExplainedPath,
  ExplainedReceiver,
  ExplainedRoute,
  RouteExplanation,
} from "./policy-view.js";
import { attributeChanges, decideExport, decideImport } from "./policy-words.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";
import { decodePathNlri, holdText, inFamily, matchesNlri } from "./route-query.js";
import { AttrFlag } from "./rib/attr-facts.js";
import { BEST_REASONS } from "./rib/best-path.js";
import { SourceKind } from "./rib/sources.js";

const SHOWN = 10;
const SLICE_MS = 1;

/** Looks through the table for what the query names; `finish` is called once. */
export class RouteExplainer implements SlicedJob {
  private readonly reflector: Reflector;
  private readonly query: RouteQuery;
  private readonly finish: (explanation: RouteExplanation) => void;
  private readonly routes: ExplainedRoute[] = [];
  private dest = 1;

  constructor(
    reflector: Reflector,
    query: RouteQuery,
    finish: (explanation: RouteExplanation) => void,
  ) {
    this.reflector = reflector;
    this.query = query;
    this.finish = finish;
  }

  step(): boolean {
    const { reflector, query } = this;
    const { table } = reflector;
    const until = performance.now() + SLICE_MS;
    for (; this.dest < table.destinationLimit; this.dest++) {
      if ((this.dest & 15) === 0 && performance.now() >= until) return false;
      const { dest } = this;
      if (!table.exists(dest) || !inFamily(reflector, dest, query)) continue;
      const first = table.firstPath(dest);
      if (first === 0 || !matchesNlri(decodePathNlri(reflector, first), query)) continue;
      if (this.routes.length === SHOWN) return this.end(true);
      this.routes.push(explain(reflector, dest));
    }
    return this.end(false);
  }

  private end(cut: boolean): boolean {
    this.reflector.policies.engine.endBatch();
    this.finish({ routes: this.routes, cut });
    return true;
  }
}

function explain(reflector: Reflector, dest: number): ExplainedRoute {
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
        : [...reflector.livePeers()].map((peer) => explainReceiver(reflector, dest, best, peer)),
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
    reason: held ? holdText(reflector, path) : best ? why : `the best has: ${why}`,
    import: decision,
    attributes: held ? [] : attributeChanges(attrs, table.pathReceived(path), table.pathAttr(path)),
  };
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
  const obstacle = obstacleOf(reflector, dest, path, peer);
  const rejected = given === 0 ? "rejected by export policy" : undefined;
  const reason = sent
    ? "it has been sent"
    : (obstacle ?? rejected ?? "it is about to be sent, or the session does not read");
  return {
    peer: peer.session.peerAddress,
    sent,
    reason,
    export: decision,
    attributes: given === 0 ? [] : attributeChanges(attrs, attr, given),
  };
}

/** What keeps a path from a session before export policy is asked, in words. */
function obstacleOf(
  { table, attrs, out }: Reflector,
  dest: number,
  path: number,
  peer: ReflectedPeer,
): string | undefined {
  const family = table.family(dest);
  const source = table.pathSlot(path);
  const { options, negotiated } = peer.session;
  if ((negotiated.families & (1 << family)) === 0) return "the session has not that family";
  if (source === peer.slot) return "the route is its own";
  const mask = new Int32Array(out.words);
  for (const takers of ["best", "several"] as const) {
    out.receiversUnder(table.pathAttr(path), dest, path, takers, mask);
    if (peer.slot >>> 5 < mask.length && hasBit(mask, 0, peer.slot)) return undefined;
  }
  const flags = attrs.flags(table.pathAttr(path));
  const ebgp = peer.kind === SourceKind.Ebgp;
  const kind = table.sources.kind[source];
  if ((flags & AttrFlag.NoAdvertise) !== 0) return "community no-advertise";
  if (ebgp && (flags & (AttrFlag.NoExport | AttrFlag.NoExportSubconfed)) !== 0) {
    return "community no-export, and it is an eBGP peer";
  }
  if (ebgp && !options.ebgpAcceptOut) return "eBGP without ebgp-accept-out (RFC 8212)";
  if (kind === SourceKind.NonClient && peer.kind === SourceKind.NonClient) {
    return "from a non-client to a non-client (RFC 4456)";
  }
  if (family === Family.RouteTarget) return "memberships go to other reflectors only";
  const types = options.evpnTypesOut;
  if (family === Family.Evpn && types?.includes(table.routeType(dest)) === false) {
    return "evpn-types-out leaves its type out";
  }
  if ((flags & AttrFlag.LlgrStale) !== 0) return "long-lived stale, and it does not take those";
  return "it did not ask for these route targets, may not have them, or its first table still waits";
}
