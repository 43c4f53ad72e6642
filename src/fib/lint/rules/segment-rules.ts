/** Rules about Ethernet segments: their A-D routes, modes and elections (RFC 7432 section 8, RFC 8584). */
import { formatEsi } from "../../../fast-bgp-codec/index.js";
import type { Fib } from "../../fib.js";
import { FactFlag } from "../../route-facts.js";
import type { Look, Report, Rule } from "../rule.js";

/** Domains named in one finding. */
const MOST_NAMES = 5;

export const SEGMENT_RULES: readonly Rule[] = [
  {
    id: "es-without-evi",
    severity: "warning",
    meaning:
      "a PE is on a segment (per-ES A-D route), but has no per-EVI A-D route for a domain there: it gets no share of the load, and is no backup",
    advice:
      "look whether the VLAN is configured on the segment's port of that PE, and whether its type 1 routes are filtered (RFC 7432 section 8.4)",
    look: esWithoutEvi,
  },
  {
    id: "evi-without-es",
    severity: "error",
    meaning: "a per-EVI A-D route without per-ES route of that PE for the domain must not be used",
    advice:
      "look why the PE announces no type 1 route with MAX-ET for the segment with the domain's route target (RFC 7432 section 8.2.1); a link that is down withdraws both",
    look: eviWithoutEs,
  },
  {
    id: "mixed-df-algorithms",
    severity: "warning",
    meaning:
      "the PEs of a segment do not announce the same election of the designated forwarder: all of them fall back to the default one",
    advice:
      "configure the same algorithm and capabilities on all PEs of the segment (RFC 8584 section 2.2)",
    look: mixedAlgorithms,
  },
  {
    id: "mixed-redundancy",
    severity: "error",
    meaning:
      "some routes of a segment say single-active, others all-active: other PEs treat it as single-active, its own do not",
    advice: "configure one redundancy mode on all PEs of the segment (RFC 7432 section 8.4)",
    look: mixedRedundancy,
  },
];

function esWithoutEvi(fib: Fib, report: Report): Look {
  const { segments, facts, pes, domains } = fib.tables;
  const { links } = fib.ads;
  /** What lacks, by finding. */
  const lacking = new Map<
    string,
    { readonly who: string; readonly where: string[]; more: number }
  >();
  const add = (segment: number, place: number, domain: number): void => {
    const esi = formatEsi(segments.esi(segment), 0);
    const pe = pes.address(segments.placePe(place));
    const subject = `${esi} ${pe}`;
    let known = lacking.get(subject);
    if (known === undefined) {
      known = { who: `${pe} is on ${esi}, and has no per-EVI route for`, where: [], more: 0 };
      lacking.set(subject, known);
      for (let link = segments.firstPerEs(place); link !== 0; link = links.next(link)) {
        report.add(subject, "", links.dest(link));
      }
    }
    if (domain === 0) return;
    if (known.where.length < MOST_NAMES) known.where.push(fib.view.domainName(domain));
    else known.more++;
  };
  const hasPerEvi = (attachment: number, pe: number): boolean => {
    let link = segments.firstPerEvi(attachment);
    while (link !== 0 && facts.pe(links.factsOf(link)) !== pe) link = links.next(link);
    return link !== 0;
  };
  return {
    attachment(at) {
      const segment = segments.segmentOf(at);
      const domain = segments.domainOf(at);
      // Backbone MACs have no A-D routes for their domain (RFC 7623 section 6).
      if (domains.isBackbone(domain) || segments.isMaxEsi(segment)) return;
      for (
        let place = segments.firstPlace(segment);
        place !== 0;
        place = segments.nextPlace(place)
      ) {
        if (segments.perEsRoutes(place) === 0 || hasPerEvi(at, segments.placePe(place))) continue;
        if (fib.hops.reaches(place, domain)) add(segment, place, domain);
      }
    },
    segment(segment) {
      for (
        let place = segments.firstPlace(segment);
        place !== 0;
        place = segments.nextPlace(place)
      ) {
        if (segments.perEsRoutes(place) === 0) continue;
        const pe = segments.placePe(place);
        let at = segments.firstAttachment(segment);
        while (at !== 0 && !hasPerEvi(at, pe)) at = segments.nextAttachment(at);
        if (at === 0) add(segment, place, 0);
      }
    },
    finish() {
      for (const [subject, { who, where, more }] of lacking) {
        const rest = more > 0 ? ` and ${more} more` : "";
        report.say(
          subject,
          `${who} ${where.length === 0 ? "any domain" : where.join(", ") + rest}`,
        );
      }
    },
  };
}

function eviWithoutEs(fib: Fib, report: Report): Look {
  const { segments, facts, pes } = fib.tables;
  const { links } = fib.ads;
  return {
    attachment(at) {
      const segment = segments.segmentOf(at);
      const domain = segments.domainOf(at);
      for (let link = segments.firstPerEvi(at); link !== 0; link = links.next(link)) {
        const pe = facts.pe(links.factsOf(link));
        if (fib.hops.reaches(segments.place(segment, pe), domain)) continue;
        const [esi, name] = [formatEsi(segments.esi(segment), 0), pes.address(pe)];
        const message = `${name} has per-EVI routes for ${esi}, for ${fib.view.domainName(domain)} among others, and no per-ES route with the route target`;
        report.add(`${esi} ${name}`, message, links.dest(link));
      }
    },
  };
}

function mixedAlgorithms(fib: Fib, report: Report): Look {
  const { segments, facts, pes } = fib.tables;
  const { links } = fib.ads;
  return {
    segment(segment) {
      const said = new Map<string, string[]>();
      for (let link = segments.firstRoute(segment); link !== 0; link = links.next(link)) {
        const of = links.factsOf(link);
        const df = facts.dfElection(of);
        const words =
          df === undefined
            ? "the default"
            : `algorithm ${df.algorithm}, capabilities 0x${df.bitmap.toString(16)}`;
        // Saying nothing and saying algorithm 0 without capabilities is the same.
        const key = df?.algorithm === 0 && df.bitmap === 0 ? "the default" : words;
        said.set(key, [...(said.get(key) ?? []), pes.address(facts.pe(of))]);
      }
      if (said.size < 2) return;
      const esi = formatEsi(segments.esi(segment), 0);
      const words = [...said].map(
        ([what, who]) => `${what} of ${who.sort().slice(0, 5).join(", ")}`,
      );
      const message = `${esi}: ${words.sort().join("; ")}`;
      for (let link = segments.firstRoute(segment); link !== 0; link = links.next(link)) {
        report.add(esi, message, links.dest(link));
      }
    },
  };
}

function mixedRedundancy(fib: Fib, report: Report): Look {
  const { segments, facts, pes } = fib.tables;
  const { links } = fib.ads;
  return {
    segment(segment) {
      const single: string[] = [];
      const all: string[] = [];
      const dests: number[] = [];
      for (
        let place = segments.firstPlace(segment);
        place !== 0;
        place = segments.nextPlace(place)
      ) {
        for (let link = segments.firstPerEs(place); link !== 0; link = links.next(link)) {
          const flags = facts.flags(links.factsOf(link));
          const list = (flags & FactFlag.SingleActive) !== 0 ? single : all;
          const name = pes.address(segments.placePe(place));
          if (!list.includes(name)) list.push(name);
          dests.push(links.dest(link));
        }
      }
      if (single.length === 0 || all.length === 0) return;
      const esi = formatEsi(segments.esi(segment), 0);
      const message = `${esi} is single-active by ${single.sort().join(", ")}, and all-active by ${all.sort().join(", ")}`;
      for (const dest of dests) report.add(esi, message, dest);
    },
  };
}
