/** Merged options of one peer or range to the speaker's `PeerOptions`, with the rules that need two keys. */
import type { PeerOptions } from "../bgp/settings.js";
import type { AsmnSettings } from "../asmn/settings.js";
import type { TcpAoChain } from "../bgp/transport/tcp-ao-settings.js";
import { FAMILIES } from "../fast-bgp-codec/family.js";
import type { Family } from "../fast-bgp-codec/family.js";
import { canonicalAddress } from "./address.js";
import { bfdOptions } from "./bfd.js";
import { PEER_DEFAULTS } from "./file.js";
import { addPathOptions } from "./add-path.js";
import { gracefulRestartOptions } from "./graceful-restart.js";
import type { FamilyName } from "./family-name.js";
import type { PeerOptionsEntry } from "./file.js";
import type { MergedOptions } from "./groups.js";
import { peerPolicy } from "./policy.js";
import { interestOptions } from "./interest.js";
import type { IssueList } from "./issue.js";
import { peerLimits } from "./limits.js";
import { chainOf } from "./key-chains.js";
import { resolvePassword } from "./secrets.js";
import type { SecretSource } from "./secrets.js";
import { trustRequirement } from "./trust.js";

export interface PeerContext {
  readonly ownAs: number;
  readonly group: string;
  /** The group and those it inherits from, the nearest first. */
  readonly groups: readonly string[];
  /** Names of the policies there are. */
  readonly policies: readonly string[];
  readonly dynamic: boolean;
  /** Its address, or the prefix of the range. */
  readonly peer: string;
  readonly secrets: SecretSource;
  /** TCP-AO chains by name. */
  readonly chains: ReadonlyMap<string, TcpAoChain>;
  /** Undefined = there are no trust checks. */
  readonly asmn: AsmnSettings | undefined;
  readonly issues: IssueList;
}

export function peerOptions(merged: MergedOptions, context: PeerContext): PeerOptions {
  const { issues } = context;
  const given = merged.options;
  const entry = { ...PEER_DEFAULTS, ...given };
  const peerAs = entry["peer-as"] === "any" ? undefined : (entry["peer-as"] ?? context.ownAs);
  const ebgp = peerAs !== undefined && peerAs !== context.ownAs;
  checkRules(merged, context, ebgp);
  return {
    group: context.group,
    description: entry.description,
    peerAs,
    client: entry.client,
    families: familyNumbers(entry.families),
    passive: entry.passive,
    shutdown: entry.shutdown,
    holdTime: entry["hold-time"],
    connectRetry: entry["connect-retry"],
    sendHoldTime: entry["send-hold-time"],
    idleHold: entry["idle-hold"],
    idleHoldMax: entry["idle-hold-max"],
    password: resolvePassword(given, (key) => merged.at(key), context.secrets, issues),
    tcpAo: chainOf(given["tcp-ao"], merged.at("tcp-ao"), context.chains, issues),
    ttlSecurityHops: entry["ttl-security-hops"],
    ttl: entry.ttl ?? (ebgp ? 1 : 0),
    localAddress: canonicalAddress(entry["local-address"] ?? ""),
    port: entry.port,
    tcpUserTimeoutMs: entry["tcp-user-timeout-ms"],
    extendedMessage: entry["extended-message"],
    extendedNextHop: entry["extended-next-hop"],
    ebgpAcceptIn: entry["ebgp-accept-in"],
    ebgpAcceptOut: entry["ebgp-accept-out"],
    nextHopSelf: entry["next-hop-self"],
    evpnTypesOut: entry["evpn-types-out"],
    evpnTypesIn: entry["evpn-types-in"],
    evpnUnknownTypes: entry["evpn-unknown-types"] === "reflect",
    malformedNlri: entry["malformed-nlri"],
    prefixLimit: entry["prefix-limit"],
    prefixLimitRestart: entry["prefix-limit-restart"],
    limits: peerLimits(given.limits, { at: merged.at("limits"), issues }),
    allowAsIn: entry["allow-as-in"],
    interest: interestOptions(entry),
    gracefulShutdown: entry["graceful-shutdown"],
    bfd: bfdOptions(given.bfd, {
      dynamic: context.dynamic,
      path: merged.at("bfd"),
      secrets: context.secrets,
      issues,
    }),
    policy: peerPolicy(given, (key) => merged.at(key), context.groups, context.policies, issues),
    addPath: addPathOptions(entry["add-path"]),
    gracefulRestart: gracefulRestartOptions(entry["graceful-restart"]),
    trust: trustRequirement(given.trust, {
      path: merged.at("trust"),
      peer: context.peer,
      asmn: context.asmn,
      issues,
    }),
  };
}

/** In the codec's order, so that equal sets are equal lists. */
function familyNumbers(names: readonly FamilyName[]): Family[] {
  return FAMILIES.filter((spec) => (names as readonly string[]).includes(spec.name)).map(
    (spec) => spec.family,
  );
}

function checkRules(merged: MergedOptions, context: PeerContext, ebgp: boolean): void {
  const { issues } = context;
  const entry: PeerOptionsEntry = { ...PEER_DEFAULTS, ...merged.options };
  const hold = entry["hold-time"] ?? 0;
  if (hold === 1 || hold === 2) {
    issues.error(
      merged.at("hold-time"),
      `a hold time of ${hold} seconds is not allowed (RFC 4271 section 4.2)`,
      "use 0 (off) or 3 to 65535",
    );
  }
  if ((entry["idle-hold"] ?? 0) > (entry["idle-hold-max"] ?? 0)) {
    issues.error(
      merged.at(merged.options["idle-hold"] === undefined ? "idle-hold-max" : "idle-hold"),
      `idle-hold (${entry["idle-hold"]}) is longer than idle-hold-max (${entry["idle-hold-max"]})`,
      "raise idle-hold-max or lower idle-hold",
    );
  }
  const keyed =
    entry.password !== undefined ||
    entry["password-file"] !== undefined ||
    entry["password-env"] !== undefined;
  if (entry["tcp-ao"] !== undefined && keyed) {
    issues.error(
      merged.at("tcp-ao"),
      "TCP-AO and a TCP MD5 password exclude each other",
      "keep one, on both sides the same",
    );
  }
  if (entry["peer-as"] === "any" && !context.dynamic) {
    issues.error(
      merged.at("peer-as"),
      '"any" is for dynamic peers only',
      "write this peer's AS number",
    );
  }
  if (entry["local-address"]?.includes("%") === true) {
    issues.error(merged.at("local-address"), "it has a zone", "use an address without a zone");
  }
  if ((entry["ttl-security-hops"] ?? 0) > 0 && (entry.ttl ?? 255) !== 255) {
    issues.error(
      merged.at("ttl"),
      "with ttl-security-hops every packet leaves with TTL 255",
      "remove ttl",
    );
  }
  if (ebgp && entry["ebgp-accept-in"] !== true && entry["ebgp-accept-out"] !== true) {
    issues.warn(
      merged.at("peer-as"),
      "this eBGP peer exchanges no routes (RFC 8212)",
      "say ebgp-accept-in: true and ebgp-accept-out: true for what is wanted",
    );
  }
}
