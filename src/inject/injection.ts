/**
 * `InjectControl` in the BGP thread. Orders are done one after the other, each as a whole: checked, written
 * to the store if it is to survive, announced. What is in the store is what comes back.
 *
 * In the table an owner's routes are paths of one source of ours (the sink); a time to live is looked after
 * once a second while any route has one.
 */
import type { Family } from "../fast-bgp-codec/index.js";
import type { Store } from "../store/index.js";
import type { Clock, TimerHandle } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { buildRoute, type BuiltRoute } from "./build.js";
import {
  MOST_ROUTES,
  MOST_SECONDS,
  type AnnounceOrder,
  type InjectControl,
  type InjectedPage,
  type InjectedQuery,
  type InjectedRoute,
  type WithdrawOrder,
} from "./control.js";
import type { BuildContext } from "./defaults.js";
import { InjectError, invalid } from "./error.js";
import { Keeper, type KeptRoute } from "./keeper.js";
import { Owners, type Held, type Owner } from "./owners.js";
import { ROUTE_TYPES, type RouteSpec } from "./route-spec.js";
import type { InjectionSettings } from "./settings.js";

/** Where the routes go: a source of our own in the table. */
export interface RouteSink {
  announce(
    family: Family,
    nlri: Uint8Array,
    nlriEnd: number,
    pathId: number,
    set: Uint8Array,
    setEnd: number,
    nextHopLength: number,
  ): boolean;
  withdraw(family: Family, nlri: Uint8Array, nlriEnd: number, pathId: number): boolean;
  state(
    family: Family,
    nlri: Uint8Array,
    nlriEnd: number,
    pathId: number,
  ): { readonly best: boolean; readonly reason: string } | undefined;
  /** What changed is to be sent. */
  wake(): void;
}

export interface InjectionParts {
  /** @param name of a route's owner, by path id */
  readonly sink: (name: (pathId: number) => string) => RouteSink;
  readonly settings: InjectionSettings;
  readonly context: BuildContext;
  /** Undefined = nothing survives. */
  readonly store: Store | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const OWNER = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const TICK_MS = 1000;
/** Routes withdrawn in one turn. */
const SLICE = 500;
/** Routes built in one turn. */
const BUILT_AT_ONCE = 25;
/** A start waits so long for what is kept; what comes later is announced then. */
const RESTORE_MS = 3000;
const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

export class Injection implements InjectControl {
  /** What others may do: nothing but `InjectControl`. */
  readonly door: InjectControl = {
    announce: (order) => this.announce(order),
    withdraw: (order) => this.withdraw(order),
    list: (query) => this.list(query),
    stats: () => this.stats(),
  };
  private readonly parts: InjectionParts;
  private readonly owners = new Owners();
  private readonly sink: RouteSink;
  private readonly keeper: Keeper | undefined;
  private settings: InjectionSettings;
  private last: Promise<unknown> = Promise.resolve();
  private timer: TimerHandle | undefined;
  private endRestore: (() => void) | undefined;
  private expired = 0;
  private closed = false;

  constructor(parts: InjectionParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.sink = parts.sink((id) => `local, owner ${this.owners.nameOf(id) ?? "unknown"}`);
    this.keeper = parts.store === undefined ? undefined : new Keeper(parts.store, parts.log);
  }

  /** Lower limits refuse what is new, and take nothing away. */
  configure(settings: InjectionSettings): void {
    this.settings = settings;
  }

  /** Announces what is kept. Before the first session, so that a restart sends it with everything else. Never rejects. */
  restore(): Promise<void> {
    const { keeper } = this;
    if (keeper === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const late = this.parts.clock.setTimer(RESTORE_MS, resolve);
      this.endRestore = keeper.restore(
        (routes) => this.putBack(routes),
        () => {
          late.cancel();
          resolve();
        },
      );
    });
  }

  close(): void {
    this.closed = true;
    this.endRestore?.();
    this.timer?.cancel();
    this.timer = undefined;
  }

