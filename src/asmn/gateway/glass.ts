/**
 * Break-glass at the gateway (ASM-81): what an operator's signed document opens for a while, whatever verdicts say. It
 * opens who is known here, in its scope; a document that names an address opens that for whoever has it. What
 * may pass then is still the catalog's to say. No clock: times go in.
 */
import { readAddress } from "../catalog/index.js";
import type { BreakGlassView } from "../gate/control.js";
import type { GlassEntry } from "../gate/entry.js";
import { laterEnd, type Member, type Openings } from "./member.js";
import type { VnfPlaces } from "./policy.js";

/** A document that is open here. */
export interface HeldGlass {
  readonly entry: GlassEntry;
  /** By the clock of the gateway. */
  readonly until: number;
}

/** As many as a gate holds. */
const MOST_GLASS = 256;

export class GlassBook {
  private readonly held = new Map<string, HeldGlass>();
  /** The store has all of it as it is. */
  kept = true;

  all(): readonly HeldGlass[] {
    return [...this.held.values()];
  }

  /** In place of what there is. */
  restore(held: readonly HeldGlass[]): void {
    this.held.clear();
    for (const one of held) this.held.set(one.entry.key, one);
    this.kept = true;
  }

  take(entry: GlassEntry, now: number): void {
    this.held.set(entry.key, { entry, until: now + entry.remainingMs });
    for (const oldest of this.held.keys()) {
      if (this.held.size <= MOST_GLASS) break;
      this.held.delete(oldest);
    }
    this.kept = false;
  }

  /** Ends those that this says, before their time or because it is over. */
  end(isOver: (one: HeldGlass) => boolean): readonly HeldGlass[] {
    const over = this.all().filter(isOver);
    for (const { entry } of over) this.held.delete(entry.key);
    if (over.length > 0) this.kept = false;
    return over;
  }

  nextEnd(): number | undefined {
    const ends = this.all().map(({ until }) => until);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }
}

/** The members as they stand with what is open: whoever is in the scope of a document is let in. */
export function letIn(members: readonly Member[], held: readonly HeldGlass[]): readonly Member[] {
  const scopes = held.filter(({ entry }) => entry.address === undefined);
  if (scopes.length === 0) return members;
  return members.map((member) => {
    const open = scopes.filter(({ entry }) => covers(entry, member));
    const [first, ...others] = open;
    if (first === undefined) return member;
    const last = others.reduce((a, b) => (b.until > a.until ? b : a), first);
    const { serial } = last.entry;
    if (member.state !== "trusted") {
      const reason = words(last.entry);
      return { ...member, state: "trusted", reason, until: last.until, glass: serial };
    }
    return { ...member, until: laterEnd(member.until, last.until), glass: serial };
  });
}

/** What opens beside the members: addresses by name. */
export function addressesOpened(openings: Openings, held: readonly HeldGlass[]): Openings {
  const open = new Map(openings.open);
  for (const { entry, until } of held) {
    const place = entry.address === undefined ? undefined : readAddress(entry.address);
    if (place === undefined) continue;
    open.set(place, open.has(place) ? laterEnd(open.get(place), until) : until);
  }
  return { open, disputed: openings.disputed.filter((place) => !open.has(place)) };
}

/** Whom an address stands for where no instance is known to have it: the VNF that the document names. */
export function placesOfGlass(
  held: readonly HeldGlass[],
  members: readonly Member[],
): ReadonlyMap<string, VnfPlaces["instances"]> {
  const known = new Set(members.flatMap(({ addresses }) => addresses));
  const places = new Map<string, VnfPlaces["instances"]>();
  for (const { entry } of held) {
    const { key, vnf } = entry;
    const place = entry.address === undefined ? undefined : readAddress(entry.address);
    if (vnf === undefined || place === undefined || known.has(place)) continue;
    known.add(place);
    places.set(vnf, [...(places.get(vnf) ?? []), { id: `glass ${key}`, addresses: [place] }]);
  }
  return places;
}

export function glassView({ entry, until }: HeldGlass, now: number): BreakGlassView {
  const { serial, operator, why, tenant, vnf, instance, address } = entry;
  const secondsLeft = Math.max(0, Math.ceil((until - now) / 1000));
  return { serial, operator, why, tenant, vnf, instance, address, secondsLeft };
}

function covers({ vnf, instance }: GlassEntry, member: Member): boolean {
  return (
    (vnf === undefined || vnf === member.vnf) &&
    (instance === undefined || instance === member.instance)
  );
}

function words({ serial, operator, why }: GlassEntry): string {
  return `break-glass ${serial} by ${operator} (${why})`;
}
