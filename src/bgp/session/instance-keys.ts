/**
 * Connections of a peer whose instance has a TCP MD5 key of its own: which began under it. Who began without
 * has shown nothing, and does not become the instance by a key that comes later.
 */
import { Cease } from "../../fast-bgp-codec/iana.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { Session } from "./session.js";
import type { Connection } from "./types.js";

const FAULT = { code: 6, subcode: Cease.ConnectionRejected, data: new Uint8Array(0) };
const DETAIL = "its connection began without the TCP MD5 key of its instance";

/** It waited in a queue, the kernel's or ours, since before there was a key: nobody has shown that he has it. */
export function beganUnsigned({ signed, instance }: Connection): boolean {
  return signed === false && instance === undefined;
}

export function dropUnsigned(
  connection: Connection,
  peer: string,
  { log, logRate }: { readonly log: Log; readonly logRate: LogRate },
): void {
  connection.destroy();
  const suppressed = logRate.pass(`${peer} unsigned`);
  if (suppressed === undefined) return;
  const fields = { peer, ...LogRate.fields(suppressed) };
  log.warn(fields, "connection closed: it began before the peer's TCP MD5 key was set");
}

export class KeyedConnections {
  private readonly keyed = new WeakSet<Connection>();

  /** @param hasKey there was a key of the instance when we heard of it; it may have waited in a queue since before */
  began(connection: Connection, hasKey: boolean): void {
    if (hasKey && connection.signed !== false) this.keyed.add(connection);
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
