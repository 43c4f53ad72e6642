/**
 * Host routes as a reload sees them: they belong to the FIB that answers. When another one takes over, what
 * it does not announce, too, goes when it has announced everything; so nothing is withdrawn that is to stay.
 */
import type { Speaker } from "../bgp/speaker.js";
import { HostRoutes, MAX_HOST_ROUTES } from "../fib/index.js";
import type { Fib, FibSettings, HostRouteSink } from "../fib/index.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";

export class HostRouteSwitch {
  private readonly localRoutes: Speaker["localRoutes"] | undefined;
  private readonly clock: Clock;
  private readonly log: Log;
  /** Taken when it is first wanted. */
  private sink: HostRouteSink | undefined;

  constructor(localRoutes: Speaker["localRoutes"] | undefined, clock: Clock, log: Log) {
    this.localRoutes = localRoutes;
    this.clock = clock;
    this.log = log;
  }

  /** Those of a FIB, which announce nothing before `begin`; undefined where no domain wants any. */
  of(fib: Fib, { domains, maxHostRoutes }: FibSettings): HostRoutes | undefined {
    const { localRoutes } = this;
    if (localRoutes === undefined || domains.every(({ hostRoutes }) => hostRoutes === undefined))
      return undefined;
    this.sink ??= localRoutes.source(() => "local, host route");
    return new HostRoutes({
      tables: fib.tables,
      macs: fib.macs,
      hops: fib.hops,
      domains,
      most: maxHostRoutes ?? MAX_HOST_ROUTES,
      sink: this.sink,
      now: () => this.clock.now(),
      onFull: (most) =>
        this.log.warn(
          { most },
          "more addresses than host routes may be, so some have none: raise fib.max-host-routes",
        ),
    });
  }

  /** Of the FIB that answers from here on; undefined: none any more. */
  begin(hostRoutes: HostRoutes | undefined): void {
    if (hostRoutes !== undefined) {
      hostRoutes.begin();
      return;
    }
    this.sink?.beginRenewal();
    this.sink?.endRenewal();
  }
}
