/**
 * Which rule counts for a MAC: thresholds and action of its domain or of all, or none at all. Exempt are the
 * MACs, OUIs and domains that the settings name, and MACs that are meant to be in many places: those of
 * VRRP (RFC 9568 section 7.3), and default gateways (RFC 7432 section 10.1), which only their routes tell.
 */
import { parseMac } from "../../fast-bgp-codec/index.js";
import { readU16, readU32 } from "../../util/bytes.js";
import type { DomainSettings, DuplicatePolicy, DuplicateSettings } from "../settings.js";
import { Action, type Rule } from "./machine.js";
import type { WatchKey } from "./records.js";

/** 00-00-5E-00-01-xx for IPv4, 00-00-5E-00-02-xx for IPv6, without the last octet. */
const VRRP_HIGH = 0x0000;
const VRRP_LOW = [0x5e0001, 0x5e0002];
/** First word of the key of a configured domain; the second is its index. */
const CONFIGURED = -1;

export const ACTIONS = {
  none: Action.None,
  pin: Action.Pin,
  hold: Action.Hold,
  "rate-limit": Action.RateLimit,
} as const;

export function ruleOf(policy: DuplicatePolicy): Rule {
  const { moves, seconds, releaseSeconds, rateSeconds, action } = policy;
  return { moves, seconds, releaseSeconds, action: ACTIONS[action], intervalSeconds: rateSeconds };
}

export class DuplicateRules {
  /** Where no domain says otherwise. */
  readonly base: Rule;
  /** By index of the domain in the settings; `false`: exempt. */
  private readonly ofDomain: readonly (Rule | false | undefined)[];
  private readonly macs = new Set<number>();
  private readonly ouis = new Set<number>();

  constructor(settings: DuplicateSettings, named: readonly DomainSettings[]) {
    this.base = ruleOf(settings);
    this.ofDomain = named.map(({ duplicates }) =>
      duplicates === undefined || duplicates === false ? duplicates : ruleOf(duplicates),
    );
    for (const text of settings.exemptMacs) {
      const mac = parseMac(text);
      if (mac === undefined) throw new RangeError(`${text} is no MAC address`);
      this.macs.add(readU16(mac, 0) * 0x1_0000_0000 + readU32(mac, 2));
    }
    for (const text of settings.exemptOuis) {
      const oui = parseMac(`${text}:00:00:00`);
      if (oui === undefined) throw new RangeError(`${text} is no OUI`);
      this.ouis.add(readU32(oui, 0) >>> 8);
    }
  }

  /** Undefined: the MAC is exempt, whatever its routes say. */
  of({ k0, k1, high, low }: WatchKey): Rule | undefined {
    return this.isExempt(high, low >>> 0) ? undefined : this.ofKey(k0, k1);
  }

  /** The rule of a domain by the words of its key. */
  ofKey(k0: number, k1: number): Rule | undefined {
    const own = k0 === CONFIGURED ? this.ofDomain[k1] : undefined;
    return own === false ? undefined : (own ?? this.base);
  }

  private isExempt(high: number, low: number): boolean {
    if (high === VRRP_HIGH && VRRP_LOW.includes(low >>> 8)) return true;
    if (this.ouis.size > 0 && this.ouis.has(high * 0x100 + (low >>> 24))) return true;
    return this.macs.size > 0 && this.macs.has(high * 0x1_0000_0000 + low);
  }
}
