/**
 * Accounting: acknowledged only when the home server has it or the spool has it on disk. While older
 * requests wait in the spool, newer ones queue behind them, so that order stays.
 */
import type { Clock } from "../../util/clock.js";
import { AcctStatus, Attr, Code, PACKET_MAX } from "../packet/iana.js";
import { findNumber } from "../packet/packet.js";
import type { Exchange } from "../server/exchange.js";
import type { Ingress } from "../server/ingress.js";
import { ownAnswer } from "../server/own-answer.js";
import type { Flow } from "../server/side.js";
import type { SessionTable } from "../session/session-table.js";
import type { ListenerSettings } from "../settings.js";
import type { Replay } from "../spool/replay.js";
import type { Spool } from "../spool/spool.js";
import type { Pool } from "../upstream/pool.js";
import type { Dispatch, Outcome } from "./dispatch.js";
import { RequestFacts } from "./routing.js";
import type { RouteTable } from "./routing.js";

export interface AccountingParts {
  /** These as they are now: a reload may change them. */
  settings(): ListenerSettings;
  routes(): RouteTable;
  readonly clock: Clock;
  readonly dispatch: Dispatch;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly sessions: SessionTable;
  /** Undefined without a directory. */
  readonly disk: { readonly spool: Spool; readonly replay: Replay } | undefined;
  ingress(): Ingress;
  /** Nobody is answered any more. */
  stopped(): boolean;
}

/** How long a home server has before the spool takes over. */
const HOME_MS = 3000;
/** What is longer could not be sent on later: Proxy-State, Acct-Delay-Time and the relay's address come to it. */
const SPOOLED_MAX = PACKET_MAX - 36;

export class Accounting implements Flow {
  private readonly parts: AccountingParts;
  /** In order of arrival. One that is answered leaves at once: a long list of dead ones costs the garbage collector. */
  private readonly waiting = new Set<Exchange>();
  /** On their way to the disk. */
  private readonly spooling = new Set<Exchange>();

  constructor(parts: AccountingParts) {
    this.parts = parts;
  }

  onRequest(exchange: Exchange): void {
    this.waiting.add(exchange);
    const pool = this.poolOf(exchange);
    if (pool === undefined) return;
    const { disk } = this.parts;
    const behind = disk?.replay.isBehind(pool.name, exchange.packet) ?? false;
    if (behind || this.send(exchange, pool) !== "sent") this.spool(exchange, pool);
  }

  onRepeat(exchange: Exchange): void {
    if (exchange.ticket !== undefined) {
      if (this.parts.dispatch.repeat(exchange) === "move") this.onMove(exchange);
    } else if (!this.spooling.has(exchange)) this.onMove(exchange);
  }

  onGone(exchange: Exchange): void {
    this.waiting.delete(exchange);
    this.parts.dispatch.withdraw(exchange);
  }

  moveFrom(dead: (exchange: Exchange) => boolean): void {
    for (const exchange of this.waiting) {
      if (exchange.state === "pending" && dead(exchange)) this.onRepeat(exchange);
    }
  }

  expire(now: number): void {
    const { timeoutMs } = this.parts.settings();
    for (const exchange of this.waiting) {
      const age = now - exchange.arrivedAt;
      if (age < HOME_MS) break;
      if (exchange.state === "pending" && age < timeoutMs) {
        this.giveToSpool(exchange);
        continue;
      }
      this.waiting.delete(exchange);
      if (exchange.state === "pending") {
        this.parts.dispatch.withdraw(exchange);
        exchange.origin.counters.timedOut++;
        this.parts.ingress().abandon(exchange);
      }
    }
  }

  private onMove(exchange: Exchange): void {
    const pool = this.poolOf(exchange);
    if (pool === undefined || this.send(exchange, pool) === "sent") return;
    this.spool(exchange, pool);
  }

  private send(exchange: Exchange, pool: Pool): Outcome {
    return this.parts.dispatch.send(exchange, pool, undefined, ({ answer }) => {
      if (answer !== undefined) this.answer(exchange, answer, "responses");
    });
  }

  /** The home server is slow: a disk that works takes over; one that does not changes nothing. */
  private giveToSpool(exchange: Exchange): void {
    const { disk } = this.parts;
    if (exchange.ticket === undefined || disk === undefined || this.spooling.has(exchange)) return;
    if (disk.spool.problem !== undefined) return;
    const pool = this.poolOf(exchange);
    if (pool !== undefined) this.spool(exchange, pool);
  }

  private spool(exchange: Exchange, pool: Pool): void {
    const { disk, clock, dispatch } = this.parts;
    // Without the disk's word it is not acknowledged: only a home server can.
    if (disk === undefined || exchange.facts.length > SPOOLED_MAX) return;
    this.spooling.add(exchange);
    const arrivedAt = clock.wall() - (clock.now() - exchange.arrivedAt);
    disk.spool.append(pool.name, exchange.packet, arrivedAt).then(
      (entry) => {
        this.spooling.delete(exchange);
        // The home server was faster than the disk.
        if (exchange.state === "answered") disk.spool.remove(entry);
        if (exchange.state !== "pending" || this.parts.stopped()) return;
        dispatch.withdraw(exchange);
        const answer = ownAnswer(exchange, Code.AccountingResponse);
        if (answer !== undefined) this.answer(exchange, answer, "spooled");
      },
      () => {
        this.spooling.delete(exchange);
        // The alarm has been raised. A home server that was asked may still answer; otherwise the client
        // asks again, and silence is the only honest answer.
        if (exchange.ticket !== undefined || exchange.state !== "pending") return;
        if (this.parts.stopped()) return;
        exchange.origin.counters.dropped++;
        this.parts.ingress().abandon(exchange);
      },
    );
  }

  private answer(exchange: Exchange, answer: Uint8Array, how: "responses" | "spooled"): void {
    if (exchange.state !== "pending") return;
    this.waiting.delete(exchange);
    const { counters, identity } = exchange.origin;
    counters[how]++;
    const status = findNumber(exchange.packet, Attr.AcctStatusType);
    if (status === AcctStatus.Start) counters.startResponses++;
    else if (status === AcctStatus.Stop) counters.stopResponses++;
    else if (status === AcctStatus.Interim) counters.interimResponses++;
    this.parts.ingress().answer(exchange, answer);
    this.parts.sessions.accounted(exchange.packet, identity);
  }

  private poolOf(exchange: Exchange): Pool | undefined {
    const { packet, origin } = exchange;
    const route = this.parts.routes().find(new RequestFacts(packet, origin.address));
    return this.parts.pools.get(route?.accountingPool ?? "");
  }
}
