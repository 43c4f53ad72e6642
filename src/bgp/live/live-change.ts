/**
 * A peer's settings change under its Established session: what it sent and what it is sent is made to
 * follow, without a reset. `session/settings-change.ts` says which options are meant.
 *
 * - What is no longer accepted goes, in slices. What is accepted in addition is not here: the peer is
 *   asked for it by route refresh; one without refresh needs a new session.
 * - What the peer should be sent is compared with what it has been sent; it gets the difference.
 * - Another role (client or not) also changes who gets the peer's routes: the others are compared, too.
 *
 * RFC 2918 (route refresh), 4456 section 6 (roles), 8212.
 */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import { sameSettings } from "../../util/applier.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import type { AdjRibOut } from "../adj-rib-out/adj-rib-out.js";
import type { Interests } from "../interest.js";
import { AttributeExcess, attributeExcess, isRelaxed } from "../limits/attribute-limits.js";
import type { Limits } from "../limits/limits.js";
import type { OutLimits } from "../limits/out-limits.js";
import type { OutRouteLimit } from "../limits/settings.js";
import { findLoop, Refusal } from "../policy/import.js";
import type { ReflectorIdentity } from "../policy/export.js";
import type { Policies } from "../policies.js";
import { kindOf, type ReflectedPeer } from "../reflected-peer.js";
import type { RouteTable } from "../rib/route-table.js";
import { SourceKind } from "../rib/sources.js";
import type { PeerOptions } from "../settings.js";

export interface LiveChangeHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  readonly identity: ReflectorIdentity;
  readonly interests: Interests;
  readonly policies: Policies;
  readonly limits: Limits;
  readonly outLimits: OutLimits;
  /** Who may be trusted; undefined in tests that have none. */
  readonly trust: { changed(peer: ReflectedPeer): void } | undefined;
  livePeers(): Iterable<ReflectedPeer>;
  /** Long work, a slice a turn. */
  later(job: SlicedJob): void;
  /** The peer may be beyond a limit that it was not beyond before. */
  checkLimits(peer: ReflectedPeer): void;
}

/** EVPN route types that the codec knows. */
const LAST_KNOWN_TYPE = 11;
/** Routes looked at in one turn. */
const SLICE = 10_000;
const EVPN = 1 << Family.Evpn;
const MEMBERSHIPS = 1 << Family.RouteTarget;

/**
 * The peer's session has its new options already; `before` are those until now. Returns why only a new
 * session can do it; undefined when it is done or under way.
 */
export function changeLive(
  host: LiveChangeHost,
  peer: ReflectedPeer,
  before: PeerOptions,
): string | undefined {
  const { options, negotiated } = peer.session;
  const roleChanged = kindOf(peer.session) !== peer.kind;
  const asksMembers = (negotiated.families & MEMBERSHIPS) !== 0;
  if (roleChanged && asksMembers) {
    return "its route-target memberships hang on its role";
  }
  if (options.interest.defaultMembership !== before.interest.defaultMembership && asksMembers) {
    return "what it is told of memberships is settled at the start of a session";
  }
  const asked = widened(peer.kind, before, options) & negotiated.families;
  if (asked !== 0 && !negotiated.routeRefresh) return "the peer did not offer route refresh";

  const limitsChanged = !sameSettings(options.limits, before.limits);
  if (limitsChanged && isOverLimit(host.out, peer, options))
    return "it has been sent more routes than its limit";

  const accepts = acceptance(host, peer, before, options);
  peer.reconfigure();
  if (accepts !== undefined) removeRefused(host, peer, accepts);
  if (asked !== 0) peer.ask(asked);
  if (limitsChanged) {
    peer.limiter = host.limits.change(peer.limiter, peer.session, peer.slot);
    if (!peer.gone) host.outLimits.set(peer.session, peer.slot);
  }
  if (!peer.gone && options.prefixLimit !== before.prefixLimit) host.checkLimits(peer);
  if (peer.gone) return undefined;

  const resend = options.nextHopSelf !== before.nextHopSelf && peer.kind === SourceKind.Ebgp;
  const sendsOther =
    roleChanged ||
    resend ||
    options.ebgpAcceptOut !== before.ebgpAcceptOut ||
    !sameSettings(options.addPath, before.addPath) ||
    !sameSettings(options.evpnTypesOut, before.evpnTypesOut);
  if (sendsOther) host.out.reconfigure(peer.receiver(), resend);
  if (!sameSettings(options.interest, before.interest)) {
    host.interests.change(peer, before.interest);
  }
  const gateChanged =
    !sameSettings(options.interest.allowed, before.interest.allowed) ||
    options.gracefulShutdown !== before.gracefulShutdown ||
    roleChanged;
  if (gateChanged) host.policies.renewGate(peer);
  if (roleChanged) changeRole(host, peer);
  if (!sameSettings(options.trust, before.trust)) host.trust?.changed(peer);
  return undefined;
}

