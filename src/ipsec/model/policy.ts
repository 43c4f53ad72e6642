/**
 * A gateway's address book, its ordered policies between zones, and what it does not translate. Every
 * operation gives a new list, or a sentence that says why not.
 */
export interface AddressEntry {
  readonly zone: string;
  readonly name: string;
  /** Canonical prefix. */
  readonly prefix: string;
}

/** The entry that is in every zone. */
export const ANY = "Any";

export interface Policy {
  /** Unique within a gateway; says nothing of the order. */
  readonly id: number;
  readonly name?: string | undefined;
  readonly from: string;
  readonly to: string;
  /** Names of the address book of `from`, or `ANY`. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  /** `ANY`, or names of services. */
  readonly services: readonly string[];
  /** `tunnel` = permitted into the VPN named by `tunnel` (policy-based). */
  readonly action: "permit" | "deny" | "tunnel";
  readonly tunnel?: string | undefined;
  readonly log: boolean;
  readonly enabled: boolean;
}

export interface NetworkPair {
  readonly local: string;
  readonly remote: string;
}

/** Traffic between these networks keeps its addresses: PIX `nat (inside) 0 access-list nonat`. */
export interface NatExemption {
  readonly interface: string;
  /** Name of the access list. */
  readonly list: string;
  readonly pairs: readonly NetworkPair[];
}

/** Everything else from `inside` leaves with the address of `outside`. */
export interface NatOverload {
  readonly id: number;
  readonly inside: string;
  readonly outside: string;
  readonly source: string;
}

export interface NatRules {
  readonly exemptions: readonly NatExemption[];
  readonly overloads: readonly NatOverload[];
}

export const NO_NAT: NatRules = { exemptions: [], overloads: [] };

/** A list as it is after an operation, or why it was not done. */
export type ListEdit<T> =
  | { readonly ok: true; readonly list: readonly T[] }
  | { readonly ok: false; readonly problem: string };

/** Ids of the policies that name the entry. */
export function usesOf(entry: AddressEntry, policies: readonly Policy[]): number[] {
  const { zone, name } = entry;
  return policies
    .filter(
      ({ from, to, sources, destinations }) =>
        (from === zone && sources.includes(name)) || (to === zone && destinations.includes(name)),
    )
    .map(({ id }) => id);
}

export function addAddress(
  book: readonly AddressEntry[],
  entry: AddressEntry,
): ListEdit<AddressEntry> {
  if (entry.name === ANY) return refused(`"${ANY}" stands for every address; choose another name`);
  const known = book.find(({ zone, name }) => zone === entry.zone && name === entry.name);
  if (known !== undefined) {
    return refused(
      `zone ${entry.zone} has an entry "${entry.name}" (${known.prefix}); choose another name, or remove that one first`,
    );
  }
  return { ok: true, list: [...book, entry] };
}

/** An entry that policies name stays. */
export function removeAddress(
  book: readonly AddressEntry[],
  zone: string,
  name: string,
  policies: readonly Policy[],
): ListEdit<AddressEntry> {
  const entry = book.find((one) => one.zone === zone && one.name === name);
  if (entry === undefined) return refused(`zone ${zone} has no entry "${name}"`);
  const users = usesOf(entry, policies);
  if (users.length > 0) {
    return refused(
      `"${name}" is in use by policy ${users.join(", ")}; take it out of ${users.length === 1 ? "that" : "those"} first`,
    );
  }
  return { ok: true, list: book.filter((one) => one !== entry) };
}

/** A copy with the next free id, right behind the original. */
export function clonePolicy(policies: readonly Policy[], id: number): ListEdit<Policy> {
  const at = policies.findIndex((policy) => policy.id === id);
  const found = policies[at];
  if (found === undefined) return noPolicy(id);
  const copy: Policy = { ...found, id: nextPolicyId(policies) };
  return { ok: true, list: policies.toSpliced(at + 1, 0, copy) };
}

/** To right before, or behind, another one. */
export function movePolicy(
  policies: readonly Policy[],
  id: number,
  place: "before" | "after",
  other: number,
): ListEdit<Policy> {
  const found = policies.find((policy) => policy.id === id);
  if (found === undefined) return noPolicy(id);
  if (id === other) return refused("a policy cannot be moved to itself; name another one");
  const rest = policies.filter((policy) => policy !== found);
  const at = rest.findIndex((policy) => policy.id === other);
  if (at < 0) return noPolicy(other);
  return { ok: true, list: rest.toSpliced(place === "before" ? at : at + 1, 0, found) };
}

export function removePolicy(policies: readonly Policy[], id: number): ListEdit<Policy> {
  const rest = policies.filter((policy) => policy.id !== id);
  return rest.length === policies.length ? noPolicy(id) : { ok: true, list: rest };
}

/** The first policy of a pair of zones decides; those behind one that takes everything are never asked. */
export function policiesBetween(policies: readonly Policy[], from: string, to: string): Policy[] {
  return policies.filter((policy) => policy.from === from && policy.to === to);
}

export function nextPolicyId(policies: readonly Policy[]): number {
  return policies.reduce((most, { id }) => Math.max(most, id), 0) + 1;
}

function noPolicy(id: number): { ok: false; problem: string } {
  return refused(`there is no policy ${id}`);
}

function refused(problem: string): { ok: false; problem: string } {
  return { ok: false, problem };
}
