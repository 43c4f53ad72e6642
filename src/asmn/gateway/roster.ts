/** The members as the feeds tell of them, and where they are: what the rules are made from. */
import { readAddress, readPrefix, type Catalog } from "../catalog/index.js";
import { openingsOf, type Member, type Openings } from "./member.js";
import type { VnfPlaces } from "./policy.js";
import type { GatewayPort } from "./settings.js";

/** What the gateway is told of an instance. */
export interface MemberItem {
  readonly id: string;
  readonly vnf: string;
  readonly instance: string;
  readonly state: Member["state"];
  readonly reason: string;
  readonly addresses: readonly string[];
  /** Of the verdict's life; undefined = it does not end. */
  readonly leftMs: number | undefined;
  readonly catalogVersion: number;
}

export type MemberChange =
  | { readonly kind: "item"; readonly item: MemberItem }
  | { readonly kind: "gone"; readonly id: string }
  /** These are all; whoever else is known from a life before is gone. */
  | { readonly kind: "only"; readonly ids: readonly string[] };

export interface RosterDelta {
  readonly changed: readonly Member[];
  readonly gone: readonly string[];
  /** More than verdicts that were made longer. */
  readonly urgent: boolean;
}

const MOST_MEMBERS = 16_384;
const MOST_ADDRESSES = 64;

export class Roster {
  private readonly members = new Map<string, Member>();
  /** Not taken for want of room. */
  refused = 0;

  restore(members: readonly Member[]): void {
    for (const member of members) this.members.set(member.id, member);
  }

  clear(): void {
    this.members.clear();
  }

  all(): Member[] {
    return [...this.members.values()];
  }

  /** @param now monotonic milliseconds; `wall` wall-clock milliseconds */
  take(changes: readonly MemberChange[], now: number, wall: number): RosterDelta {
    const changed = new Map<string, Member>();
    const gone = new Set<string>();
    let urgent = false;
    for (const change of changes) {
      if (change.kind === "item") {
        const former = this.members.get(change.item.id);
        const member = memberOf(change.item, former, now, wall);
        if (former === undefined && this.members.size >= MOST_MEMBERS) {
          this.refused++;
          continue;
        }
        this.members.set(member.id, member);
        changed.set(member.id, member);
        gone.delete(member.id);
        urgent ||= former === undefined || !isRenewal(former, member);
      } else if (change.kind === "gone") this.drop([change.id], changed, gone);
      else {
        const stay = new Set(change.ids);
        const others = [...this.members.keys()].filter((id) => !stay.has(id));
        this.drop(others, changed, gone);
      }
    }
    return { changed: [...changed.values()], gone: [...gone], urgent: urgent || gone.size > 0 };
  }

  /** Those whose verdict ran out are stale from now on. */
  expire(now: number): Member[] {
    const over = this.all().filter(
      ({ state, until }) => state === "trusted" && until !== undefined && until <= now,
    );
    return over.map((member) => {
      const stale: Member = { ...member, state: "stale", reason: "its verdict ran out" };
      this.members.set(member.id, stale);
      return stale;
    });
  }

  /** When the next verdict runs out. */
  nextEnd(): number | undefined {
    const ends = this.all().flatMap(({ state, until }) =>
      state === "trusted" && until !== undefined ? [until] : [],
    );
    return ends.length === 0 ? undefined : ends.reduce((a, b) => Math.min(a, b));
  }

  private drop(ids: readonly string[], changed: Map<string, Member>, gone: Set<string>): void {
    for (const id of ids) {
      if (!this.members.delete(id)) continue;
      changed.delete(id);
      gone.add(id);
    }
  }
}

/** Where each VNF is: as its instances' verdicts say, and as configuration adds. */
export function placesOf(
  catalog: Catalog | undefined,
  members: readonly Member[],
  ports: readonly GatewayPort[],
  glass: ReadonlyMap<string, VnfPlaces["instances"]> = new Map(),
): VnfPlaces[] {
  const given = prefixesOf(ports);
  const names = new Set([
    ...(catalog?.descriptors ?? []),
    ...members.map(({ vnf }) => vnf),
    ...given.keys(),
    ...glass.keys(),
  ]);
  const byVnf = new Map<string, Member[]>();
  for (const member of members) {
    byVnf.set(member.vnf, [...(byVnf.get(member.vnf) ?? []), member]);
  }
  return [...names].sort().map((vnf) => {
    const extra = given.get(vnf) ?? [];
    const exact = extra.filter((place) => !place.includes("/"));
    const instances = [
      ...(byVnf.get(vnf) ?? []).map(({ id, addresses }) => ({ id, addresses })),
      ...(glass.get(vnf) ?? []),
    ];
    return {
      vnf,
      instances: exact.length === 0 ? instances : [...instances, { id: vnf, addresses: exact }],
      prefixes: extra.filter((place) => place.includes("/")),
    };
  });
}

/** Interface -> what may come from there, for those that name their VNFs. */
export function homesOf(
  places: readonly VnfPlaces[],
  ports: readonly GatewayPort[],
): Map<string, string[]> {
  return new Map(
    ports
      .filter(({ vnfs }) => vnfs.length > 0)
      .map(({ name, vnfs }) => {
        const those = places.filter(({ vnf }) => vnfs.some((one) => one.vnf === vnf));
        return [
          name,
          those.flatMap(({ instances, prefixes }) => [
            ...instances.flatMap(({ addresses }) => addresses),
            ...prefixes,
          ]),
        ];
      }),
  );
}

export function openingsFor(members: readonly Member[], ports: readonly GatewayPort[]): Openings {
  return openingsOf(members, prefixesOf(ports));
}

/** VNF -> addresses and prefixes, in canonical form; what is none is left out. */
function prefixesOf(ports: readonly GatewayPort[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const { vnfs } of ports) {
    for (const { vnf, prefixes } of vnfs) {
      const places = prefixes.flatMap(
        (text) => readPrefix(text)?.replace(/\/(32|128)$/, whole) ?? [],
      );
      if (places.length > 0) out.set(vnf, [...(out.get(vnf) ?? []), ...places]);
    }
  }
  return out;
}

/** A prefix of one address is that address: `/32` behind colons is none. */
function whole(length: string, _bits: string, _at: number, text: string): string {
  return length === (text.includes(":") ? "/128" : "/32") ? "" : length;
}

function memberOf(item: MemberItem, former: Member | undefined, now: number, wall: number): Member {
  const { leftMs, addresses, ...rest } = item;
  const canonical = new Set(addresses.flatMap((text) => readAddress(text) ?? []));
  return {
    ...rest,
    addresses: [...canonical].slice(0, MOST_ADDRESSES),
    since: former?.state === item.state ? former.since : wall,
    until: leftMs === undefined ? undefined : now + leftMs,
  };
}

function isRenewal(former: Member, member: Member): boolean {
  return (
    former.state === member.state &&
    former.since === member.since &&
    former.catalogVersion === member.catalogVersion &&
    former.vnf === member.vnf &&
    former.addresses.join(" ") === member.addresses.join(" ") &&
    (former.until === undefined) === (member.until === undefined) &&
    (member.until ?? 0) >= (former.until ?? 0)
  );
}
