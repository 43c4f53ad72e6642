/**
 * Authentication: Access-Request out, the home server's answer back. What it says of EAP and of the
 * subscriber is not interpreted; State keeps a conversation on its server (RFC 2865 section 5.24).
 */
import { toHex } from "../../util/bytes.js";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { Dispatch } from "./dispatch.js";
import type { Exchange } from "../server/exchange.js";
import { ownAnswer } from "../server/own-answer.js";
import type { Ingress } from "../server/ingress.js";
import { Attr, Code, Erx, Vendor } from "../packet/iana.js";
import { attributesOf, findAttribute } from "../packet/packet.js";
import type { Flow } from "../server/side.js";
import type { SessionTable } from "../session/session-table.js";
import type { ListenerSettings } from "../settings.js";
import type { Pool } from "../upstream/pool.js";
import { RequestFacts } from "./routing.js";
import type { RouteTable } from "./routing.js";

export interface AuthenticationParts {
  /** These as they are now: a reload may change them. */
  settings(): ListenerSettings;
  routes(): RouteTable;
  requireServiceAttributes(): boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly dispatch: Dispatch;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly sessions: SessionTable;
  ingress(): Ingress;
}

export class Authentication implements Flow {
  private readonly parts: AuthenticationParts;
  /** In order of arrival. One that is answered leaves at once: a long list of dead ones costs the garbage collector. */
  private readonly waiting = new Set<Exchange>();
  private readonly rate: LogRate;

  constructor(parts: AuthenticationParts) {
    this.parts = parts;
    this.rate = new LogRate(parts.clock);
  }

  onRequest(exchange: Exchange): void {
    this.waiting.add(exchange);
    this.start(exchange);
  }

  onRepeat(exchange: Exchange): void {
    if (this.parts.dispatch.repeat(exchange) === "move") this.start(exchange);
  }

  onGone(exchange: Exchange): void {
    this.waiting.delete(exchange);
    this.parts.dispatch.withdraw(exchange);
  }

  /**
   * A server died: what waits for it moves on. One in the middle of a conversation does so, too: the next
   * server says at once that it knows nothing of it, and the subscriber begins anew.
   */
  moveFrom(dead: (exchange: Exchange) => boolean): void {
    for (const exchange of this.waiting) {
      if (exchange.state === "pending" && dead(exchange)) this.onRepeat(exchange);
    }
  }

  /** Ends what has waited too long. */
  expire(now: number): void {
    for (const exchange of this.waiting) {
      const over = now - exchange.arrivedAt >= this.parts.settings().timeoutMs;
      if (exchange.state === "pending" && !over) break;
      this.waiting.delete(exchange);
      if (exchange.state !== "pending") continue;
      this.parts.dispatch.withdraw(exchange);
      if (this.parts.settings().onFailure === "reject") this.reject(exchange);
      else {
        exchange.origin.counters.timedOut++;
        this.parts.ingress().abandon(exchange);
      }
    }
  }

  private start(exchange: Exchange): void {
    const { packet, facts, origin } = exchange;
    const route = this.parts.routes().find(new RequestFacts(packet, origin.address));
    const pool = this.parts.pools.get(route?.authenticationPool ?? "");
    if (pool === undefined) {
      this.fail(exchange);
      return;
    }
    const conversation =
      facts.state === 0 || !pool.remembers ? undefined : conversationOf(exchange, packet);
    const outcome = this.parts.dispatch.send(
      exchange,
      pool,
      conversation,
      ({ answer, said }, server) => {
        if (said[0] === Code.AccessChallenge && pool.remembers) {
          const state = conversationOf(exchange, said);
          if (state !== undefined) pool.remember(state, server);
        }
        if (answer !== undefined) this.finish(exchange, answer, said, pool);
      },
    );
    if (outcome === "no-room") {
      origin.counters.dropped++;
      this.parts.ingress().abandon(exchange);
    } else if (outcome === "no-server") this.fail(exchange);
  }

  private finish(exchange: Exchange, answer: Uint8Array, said: Uint8Array, pool: Pool): void {
    const { counters, identity, port } = exchange.origin;
    const code = said[0];
    this.waiting.delete(exchange);
    if (code === Code.AccessAccept && !this.acceptIsWhole(said)) {
      const suppressed = this.rate.pass(pool.name);
      if (suppressed !== undefined) {
        const fields = { pool: pool.name, ...LogRate.fields(suppressed) };
        this.parts.log.warn(fields, "accept without Service-Bundle, Class or User-Name");
      }
      this.reject(exchange);
      return;
    }
    if (code === Code.AccessAccept) counters.accepts++;
    else if (code === Code.AccessReject) counters.rejects++;
    else counters.challenges++;
    this.parts.ingress().answer(exchange, answer);
    if (code === Code.AccessAccept) {
      const source = { client: identity, clientPort: port, pool: pool.name };
      this.parts.sessions.accepted(exchange.packet, said, source);
    }
  }

  /** With a service manager beside the relay, an accept is of use only with all three. */
  private acceptIsWhole(accept: Uint8Array): boolean {
    if (!this.parts.requireServiceAttributes()) return true;
    if (findAttribute(accept, Attr.Class) === undefined) return false;
    if (findAttribute(accept, Attr.UserName) === undefined) return false;
    for (const { type, value } of attributesOf(accept)) {
      const vendor =
        type === Attr.VendorSpecific ? new DataView(value.buffer, value.byteOffset) : undefined;
      if (vendor?.getUint32(0) === Vendor.Erx && value[4] === Erx.ServiceBundle) return true;
    }
    return false;
  }

  /** No route, no pool, no server: silence lets the client try its next relay, unless a reject is wanted. */
  private fail(exchange: Exchange): void {
    if (this.parts.settings().onFailure === "reject") this.reject(exchange);
  }

  private reject(exchange: Exchange): void {
    this.waiting.delete(exchange);
    const eap = findAttribute(exchange.packet, Attr.EapMessage);
    // EAP-Failure (RFC 3748 section 4.2) carries the identifier of the response it answers.
    const failure: [number, Uint8Array][] =
      eap === undefined ? [] : [[Attr.EapMessage, Uint8Array.of(4, eap[1] ?? 0, 0, 4)]];
    const answer = ownAnswer(exchange, Code.AccessReject, failure);
    if (answer === undefined) {
      // With all its Proxy-States it is too long: silence, and its place is free.
      exchange.origin.counters.timedOut++;
      this.parts.ingress().abandon(exchange);
      return;
    }
    exchange.origin.counters.localRejects++;
    this.parts.ingress().answer(exchange, answer);
  }
}

/** State means something only to the server that gave it, for the client it was given to. */
function conversationOf(exchange: Exchange, packet: Uint8Array): string | undefined {
  const state = findAttribute(packet, Attr.State);
  return state === undefined ? undefined : `${exchange.origin.identity} ${toHex(state)}`;
}
