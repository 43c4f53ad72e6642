/**
 * A client over TLS does not repeat its requests, so where they go on over UDP the relay does it in its
 * place (radiusdtls-bis section 6.2.2), by the timers of RFC 5080 section 2.2.1. The same octets go out
 * each time; how long a request may wait at all is the listener's matter.
 */
import type { Exchange } from "../server/exchange.js";
import { BackOff } from "../../util/back-off.js";

/** IRT, MRT, MRC and the tenth by chance of RFC 5080 (section 2.2.1); MRD is below what a listener lets a request wait. */
export const RETRANSMISSION = { firstMs: 2000, mostMs: 16_000, spread: 0.1, count: 5 } as const;

interface Plan {
  readonly backOff: BackOff;
  nextAt: number;
  count: number;
}

export class Retransmission {
  private readonly plans = new WeakMap<Exchange, Plan>();

  tick(
    now: number,
    slots: ReadonlyMap<number, Exchange>,
    repeat: (exchange: Exchange) => void,
  ): void {
    for (const exchange of slots.values()) {
      if (exchange.state !== "pending") continue;
      let plan = this.plans.get(exchange);
      if (plan === undefined) {
        const backOff = new BackOff(RETRANSMISSION);
        plan = { backOff, nextAt: exchange.arrivedAt + backOff.next(), count: 0 };
        this.plans.set(exchange, plan);
      }
      if (now < plan.nextAt || plan.count >= RETRANSMISSION.count) continue;
      plan.count++;
      plan.nextAt = now + plan.backOff.next();
      repeat(exchange);
    }
  }
}
