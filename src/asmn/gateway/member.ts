/**
 * Who stands behind the gateway, and who of them may speak. A member is an instance as its Sec-EM's verdicts
 * tell of it; nobody else is one.
 */
export interface Member {
  /** Its ID, hexadecimal. */
  readonly id: string;
  readonly vnf: string;
  readonly instance: string;
  readonly state: "trusted" | "untrusted" | "unknown" | "stale";
  /** For people. */
  readonly reason: string;
  /** Canonical, of either family. */
  readonly addresses: readonly string[];
  /** Of the state; wall-clock milliseconds. */
  readonly since: number;
  /** When the verdict runs out, by the clock that the gateway was given; undefined = never. */
  readonly until: number | undefined;
  /** The least catalog that it is trusted with; 0 = whichever. */
  readonly catalogVersion: number;
  /** Serial of the break-glass document that lets it in, whatever its verdict says. */
  readonly glass?: number | undefined;
}

/** What opens for the members: addresses, and prefixes that configuration gives to a VNF. */
export interface Openings {
  /** Address or prefix -> when it closes by itself; undefined = never. */
  readonly open: ReadonlyMap<string, number | undefined>;
  /** Addresses that two VNFs lay claim to: closed. */
  readonly disputed: readonly string[];
}

/**
 * The last word on an address counts: it is open while an instance that has it is trusted, unless another one
 * that has it was found untrusted after that.
 *
 * @param prefixes what configuration says is behind a VNF, beside the addresses of its verdicts
 */
export function openingsOf(
  members: readonly Member[],
  prefixes: ReadonlyMap<string, readonly string[]>,
): Openings {
  const claims = new Map<string, Member[]>();
  for (const member of members) {
    for (const place of [...member.addresses, ...(prefixes.get(member.vnf) ?? [])]) {
      claims.set(place, [...(claims.get(place) ?? []), member]);
    }
  }
  const open = new Map<string, number | undefined>();
  const disputed: string[] = [];
  for (const [place, holders] of claims) {
    if (new Set(holders.map(({ vnf }) => vnf)).size > 1) {
      disputed.push(place);
      continue;
    }
    const against = latest(holders.filter(({ state }) => state === "untrusted"));
    const trusted = holders.filter(
      ({ state, since, glass }) =>
        state === "trusted" &&
        (glass !== undefined || against === undefined || since >= against.since),
    );
    if (trusted.length > 0) open.set(place, lastEnd(trusted));
  }
  return { open, disputed };
}

function latest(members: readonly Member[]): Member | undefined {
  return members.reduce<Member | undefined>(
    (last, one) => (last === undefined || one.since > last.since ? one : last),
    undefined,
  );
}

function lastEnd(members: readonly Member[]): number | undefined {
  return members.map(({ until }) => until).reduce(laterEnd);
}

/** Of two ends the later one; undefined is never. */
export function laterEnd(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}