/** Which routes a limit lets through is settled as they are sent: a lower one needs a new beginning. */
function isOverLimit(out: AdjRibOut, peer: ReflectedPeer, options: PeerOptions): boolean {
  return options.limits.out.some(
    (limit) =>
      limit.action === "withhold" &&
      FAMILIES.some(
        ({ family }) =>
          (limit.family === undefined || limit.family === family) &&
          family !== Family.RouteTarget &&
          sentOf(out, peer.slot, family, limit) > limit.maximum,
      ),
  );
}

/** Routes that the limit counts. */
function sentOf(out: AdjRibOut, slot: number, family: Family, limit: OutRouteLimit): number {
  if (!limit.perVni && limit.routeType === undefined) return out.sentCount(slot, family);
  return family === Family.Evpn ? out.countKind(slot, family, limit).count : 0;
}

/** Families of which more is accepted than before, bit mask. */
function widened(kind: SourceKind, before: PeerOptions, after: PeerOptions): number {
  const ebgp = kind === SourceKind.Ebgp;
  if (ebgp && after.ebgpAcceptIn && !before.ebgpAcceptIn) return -1;
  if (ebgp && !after.ebgpAcceptIn) return 0;
  if (after.allowAsIn > before.allowAsIn) return -1;
  if (isRelaxed(before.limits.attributes, after.limits.attributes)) return -1;
  const types = before.evpnTypesIn?.some(Boolean) === true && gained(before, after);
  return types || (after.evpnUnknownTypes && !before.evpnUnknownTypes) ? EVPN : 0;
}

function gained(before: PeerOptions, after: PeerOptions): boolean {
  if (after.evpnTypesIn === undefined) return true;
  return after.evpnTypesIn.some((type) => before.evpnTypesIn?.includes(type) === false);
}

type Accepts = (family: Family, path: number) => boolean;

/** What of the routes held is still accepted; undefined when nothing becomes stricter. */
function acceptance(
  { table, identity }: LiveChangeHost,
  peer: ReflectedPeer,
  before: PeerOptions,
  after: PeerOptions,
): Accepts | undefined {
  const { attrs } = table;
  const tests: Accepts[] = [];
  if (peer.kind === SourceKind.Ebgp && before.ebgpAcceptIn && !after.ebgpAcceptIn) {
    return () => false;
  }
  const types = after.evpnTypesIn;
  if (types !== undefined && !sameSettings(types, before.evpnTypesIn)) {
    tests.push(
      (family, path) =>
        family !== Family.Evpn || types.includes(table.routeType(table.pathDest(path))),
    );
  }
  if (before.evpnUnknownTypes && !after.evpnUnknownTypes) {
    tests.push((family, path) => {
      const type = table.routeType(table.pathDest(path));
      return family !== Family.Evpn || (type >= 1 && type <= LAST_KNOWN_TYPE);
    });
  }
  if (after.allowAsIn < before.allowAsIn) {
    tests.push((_family, path) => {
      const attr = table.pathReceived(path);
      const from = attrs.attributesStart(attr);
      const loop = findLoop(
        attrs.bytes,
        from,
        attrs.attributesEnd(attr),
        identity,
        after.allowAsIn,
      );
      return loop === Refusal.None;
    });
  }
  const limits = after.limits.attributes;
  if (isRelaxed(limits, before.limits.attributes)) {
    tests.push((_family, path) => {
      const attr = table.pathReceived(path);
      const from = attrs.attributesStart(attr);
      const to = attrs.attributesEnd(attr);
      return attributeExcess(attrs.bytes, from, to, limits) === AttributeExcess.None;
    });
  }
  if (tests.length === 0) return undefined;
  return (family, path) => tests.every((test) => test(family, path));
}

/** Takes out what is accepted no more, in slices. What is announced meanwhile meets the new options anyway. */
function removeRefused(host: LiveChangeHost, peer: ReflectedPeer, accepts: Accepts): void {
  const { table } = host;
  let family = 0;
  let walk: ReturnType<RouteTable["walkSource"]> | undefined;
  const end = (): void => {
    if (walk !== undefined) table.endWalk(walk);
    walk = undefined;
  };
  host.later({
    step: () => {
      for (let looked = 0; looked < SLICE; looked++) {
        const spec = peer.gone ? undefined : FAMILIES[family];
        if (spec === undefined) {
          end();
          return true;
        }
        walk ??= table.walkSource(peer.slot, spec.family);
        const path = table.stepWalk(walk);
        if (path === 0) {
          end();
          family++;
        } else if (!accepts(spec.family, path)) table.remove(path);
      }
      return false;
    },
  });
}

/** Non-clients get the routes of clients and not those of each other (RFC 4456 section 6). */
function changeRole(host: LiveChangeHost, peer: ReflectedPeer): void {
  const { table, out } = host;
  table.sources.kind[peer.slot] = peer.kind;
  for (const other of host.livePeers()) {
    if (other !== peer && other.kind === SourceKind.NonClient) out.sync(other.slot);
  }
}
