/**
 * The routes of every owner, by key, and the numbers that owners have as path ids in the table. A new owner's
 * is above those of all others: of two owners of one NLRI the lower one counts, who was there first.
 */
import type { BuiltRoute } from "./build.js";
import { InjectError } from "./error.js";
import type { InjectionSettings } from "./settings.js";

/** As many as a destination has paths of one source. */
export const MOST_OWNERS = 64;

export interface Held {
  readonly route: BuiltRoute;
  readonly persist: boolean;
  /** Wall-clock milliseconds. */
  readonly since: number;
  /** Undefined = until it is withdrawn. */
  readonly expires: number | undefined;
  /** Ascending in the order of first announcement: where a page goes on. */
  readonly serial: number;
}

export interface Owner {
  readonly name: string;
  readonly number: number;
  readonly routes: Map<string, Held>;
}

export class Owners {
  /** Of all owners. */
  count = 0;
  /** Those that run out some day. */
  temporary = 0;
  private readonly byName = new Map<string, Owner>();
  private readonly byNumber = new Map<number, Owner>();
  private serial = 0;

  find(name: string): Owner | undefined {
    return this.byName.get(name);
  }

  nameOf(number: number): string | undefined {
    return this.byNumber.get(number)?.name;
  }

  all(): IterableIterator<Owner> {
    return this.byName.values();
  }

  get size(): number {
    return this.byName.size;
  }

  /** Throws when the routes are more than may be. */
  checkRoom(name: string, keys: readonly string[], settings: InjectionSettings): void {
    const owner = this.byName.get(name);
    const fresh = new Set(keys.filter((key) => owner?.routes.has(key) !== true)).size;
    if (fresh === 0) return;
    if (settings.maxRoutes === 0) {
      throw new InjectError(
        "unsupported",
        "injection is off: injection.max-routes is 0 in the configuration",
      );
    }
    const has = owner?.routes.size ?? 0;
    if (has + fresh > settings.maxRoutesPerOwner) {
      throw new InjectError(
        "busy",
        `owner ${name} would have ${has + fresh} routes, more than ${settings.maxRoutesPerOwner}; withdraw some, or raise injection.max-routes-per-owner`,
      );
    }
    if (this.count + fresh > settings.maxRoutes) {
      throw new InjectError(
        "busy",
        `there would be ${this.count + fresh} injected routes, more than ${settings.maxRoutes}; withdraw some, or raise injection.max-routes`,
      );
    }
    if (owner === undefined && this.byName.size === MOST_OWNERS) {
      throw new InjectError(
        "busy",
        `there are ${MOST_OWNERS} owners already; withdraw the routes of one, or use its name`,
      );
    }
  }

  /** The owner's number, or what it will be. */
  numberOf(name: string): number {
    return this.byName.get(name)?.number ?? Math.max(-1, ...this.byNumber.keys()) + 1;
  }

  /**
   * Takes the route in, or in place of what the owner had under its key.
   * @param number for a new owner, if nobody has it
   */
  put(
    name: string,
    held: Omit<Held, "serial">,
    number = this.numberOf(name),
  ): { owner: Owner; held: Held } {
    const owner = this.byName.get(name) ?? this.create(name, number);
    const { key } = held.route;
    const before = owner.routes.get(key);
    const now = { ...held, serial: before?.serial ?? ++this.serial };
    if (before === undefined) this.count++;
    else if (before.expires !== undefined) this.temporary--;
    if (now.expires !== undefined) this.temporary++;
    owner.routes.set(key, now);
    return { owner, held: now };
  }

  remove(owner: Owner, key: string): Held | undefined {
    const held = owner.routes.get(key);
    if (held === undefined) return undefined;
    owner.routes.delete(key);
    this.count--;
    if (held.expires !== undefined) this.temporary--;
    if (owner.routes.size === 0) {
      this.byName.delete(owner.name);
      this.byNumber.delete(owner.number);
    }
    return held;
  }

  private create(name: string, wanted: number): Owner {
    const number = this.byNumber.has(wanted) ? this.numberOf(name) : wanted;
    const owner = { name, number, routes: new Map<string, Held>() };
    this.byName.set(name, owner);
    this.byNumber.set(number, owner);
    return owner;
  }
}
