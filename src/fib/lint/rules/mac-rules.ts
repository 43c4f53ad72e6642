/** Rules about MACs and addresses: who claims them, and whether they can be reached (RFC 7432 sections 9, 10, 15). */
import { formatEsi, formatIp } from "../../../fast-bgp-codec/index.js";
import type { CandidateRing } from "../../candidates.js";
import { macText } from "../../event-record.js";
import type { Fib } from "../../fib.js";
import { FactFlag } from "../../route-facts.js";
import type { Look, Report, Rule } from "../rule.js";

/** Routes looked at for one MAC or address. */
const MOST_CANDIDATES = 1024;

export const MAC_RULES: readonly Rule[] = [
  {
    id: "sticky-at-two-pes",
    severity: "error",
    meaning: "two PEs say of one MAC that it never moves: only one of them is right",
    advice:
      "find out where the host is, and remove the static MAC from the other PE (RFC 7432 section 15.2)",
    look: stickyTwice,
  },
  {
    id: "ip-on-two-macs",
    severity: "warning",
    meaning:
      "several MACs of a domain have the same IP address: a conflict, or a host that changed its MAC",
    advice:
      "look for two hosts with one address; if the host has another MAC now, the PE of the old one should have aged it out",
    look: addressTwice,
  },
  {
    id: "gateway-mac-differs",
    severity: "warning",
    meaning:
      "PEs announce a default gateway with different MACs: a host that moves keeps the MAC of the old one",
    advice:
      "give the gateway the same MAC (anycast) on all PEs, or make sure that each routes for the MACs of the others (RFC 7432 section 10.1)",
    look: gatewayMacs,
  },
  {
    id: "mac-unusable",
    severity: "error",
    meaning:
      "a MAC is on a segment through which no PE reaches its domain, so nobody can send to it",
    advice:
      "look for the per-ES A-D route of the PE that announces it, and its route targets (RFC 7432 section 9.2.2)",
    look: unusable,
  },
  {
    id: "sequence-back",
    severity: "warning",
    meaning:
      "a PE announced a MAC again with a lower mobility sequence than before: other PEs may hold on to where it was",
    advice:
      "the sequence must not go back while the route stays (RFC 7432 section 15): look for a restart or a fault of the PE; clear the MAC there to have it learnt anew",
    look: sequenceBack,
  },
];

function stickyTwice(fib: Fib, report: Report): Look {
  const { entries, candidates, ofEntry } = fib.macs;
  const { facts, pes } = fib.tables;
  return {
    entry(entry) {
      const claims = new Map<number, number>();
      const segments = new Set<number>();
      each(ofEntry, entries.head(entry), (id) => {
        if ((facts.flags(candidates.factsOf(id)) & FactFlag.Sticky) === 0) return;
        claims.set(candidates.pe(id), candidates.dest(id));
        segments.add(candidates.attachment(id));
      });
      const oneSegment = segments.size === 1 && !segments.has(0);
      if (claims.size < 2 || oneSegment) return;
      const subject = keyOf(fib, entry);
      const names = [...claims.keys()].map((pe) => pes.address(pe)).sort();
      const message = `${subject} is sticky at ${names.join(", ")}`;
      for (const dest of claims.values()) report.add(subject, message, dest);
    },
  };
}

function addressTwice(fib: Fib, report: Report): Look {
  const { bindings, candidates, ofBinding } = fib.macs;
  return {
    binding(binding) {
      const macs = new Map<number, number>();
      let gateways = true;
      each(ofBinding, bindings.head(binding), (id) => {
        if (macs.size < MOST_CANDIDATES) macs.set(candidates.entry(id), candidates.dest(id));
        gateways &&= isGateway(fib, id);
      });
      // Gateways have a rule of their own.
      if (macs.size < 2 || gateways) return;
      sayMacs(fib, report, binding, macs, "");
    },
  };
}

function gatewayMacs(fib: Fib, report: Report): Look {
  const { bindings, candidates, ofBinding } = fib.macs;
  return {
    binding(binding) {
      const macs = new Map<number, number>();
      each(ofBinding, bindings.head(binding), (id) => {
        if (isGateway(fib, id)) macs.set(candidates.entry(id), candidates.dest(id));
      });
      if (macs.size >= 2) sayMacs(fib, report, binding, macs, "default gateway ");
    },
  };
}

function isGateway(fib: Fib, id: number): boolean {
  const flags = fib.tables.facts.flags(fib.macs.candidates.factsOf(id));
  return (flags & FactFlag.DefaultGateway) !== 0;
}

function sayMacs(
  fib: Fib,
  report: Report,
  binding: number,
  macs: ReadonlyMap<number, number>,
  what: string,
): void {
  const { bindings, entries } = fib.macs;
  const ip = formatIp(bindings.ip(binding), 0, bindings.octets(binding));
  const domain = fib.view.domainName(bindings.domain(binding));
  const names = [...macs.keys()]
    .slice(0, 5)
    .map((entry) => macText(entries.macHigh(entry), entries.macLow(entry)))
    .sort();
  const more = macs.size > names.length ? ` and ${macs.size - names.length} more` : "";
  const message = `${what}${ip} in ${domain} has the MACs ${names.join(", ")}${more}`;
  for (const dest of macs.values()) report.add(`${domain} ${ip}`, message, dest);
}

function unusable(fib: Fib, report: Report): Look {
  const { entries, candidates } = fib.macs;
  const { segments } = fib.tables;
  return {
    entry(entry) {
      const head = entries.head(entry);
      const attachment = candidates.attachment(head);
      if (attachment === 0) return;
      fib.hops.resolve(entry);
      if (fib.hops.count > 0) return;
      const esi = formatEsi(segments.esi(segments.segmentOf(attachment)), 0);
      const domain = fib.view.domainName(entries.domain(entry));
      const message = `MACs of ${domain} on ${esi} cannot be reached: no PE has a per-ES route for the domain`;
      report.add(`${domain} ${esi}`, message, candidates.dest(head));
    },
  };
}

function sequenceBack(fib: Fib, report: Report): Look {
  const { routes } = fib.tables;
  return {
    finish() {
      for (const [dest, { from, to }] of fib.macs.regressions.list()) {
        const path = routes.bestPath(dest);
        // It has been put right since, or is gone.
        if (path === 0 || routes.attrs.sequence(routes.pathAttr(path)) >>> 0 !== to) continue;
        const subject = `route ${dest}`;
        report.add(subject, `the sequence of the route went from ${from} back to ${to}`, dest);
      }
    },
  };
}

function keyOf(fib: Fib, entry: number): string {
  const { entries } = fib.macs;
  const mac = macText(entries.macHigh(entry), entries.macLow(entry));
  return `${fib.view.domainName(entries.domain(entry))} ${mac}`;
}

function each(ring: CandidateRing, head: number, look: (id: number) => void): void {
  let at = head;
  let looked = 0;
  do {
    look(at);
    at = ring.next(at);
  } while (at !== head && ++looked < MOST_CANDIDATES);
}
