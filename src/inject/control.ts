/** Injection's door: plain data in and out, so that another thread can stand before it. */
import type { RouteSpec, RouteTypeName } from "./route-spec.js";

/** Routes of one order. */
export const MOST_ROUTES = 200;
/** A month. */
export const MOST_SECONDS = 31 * 86_400;

export interface AnnounceOrder {
  /** Letters, digits, dot, dash and underscore. */
  readonly owner: string;
  /** At most `MOST_ROUTES`; one that cannot be is a refusal of all. */
  readonly routes: readonly RouteSpec[];
  /** The routes go after so long unless announced again; without it they stay. */
  readonly ttlSeconds?: number | undefined;
  /** They are there again after a restart. */
  readonly persist?: boolean | undefined;
  /** Who says so, for the log. */
  readonly by?: string | undefined;
}

export interface WithdrawOrder {
  readonly owner: string;
  /** Keys of routes, as `InjectedRoute.route`; without them all of the owner's. */
  readonly routes?: readonly string[] | undefined;
  readonly by?: string | undefined;
}

export interface InjectedRoute {
  readonly owner: string;
  /** What it goes by: the key of the NLRI in one line, as `show routes` has it. */
  readonly route: string;
  readonly type: RouteTypeName;
  /** The order with everything that it left open. */
  readonly spec: RouteSpec;
  readonly persist: boolean;
  /** Wall-clock milliseconds. */
  readonly since: number;
  /** Wall-clock milliseconds; undefined = it stays. */
  readonly expires: number | undefined;
  /** Whether peers are sent this one, and not another of the same NLRI. */
  readonly best: boolean;
  readonly reason: string;
}

export interface InjectedQuery {
  readonly owner?: string | undefined;
  readonly type?: RouteTypeName | undefined;
  /** Opaque; from the page before. */
  readonly cursor?: string | undefined;
  /** 1 to 1000. */
  readonly limit?: number | undefined;
}

export interface InjectedPage {
  readonly rows: readonly InjectedRoute[];
  /** Undefined at the end. */
  readonly next: string | undefined;
}

/** Everything rejects with `InjectError`. */
export interface InjectControl {
  /** Announces, replaces or renews; saying it twice changes nothing but the time to live. */
  announce(order: AnnounceOrder): Promise<readonly InjectedRoute[]>;
  /** How many went. `not-found` when none of those named is there; no routes at all is no fault. */
  withdraw(order: WithdrawOrder): Promise<number>;
  list(query: InjectedQuery): Promise<InjectedPage>;
  stats(): Promise<Readonly<Record<string, number>>>;
}
