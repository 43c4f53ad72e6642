/**
 * Phase-1 SAs as ScreenOS shows them (`get ike cookies`). What the IKE daemon does not tell is 0, as in the
 * original where nothing is configured: heartbeats, XAUTH, DPD sequences.
 */
import type { IkeSa } from "../live/sa.js";
import type { TunnelSide } from "../model/index.js";
import { phase1Method } from "./algorithm-words.js";
import type { ViewedTunnel } from "./sa-list.js";

export interface CookieRow {
  readonly tunnel: string;
  /** First four digits of both cookies: `522f/0003`. */
  readonly cookies: string;
  /** Initiator's address and port, and the responder's. */
  readonly initiator: string;
  readonly responder: string;
  /** `PRESHR/grp2/AES128/SHA`. */
  readonly method: string;
  /** Number of the exchange that made it: 2 main mode, 4 aggressive, 34 IKEv2. */
  readonly exchange: number;
  /** `To_Branch/grp-1/usr-1`: gateway, group and user. */
  readonly name: string;
  readonly group: number;
  readonly user: number;
  /** Of the daemon's next retransmission, seconds; 0 while none is due. */
  readonly retransmitTimer: number;
  /** Seconds: ours, and what the peer said. */
  readonly lifetime: number;
  readonly lifetimeReceived: number;
  readonly nextRekey: number;
  /** Seconds that our own certificate is good for; 0 without one. */
  readonly certificateExpiry: number;
  readonly role: "initiator" | "responder";
  readonly errors: number;
  /** 0 = we began to send, 1 = the peer did. */
  readonly direction: number;
  readonly natMap: string;
  readonly heartbeat: string;
  readonly heartbeatReceived: number;
  readonly heartbeatSent: number;
  readonly xauth: number;
  readonly dpdLocal: number;
  readonly dpdPeer: number;
}

export interface CookieList {
  readonly active: number;
  readonly dead: number;
  readonly total: number;
  readonly rows: readonly CookieRow[];
}

/** What the log told of a connection beside its SAs. */
export interface Negotiated {
  readonly errors: number;
  /** Lifetime that the peer named, seconds. */
  readonly lifetimeReceived?: number | undefined;
  /** Seconds that our own certificate is good for. */
  readonly certificateExpiry?: number | undefined;
}

export function cookieList(
  tunnels: readonly ViewedTunnel[],
  negotiated: (side: TunnelSide) => Negotiated,
): CookieList {
  const found = tunnels.flatMap((tunnel) => tunnel.sas.map((sa) => ({ tunnel, sa })));
  const dead = found.filter(
    ({ sa }) => sa.state === "DELETING" || sa.state === "DESTROYING",
  ).length;
  const active = found.filter(({ sa }) => isActive(sa)).length;
  return {
    active,
    dead,
    total: found.length,
    rows: found.map(({ tunnel, sa }) => rowOf(tunnel, sa, negotiated(tunnel.side))),
  };
}

function isActive({ state }: IkeSa): boolean {
  return state === "ESTABLISHED" || state === "REKEYING" || state === "REKEYED";
}

function rowOf({ side, id }: ViewedTunnel, sa: IkeSa, told: Negotiated): CookieRow {
  const local = `${sa.localHost}:${sa.localPort || 500}`;
  const remote = `${sa.remoteHost}:${sa.remotePort || 500}`;
  const lifetime = side.ike.proposals[0]?.lifetimeSeconds ?? 0;
  const { detection } = side.ike;
  return {
    tunnel: side.tunnel,
    cookies: `${sa.initiatorSpi.slice(0, 4)}/${sa.responderSpi.slice(0, 4)}`,
    initiator: sa.initiator ? local : remote,
    responder: sa.initiator ? remote : local,
    method: phase1Method(sa, side.authentication.kind === "certificate"),
    exchange: sa.version === 2 ? 34 : side.ike.mode === "aggressive" ? 4 : 2,
    name: side.names.gateway ?? side.remote.name,
    group: id,
    user: id,
    retransmitTimer: 0,
    lifetime,
    lifetimeReceived: told.lifetimeReceived ?? lifetime,
    nextRekey: sa.rekeySeconds ?? sa.reauthSeconds ?? 0,
    certificateExpiry: told.certificateExpiry ?? 0,
    role: sa.initiator ? "initiator" : "responder",
    errors: told.errors,
    direction: sa.initiator ? 0 : 1,
    natMap: natMap(sa),
    heartbeat:
      detection.kind === "heartbeat" && detection.helloSeconds > 0
        ? `every ${detection.helloSeconds} s`
        : "disabled",
    heartbeatReceived: 0,
    heartbeatSent: 0,
    xauth: 0,
    dpdLocal: 0,
    dpdPeer: 0,
  };
}

function natMap({ natLocal, natRemote }: IkeSa): string {
  if (natLocal && natRemote) return "NAT in front of both ends";
  if (natLocal) return "NAT in front of this end";
  return natRemote ? "NAT in front of the peer" : "not available";
}