  announce(order: AnnounceOrder): Promise<readonly InjectedRoute[]> {
    return this.inTurn(async () => {
      const { owner, persist = false, ttlSeconds } = order;
      checkOwner(owner);
      const routes = await this.built(order.routes);
      const now = this.parts.clock.wall();
      const expires = expiryOf(ttlSeconds, now);
      const keys = routes.map(({ key }) => key);
      this.owners.checkRoom(owner, keys, this.settings);
      const before = this.owners.find(owner)?.routes;
      const fresh = routes.map((route) => ({
        route,
        persist,
        expires,
        since: before?.get(route.key)?.since ?? now,
      }));
      if (persist) {
        const number = this.owners.numberOf(owner);
        const put = fresh.map(({ route, since }) => ({
          owner,
          number,
          key: route.key,
          spec: route.spec,
          since,
          expires,
        }));
        await this.keep(put, []);
      } else {
        const kept = keys.filter((key) => before?.get(key)?.persist === true);
        if (kept.length > 0)
          await this.keep(
            [],
            kept.map((key) => ({ owner, key })),
          );
      }
      const done = fresh.map((one) => this.put(owner, one));
      this.sink.wake();
      this.parts.log.info(
        { owner, by: order.by, routes: keys.slice(0, 10), count: keys.length, ttlSeconds, persist },
        "injected routes announced",
      );
      return done.map(({ owner: whose, held }) => this.view(whose, held));
    });
  }

  withdraw(order: WithdrawOrder): Promise<number> {
    return this.inTurn(async () => {
      checkOwner(order.owner);
      const owner = this.owners.find(order.owner);
      const keys = order.routes ?? [...(owner?.routes.keys() ?? [])];
      const there = [...new Set(keys)].filter((key) => owner?.routes.has(key) === true);
      if (there.length === 0 && order.routes !== undefined) {
        throw new InjectError(
          "not-found",
          `owner ${order.owner} has no such route: ${keys[0] ?? "none was named"}; the list of injected routes has their names`,
        );
      }
      if (owner !== undefined) await this.remove(owner, there);
      this.parts.log.info(
        { owner: order.owner, by: order.by, routes: there.slice(0, 10), count: there.length },
        "injected routes withdrawn",
      );
      return there.length;
    });
  }

  list(query: InjectedQuery): Promise<InjectedPage> {
    return attempt(() => {
      const { owner, type, cursor = "0", limit = PAGE_DEFAULT } = query;
      if (!/^\d{1,15}$/.test(cursor)) {
        throw invalid("cursor is not from a page before; leave it out to begin");
      }
      if (type !== undefined && !ROUTE_TYPES.includes(type)) {
        throw invalid(`type must be one of: ${ROUTE_TYPES.join(", ")}`);
      }
      const found: { owner: Owner; held: Held }[] = [];
      for (const one of this.owners.all()) {
        if (owner !== undefined && one.name !== owner) continue;
        for (const held of one.routes.values()) {
          if (held.serial <= Number(cursor)) continue;
          if (type === undefined || held.route.spec.type === type) found.push({ owner: one, held });
        }
      }
      found.sort((a, b) => a.held.serial - b.held.serial);
      const most = Math.min(PAGE_MAX, Math.max(1, limit));
      const rows = found.slice(0, most);
      return {
        rows: rows.map((one) => this.view(one.owner, one.held)),
        next: found.length > most ? String(rows.at(-1)!.held.serial) : undefined,
      };
    });
  }

  stats(): Promise<Readonly<Record<string, number>>> {
    return Promise.resolve({
      injected_routes: this.owners.count,
      injected_owners: this.owners.size,
      injected_expired_total: this.expired,
    });
  }

  /** Some at a time: two hundred are more than the sessions should wait for. Of one said twice the last counts. */
  private async built(specs: readonly RouteSpec[]): Promise<BuiltRoute[]> {
    if (specs.length === 0) throw invalid("routes are missing: at least one");
    if (specs.length > MOST_ROUTES) {
      throw invalid(`an order has at most ${MOST_ROUTES} routes; send several`);
    }
    const routes = new Map<string, BuiltRoute>();
    for (const [index, spec] of specs.entries()) {
      if (index > 0 && index % BUILT_AT_ONCE === 0) await pause();
      try {
        const route = buildRoute(spec, this.parts.context);
        routes.set(route.key, route);
      } catch (error) {
        if (specs.length === 1 || !(error instanceof InjectError)) throw error;
        throw new InjectError(error.code, `route ${index + 1}: ${error.message}`);
      }
    }
    return [...routes.values()];
  }

  private put(
    name: string,
    fresh: Omit<Held, "serial">,
    number?: number,
  ): { owner: Owner; held: Held } {
    const { family, nlri, set, nextHopLength } = fresh.route;
    const done = this.owners.put(name, fresh, number);
    const taken = this.sink.announce(
      family,
      nlri,
      nlri.length,
      done.owner.number,
      set,
      set.length,
      nextHopLength,
    );
    if (!taken) throw new Error(`the table does not take ${fresh.route.key}`);
    if (fresh.expires !== undefined) this.arm();
    return done;
  }

