/**
 * What the gateway keeps over a restart: the catalog in force with the key that signed it, the highest versions
 * ever taken, what the last verdicts said, until when, what break-glass has opened, and the tables that the kernel
 * may hold. Keys, T a tenant: `gateway/catalog/T`, `gateway/floor/T`, `gateway/member/T/ID`, `gateway/glass/T`,
 * `gateway/tables`.
 */
import { openCatalog, type Floor, type OpenedCatalog } from "../catalog/index.js";
import type { Store } from "../../store/index.js";
import type { Clock } from "../../util/clock.js";
import type { HeldGlass } from "./glass.js";
import type { Member } from "./member.js";

const CATALOG = "gateway/catalog/";
const FLOOR = "gateway/floor/";
const MEMBER = "gateway/member/";
const GLASS = "gateway/glass/";
const TABLES = "gateway/tables";
const KEY_OCTETS = 32;

export interface KeptState {
  readonly catalog: OpenedCatalog | undefined;
  readonly floor: Floor | undefined;
  readonly members: readonly Member[];
  readonly glass: readonly HeldGlass[];
}

/** A member as it is kept: its end by the wall clock, as the other clock begins anew. */
interface KeptMember extends Member {
  readonly savedAt: number;
}

/** Ends by the wall clock. */
interface KeptGlass {
  readonly savedAt: number;
  readonly glass: readonly HeldGlass[];
}

export class GatewayStore {
  private readonly store: Store;
  private readonly clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  async load(tenant: string): Promise<KeptState> {
    const [catalog, floor, members, glass] = await Promise.all([
      this.store.get(CATALOG + tenant),
      this.store.get(FLOOR + tenant),
      this.store.scan({ prefix: `${MEMBER}${tenant}/` }),
      this.store.get(GLASS + tenant),
    ]);
    return {
      catalog: catalog === undefined ? undefined : openedOf(catalog.value),
      floor: floor === undefined ? undefined : parsed<Floor>(floor.value),
      members: members.flatMap(({ value }) => this.memberOf(value) ?? []),
      glass: glass === undefined ? [] : this.glassOf(glass.value),
    };
  }

  /** On the disk when it settles: without it an older one could come back. */
  async keepFloor(tenant: string, floor: Floor): Promise<void> {
    const value = Buffer.from(JSON.stringify(floor));
    await this.store.write([{ kind: "put", key: FLOOR + tenant, value }], { sync: true });
  }

  /** @param key the public key that it was opened with */
  async keepCatalog({ catalog, document }: OpenedCatalog, key: Uint8Array): Promise<void> {
    const value = Buffer.concat([key, document]);
    await this.store.write([{ kind: "put", key: CATALOG + catalog.tenant, value }], { sync: true });
  }

  /** Names of tables that are, or may be, ours in the kernel. */
  async tables(): Promise<readonly string[]> {
    const kept = await this.store.get(TABLES);
    return (kept && parsed<readonly string[]>(kept.value)) ?? [];
  }

  async keepTables(names: readonly string[]): Promise<void> {
    const value = Buffer.from(JSON.stringify(names));
    await this.store.write([{ kind: "put", key: TABLES, value }], { sync: true });
  }

  async keepMembers(
    tenant: string,
    members: readonly Member[],
    gone: readonly string[],
  ): Promise<void> {
    const keyOf = (id: string) => `${MEMBER}${tenant}/${id}`;
    const [now, savedAt] = [this.clock.now(), this.clock.wall()];
    const puts = members.map((member) => {
      const until = member.until === undefined ? undefined : savedAt + (member.until - now);
      const kept: KeptMember = { ...member, until, savedAt };
      const value = Buffer.from(JSON.stringify(kept));
      return { kind: "put", key: keyOf(member.id), value } as const;
    });
    const deletes = gone.map((id) => ({ kind: "delete", key: keyOf(id) }) as const);
    const sync = members.some(({ state }) => state !== "trusted");
    const writes = [...puts, ...deletes];
    for (let at = 0; at < writes.length; at += 500) {
      await this.store.write(writes.slice(at, at + 500), { sync });
    }
  }

  async keepGlass(tenant: string, glass: readonly HeldGlass[]): Promise<void> {
    const [now, savedAt] = [this.clock.now(), this.clock.wall()];
    const kept: KeptGlass = {
      savedAt,
      glass: glass.map(({ entry, until }) => ({ entry, until: savedAt + (until - now) })),
    };
    const value = Buffer.from(JSON.stringify(kept));
    await this.store.write([{ kind: "put", key: GLASS + tenant, value }], { sync: true });
  }

  /** All but the floors: removing the rules must not be a way to an older catalog. */
  async forget(tenant: string): Promise<void> {
    const members = await this.store.scan({ prefix: MEMBER });
    await this.store.write([
      { kind: "delete", key: CATALOG + tenant },
      { kind: "delete", key: GLASS + tenant },
      ...members.map(({ key }) => ({ kind: "delete", key }) as const),
    ]);
  }

  /** A wall clock that went back says nothing: what it kept is over. So with the members. */
  private glassOf(value: Uint8Array): HeldGlass[] {
    const { savedAt, glass } = parsed<KeptGlass>(value) ?? { savedAt: Infinity, glass: [] };
    const [now, wall] = [this.clock.now(), this.clock.wall()];
    const open = wall < savedAt ? [] : glass.filter(({ until }) => until > wall);
    return open.map(({ entry, until }) => ({ entry, until: now + (until - wall) }));
  }

  private memberOf(value: Uint8Array): Member | undefined {
    const kept = parsed<KeptMember>(value);
    if (kept === undefined) return undefined;
    const { savedAt, ...member } = kept;
    if (member.until === undefined) return member;
    const [now, wall] = [this.clock.now(), this.clock.wall()];
    const left = wall < savedAt ? 0 : member.until - wall;
    if (left > 0 || member.state !== "trusted")
      return { ...member, until: now + Math.max(0, left) };
    return { ...member, state: "stale", reason: "its verdict ran out", until: now };
  }
}

function openedOf(value: Uint8Array): OpenedCatalog | undefined {
  const key = value.subarray(0, KEY_OCTETS);
  const outcome = openCatalog(value.subarray(KEY_OCTETS), () => key);
  return outcome.kind === "opened" ? outcome.opened : undefined;
}

function parsed<T>(value: Uint8Array): T | undefined {
  try {
    return JSON.parse(Buffer.from(value).toString("utf8")) as T;
  } catch {
    return undefined;
  }
}
