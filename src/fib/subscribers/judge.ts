/** Whether a MAC is where its session is: of one entry of the FIB, as things stand. */
import type { SubscriberItem } from "../../contract.js";
import { formatEsi } from "../../fast-bgp-codec/index.js";
import type { Fib } from "../fib.js";
import { FactFlag } from "../route-facts.js";
import type { ExpectedPlace, FindingKind } from "./finding.js";
import { NOBODY, type OurHold } from "./holds.js";
import type { DomainRule, SubscriberRules } from "./rules.js";
import { numberOf, type SubscriberSessions } from "./sessions.js";

export interface Verdict {
  readonly kind: FindingKind;
  readonly item: SubscriberItem | undefined;
  readonly expected: ExpectedPlace | undefined;
}

/** Undefined: it is in order. Gateways' MACs are nobody's session. */
export function judge(
  fib: Fib,
  sessions: SubscriberSessions,
  rules: SubscriberRules,
  rule: DomainRule,
  entry: number,
): Verdict | undefined {
  const { entries, candidates } = fib.macs;
  const mac = numberOf(entries.macHigh(entry), entries.macLow(entry));
  const flags = fib.tables.facts.flags(candidates.factsOf(entries.head(entry)));
  if ((flags & FactFlag.DefaultGateway) !== 0 || rules.isExempt(rule, mac)) return undefined;
  const items = sessions.of(mac).filter((item) => rules.covers(rule, item));
  if (items.length === 0) {
    const { requireSession, tenant } = rule.settings;
    if (!requireSession || sessions.wasIdle(mac, tenant)) return undefined;
    return { kind: "without-session", item: undefined, expected: undefined };
  }
  const { pe, esi } = placeOf(fib, entry);
  let away: Verdict | undefined;
  for (const item of items) {
    const expected = rules.placeOf(item);
    if (expected === undefined || expected.pe === pe) return undefined;
    if (expected.esi !== undefined && expected.esi === esi) return undefined;
    away ??= { kind: "away", item, expected };
  }
  return away;
}

/** Where the FIB has it. */
export function placeOf(fib: Fib, entry: number): { pe: string; esi: string | undefined } {
  const { entries, candidates } = fib.macs;
  const { facts, pes, segments } = fib.tables;
  const head = entries.head(entry);
  const attachment = candidates.attachment(head);
  return {
    pe: pes.address(facts.pe(candidates.factsOf(head))),
    esi: attachment === 0 ? undefined : formatEsi(segments.esi(segments.segmentOf(attachment)), 0),
  };
}

/** Why a hold away from the session is over, whatever is held; undefined: it is not. */
export function whyNotAway(
  hold: OurHold,
  items: readonly SubscriberItem[],
  rules: SubscriberRules,
): string | undefined {
  const stays = items.some((item) => {
    const place = rules.placeOf(item);
    return place !== undefined && (place.pe ?? NOBODY) === hold.pe && place.esi === hold.esi;
  });
  return stays ? undefined : "its session changed";
}

/** The same of a MAC without a session. */
export function whyNotWithout(
  rule: DomainRule,
  items: readonly SubscriberItem[],
  rules: SubscriberRules,
  mac: number,
): string | undefined {
  if (items.length > 0) return "it has a session";
  const needsNone = !rule.settings.requireSession || rules.isExempt(rule, mac);
  return needsNone ? "it needs no session" : undefined;
}

/** @param mac 48 bits */
export function isAnnounced(fib: Fib, domains: Iterable<number>, mac: number): boolean {
  const octets = new Uint8Array(6);
  for (let i = 5, rest = mac; i >= 0; i--, rest = Math.floor(rest / 256)) octets[i] = rest % 256;
  for (const id of domains) {
    if (fib.tables.domains.exists(id) && fib.macs.entries.find(id, octets, 0) !== 0) return true;
  }
  return false;
}
