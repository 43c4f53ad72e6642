/** Rules about bridge domains: type 2 and type 3 routes, VNIs and route targets that belong together. */
import { formatRouteTarget } from "../../../fast-bgp-codec/index.js";
import { toHex } from "../../../util/bytes.js";
import type { Fib } from "../../fib.js";
import { FactFlag } from "../../route-facts.js";
import type { Look, Report, Rule } from "../rule.js";

const MOST_CANDIDATES = 1024;
/** Pairs remembered by one rule. */
const MOST_PAIRS = 200_000;
/** A number that holds a domain and a PE, or a domain and a VNI. */
const PAIR = 0x1_0000_0000;

export const DOMAIN_RULES: readonly Rule[] = [
  {
    id: "mac-without-inclusive",
    severity: "error",
    meaning:
      "a PE announces MACs in a domain, and no type 3 route: nobody floods broadcast or unknown frames to it",
    advice:
      "look whether flooding is off for the VNI on the PE, and whether its type 3 route is filtered on the way (RFC 7432 section 11.1)",
    look: withoutInclusive,
  },
  {
    id: "route-target-with-several-vnis",
    severity: "warning",
    meaning: "the routes of one domain carry different VNIs: PEs mix up what should be apart",
    advice:
      "give each VNI its own route target; if PEs assign VNIs by themselves (RFC 8365 section 5.1.3), leave this rule out",
    look: severalVnis,
  },
  {
    id: "vni-with-several-route-targets",
    severity: "warning",
    meaning:
      "PEs use one VNI with route targets that have none in common: they do not learn each other's MACs",
    advice:
      "configure one route target for the VNI on all its PEs; look for a typing error, or AS numbers that differ",
    look: severalTargets,
  },
];

function withoutInclusive(fib: Fib, report: Report): Look {
  const { entries, candidates, ofEntry } = fib.macs;
  const { domains, pes, facts } = fib.tables;
  const { links } = fib.ads;
  const has = (domain: number, pe: number): boolean => {
    for (let link = domains.firstInclusive(domain); link !== 0; link = links.next(link)) {
      if (facts.pe(links.factsOf(link)) === pe) return true;
    }
    return false;
  };
  /** Domain and PE, and whether there is a type 3 route: asked once. */
  const known = new Map<number, boolean>();
  const suspects = new Map<string, { readonly domain: number; readonly pe: number }>();
  return {
    entry(entry) {
      const domain = entries.domain(entry);
      // Domains of backbone MACs flood by I-SID (RFC 7623 section 6.3).
      if (domains.isBackbone(domain)) return;
      const head = entries.head(entry);
      let at = head;
      let looked = 0;
      do {
        const pe = candidates.pe(at);
        const pair = domain * PAIR + pe;
        let found = known.get(pair);
        if (found === undefined) {
          found = has(domain, pe);
          if (known.size < MOST_PAIRS) known.set(pair, found);
        }
        if (!found) {
          const [name, address] = [fib.view.domainName(domain), pes.address(pe)];
          const subject = `${name} ${address}`;
          suspects.set(subject, { domain, pe });
          const message = `${address} announces MACs in ${name}, and no type 3 route`;
          report.add(subject, message, candidates.dest(at));
        }
        at = ofEntry.next(at);
      } while (at !== head && ++looked < MOST_CANDIDATES);
    },
    finish() {
      // A PE that was just coming up has its type 3 route by now.
      for (const [subject, { domain, pe }] of suspects) {
        if (!domains.exists(domain) || !pes.exists(pe) || has(domain, pe)) report.drop(subject);
      }
    },
  };
}

function severalVnis(fib: Fib, report: Report): Look {
  const { entries, candidates, ofEntry } = fib.macs;
  const { domains, facts } = fib.tables;
  const { links } = fib.ads;
  /** By domain: a route for each VNI. */
  const seen = new Map<number, Map<number, number>>();
  const note = (domain: number, of: number, vni: number, dest: number): void => {
    if ((facts.flags(of) & FactFlag.Vni) === 0 || vni === 0) return;
    let vnis = seen.get(domain);
    if (vnis === undefined) {
      if (seen.size >= MOST_PAIRS) return;
      vnis = new Map();
      seen.set(domain, vnis);
    }
    if (vnis.size < 16 && !vnis.has(vni)) vnis.set(vni, dest);
  };
  return {
    entry(entry) {
      const domain = entries.domain(entry);
      const head = entries.head(entry);
      let at = head;
      let looked = 0;
      do {
        note(domain, candidates.factsOf(at), candidates.label(at), candidates.dest(at));
        at = ofEntry.next(at);
      } while (at !== head && ++looked < MOST_CANDIDATES);
    },
    domain(domain) {
      for (let link = domains.firstInclusive(domain); link !== 0; link = links.next(link)) {
        note(domain, links.factsOf(link), links.label(link), links.dest(link));
      }
    },
    finish() {
      for (const [domain, vnis] of seen) {
        if (vnis.size < 2 || !domains.exists(domain)) continue;
        const name = fib.view.domainName(domain);
        const list = [...vnis.keys()].sort((a, b) => a - b).join(", ");
        for (const dest of vnis.values()) report.add(name, `${name} has the VNIs ${list}`, dest);
      }
    },
  };
}

function severalTargets(fib: Fib, report: Report): Look {
  const { domains, facts } = fib.tables;
  const { links } = fib.ads;
  const { sets } = fib;
  interface Seen {
    common: ReadonlySet<string>;
    readonly all: Set<string>;
    readonly dests: Set<number>;
  }
  /** By Ethernet tag and VNI, of type 3 routes: each MAC-VRF has one, and no IP-VRF has. */
  const seen = new Map<number, Seen>();
  return {
    domain(domain) {
      const tag = domains.tag(domain);
      for (let link = domains.firstInclusive(domain); link !== 0; link = links.next(link)) {
        const of = links.factsOf(link);
        const vni = links.label(link);
        if ((facts.flags(of) & FactFlag.Vni) === 0 || vni === 0) continue;
        const key = vni * PAIR + tag;
        const set = facts.targetSet(of);
        const targets = new Set<string>();
        for (let i = 0; i < Math.min(64, sets.size(set)); i++) {
          const at = sets.at(set, i);
          targets.add(formatRouteTarget(sets.bytes, at) ?? toHex(sets.bytes, at, at + 8));
        }
        if (targets.size === 0) continue;
        const known = seen.get(key);
        if (known === undefined) {
          if (seen.size >= MOST_PAIRS) continue;
          const dests = new Set([links.dest(link)]);
          seen.set(key, { common: targets, all: new Set(targets), dests });
          continue;
        }
        known.common = new Set([...known.common].filter((target) => targets.has(target)));
        for (const target of targets) if (known.all.size < 16) known.all.add(target);
        if (known.dests.size < 1000) known.dests.add(links.dest(link));
      }
    },
    finish() {
      for (const [key, { common, all, dests }] of seen) {
        if (common.size > 0) continue;
        const vni = Math.floor(key / PAIR);
        const tag = key % PAIR;
        const subject = tag === 0 ? `VNI ${vni}` : `VNI ${vni}, tag ${tag}`;
        const message = `${subject} is announced with ${[...all].sort().join(", ")}, and no route target that all have`;
        for (const dest of dests) report.add(subject, message, dest);
      }
    },
  };
}