  private async keep(
    put: readonly (KeptRoute & { readonly key: string })[],
    removed: readonly { readonly owner: string; readonly key: string }[],
  ): Promise<void> {
    const { keeper } = this;
    if (keeper === undefined) {
      if (put.length === 0) return;
      throw new InjectError(
        "unsupported",
        "persist needs a place on the disk: set restart.state-dir in the configuration and restart",
      );
    }
    try {
      await keeper.write(put, removed, this.parts.clock.wall());
    } catch (error) {
      throw new InjectError(
        "busy",
        `the store does not take it, and nothing was changed: ${(error as Error).message}`,
      );
    }
  }

  /**
   * Some at a time: a thousand withdrawals are milliseconds.
   * @param isOver their time is up, in the store as well: whether it can be written does not matter
   */
  private async remove(owner: Owner, keys: readonly string[], isOver = false): Promise<void> {
    for (let from = 0; from < keys.length; from += SLICE) {
      if (from > 0) await pause();
      const some = keys.slice(from, from + SLICE);
      const kept = some.filter((key) => owner.routes.get(key)?.persist === true);
      const written = this.keep(
        [],
        kept.map((key) => ({ owner: owner.name, key })),
      );
      if (isOver) written.catch(() => {});
      else await written;
      for (const key of some) this.drop(owner, key);
      this.sink.wake();
    }
  }

  private drop(owner: Owner, key: string): void {
    const held = this.owners.remove(owner, key);
    if (held === undefined) return;
    const { family, nlri } = held.route;
    this.sink.withdraw(family, nlri, nlri.length, owner.number);
  }

  private putBack(routes: readonly KeptRoute[]): void {
    const now = this.parts.clock.wall();
    let count = 0;
    for (const { owner, number, spec, since, expires } of routes) {
      if (expires !== undefined && expires <= now) continue;
      try {
        const route = buildRoute(spec, this.parts.context);
        // Somebody has announced it anew while the store was away.
        if (this.owners.find(owner)?.routes.has(route.key) === true) continue;
        this.owners.checkRoom(owner, [route.key], this.settings);
        this.put(owner, { route, persist: true, since, expires }, number);
        count++;
      } catch (error) {
        if (!(error instanceof InjectError)) throw error;
        this.parts.log.warn({ owner, spec, why: error.message }, "a kept route is not announced");
      }
    }
    if (count === 0) return;
    this.parts.log.info({ count }, "injected routes of before the restart announced");
    this.sink.wake();
  }

  private arm(): void {
    this.timer ??= this.parts.clock.setTimer(TICK_MS, () => {
      this.timer = undefined;
      void this.inTurn(() => this.expire())
        .catch((error: unknown) =>
          this.parts.log.error({ err: error }, "injected routes that have run out stay for now"),
        )
        .finally(() => {
          if (this.owners.temporary > 0 && !this.closed) this.arm();
        });
    });
  }

  private async expire(): Promise<void> {
    const now = this.parts.clock.wall();
    for (const owner of [...this.owners.all()]) {
      const keys: string[] = [];
      for (const [key, { expires }] of owner.routes) {
        if (expires !== undefined && expires <= now) keys.push(key);
      }
      if (keys.length === 0) continue;
      await this.remove(owner, keys, true);
      this.expired += keys.length;
      this.parts.log.info(
        { owner: owner.name, routes: keys.slice(0, 10), count: keys.length },
        "injected routes ran out: their owner did not announce them again",
      );
    }
  }

  private view(owner: Owner, held: Held): InjectedRoute {
    const { route, persist, since, expires } = held;
    const { family, nlri } = route;
    const state = this.sink.state(family, nlri, nlri.length, owner.number);
    return {
      owner: owner.name,
      route: route.key,
      type: route.spec.type,
      spec: route.spec,
      persist,
      since,
      expires,
      best: state?.best ?? false,
      reason: state?.reason ?? "not in the table",
    };
  }

  /** One order after the other. */
  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.last.then(run);
    this.last = result.catch(() => {});
    return result;
  }
}

/** Lets the event loop have a turn. */
function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function checkOwner(owner: string): void {
  if (OWNER.test(owner)) return;
  throw invalid(
    `owner "${owner}" is no name: up to 64 letters, digits, dots, dashes and underscores`,
  );
}

function expiryOf(seconds: number | undefined, now: number): number | undefined {
  if (seconds === undefined) return undefined;
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= MOST_SECONDS) {
    return now + 1000 * seconds;
  }
  throw invalid(`ttlSeconds ${seconds} is out of range; write 1 to ${MOST_SECONDS}`);
}

function attempt<T>(run: () => T): Promise<T> {
  return new Promise((resolve) => resolve(run()));
}
