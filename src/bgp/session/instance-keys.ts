/**
 * Connections of a peer whose instance has a TCP MD5 key of its own: which began under it. Who began without
 * has shown nothing, and does not become the instance by a key that comes later.
 */
import { Cease } from "../../fast-bgp-codec/iana.js";
import type { Session } from "./session.js";
import type { Connection } from "./types.js";

const FAULT = { code: 6, subcode: Cease.ConnectionRejected, data: new Uint8Array(0) };
const DETAIL = "its connection began without the TCP MD5 key of its instance";

export class KeyedConnections {
  private readonly keyed = new WeakSet<Connection>();

  /** @param hasKey there was a key of the instance when it began */
  began(connection: Connection, hasKey: boolean): void {
    if (hasKey) this.keyed.add(connection);
  }

  isKeyless(connection: Connection): boolean {
    return connection.instance === undefined && !this.keyed.has(connection);
  }

  /** Another key on what is up; what began without one ends. False when a connection cannot have it. */
  rekey(sessions: readonly Session[], key: string): boolean {
    let done = true;
    for (const session of [...sessions]) {
      const { connection } = session;
      if (this.isKeyless(connection)) {
        session.stop("automaticStop", FAULT, { reason: "notification-sent", detail: DETAIL });
      } else if (connection.instance === undefined && connection.rekey?.(key) !== true) {
        done = false;
      }
    }
    return done;
  }
}
