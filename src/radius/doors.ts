/**
 * What a tenant has beside its UDP servers, wired: the TLS port for clients, dynamic authorisation, and
 * the TLS connections to home servers that carry both. They need each other: Disconnect and CoA come and
 * go on TLS connections too.
 */
import { isIP } from "node:net";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { RadsecRow } from "./control.js";
import type { Dictionary } from "./dictionary/dictionary.js";
import type { Told } from "./dynamic/desk.js";
import { DynamicAuthorisation } from "./dynamic/dynamic.js";
import type { TlsSide } from "./radsec/connection.js";
import { radsecCounters } from "./radsec/counters.js";
import { RadsecDoor } from "./radsec/door.js";
import type { Client } from "./server/client-table.js";
import type { Prepared, Side } from "./server/side.js";
import type { Session } from "./session/session.js";
import type { SessionTable } from "./session/session-table.js";
import type { TenantSettings } from "./settings.js";
import type { Disk } from "./spool/disk.js";
import { listenerCounters } from "./statistics/counters.js";
import type { Kind } from "./upstream/upstream.js";

export interface DoorsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly dictionary: Dictionary;
  /** Where what was seen of Disconnect and CoA survives; undefined: nowhere. */
  readonly disk: Disk | undefined;
  readonly sessions: SessionTable;
  /** As they are now. */
  settings(): TenantSettings;
  side(kind: Kind): Side | undefined;
}

/** How long an operator waits for an access point's answer; it is asked for longer. */
const OPERATOR_MS = 5000;

export class TenantDoors {
  readonly dynamic: DynamicAuthorisation;
  readonly radsec: RadsecDoor;
  private readonly parts: DoorsParts;

  constructor(parts: DoorsParts) {
    const { clock, log, dictionary, disk, sessions } = parts;
    this.parts = parts;
    this.radsec = new RadsecDoor({
      clock,
      log,
      sides: { authentication: this.way("authentication"), accounting: this.way("accounting") },
      onAnswer: (connection, bytes) => this.dynamic.onAnswer(connection, bytes),
      onGone: (connection) => this.dynamic.onLost(connection),
    });
    this.dynamic = new DynamicAuthorisation({
      ...{ clock, log, dictionary, disk, sessions },
      tenant: () => ({ dynamic: undefined, ...parts.settings() }),
      clientAt: (address) => this.clientAt(address),
      tlsClient: (identity) => {
        const listener = this.radsec.listener;
        const client = listener?.clients.find((one) => one.identity === identity);
        const [secret] = client?.client.secrets ?? [];
        if (secret === undefined) return undefined;
        return { port: listener?.connectionOf(identity), secret };
      },
    });
  }

  /** Opens the ports; rejects with the system's error. */
  async open(): Promise<void> {
    const prepared = await this.prepare(this.parts.settings());
    await prepared.commit();
  }

  /** Rejects with the system's error, with nothing changed. */
  async prepare(next: TenantSettings): Promise<Prepared> {
    const radsec = await this.radsec.prepare(next.radsec);
    try {
      const dynamic = await this.dynamic.prepare({ dynamic: undefined, ...next });
      return {
        commit: async () => {
          await radsec.commit();
          await dynamic.commit();
        },
        discard: () => {
          radsec.discard();
          dynamic.discard();
        },
      };
    } catch (error) {
      radsec.discard();
      throw error;
    }
  }

  /**
   * Ends a session by an operator's word, and tells its access point. Where that refuses (a NAK), the
   * session stays, as the subscriber does; where it says nothing, it ends here.
   */
  async disconnect(session: Session): Promise<Told> {
    const { clock, sessions } = this.parts;
    const late = new Promise<Told>((resolve) => {
      clock.setTimer(OPERATOR_MS, () => resolve({ accessPoint: "silent", errorCause: undefined }));
    });
    const told = await Promise.race([this.dynamic.disconnect(session), late]);
    const now = sessions.now(session);
    if (now !== undefined && told.accessPoint !== "nak") sessions.end(now, "admin");
    return told;
  }

  radsecView(address: string, now: number): Omit<RadsecRow, "tenant"> {
    const { listener, port } = this.radsec;
    const seconds = (since: number) => Math.floor((now - since) / 1000);
    return {
      address,
      port,
      connections: (listener?.connections ?? []).map((one) => ({
        client: one.client.settings.name,
        address: one.address,
        protocol: one.protocol,
        ageSeconds: seconds(one.openedAt),
        silentSeconds: seconds(one.heardAt),
      })),
      counters: { ...(listener?.counters ?? radsecCounters()) },
    };
  }

  /** To be called when `settings()` has changed. */
  configured(): void {
    this.dynamic.configured();
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    this.radsec.tick(now);
    this.dynamic.tick(now);
  }

  close(): void {
    this.radsec.close();
    this.dynamic.close();
  }

  /** The same way in as datagrams have. A server that is switched off takes nothing. */
  private way(kind: Kind): TlsSide {
    const side = (): Side | undefined => this.parts.side(kind);
    return {
      isOn: () => side() !== undefined,
      counters: (identity) => side()?.listener.countersOf(identity) ?? listenerCounters(),
      take: (origin, bytes) => side()?.ingress.take(origin, bytes),
      repeat: (exchange) => side()?.flow.onRepeat(exchange),
      gone: (origin) => side()?.ingress.leave(origin),
    };
  }

  private clientAt(address: string): Client | undefined {
    if (isIP(address) === 0) return undefined;
    for (const kind of ["authentication", "accounting"] as const) {
      const client = this.parts.side(kind)?.listener.table.find(address);
      if (client !== undefined) return client;
    }
    return undefined;
  }
}
