/** How far each connection of a peer is, and what collision resolution looks at. */
import type { OtherConnection } from "./collision.js";
import { State } from "./fsm.js";
import type { Negotiated } from "./types.js";

interface Standing {
  readonly state: State;
  readonly connection: { readonly initiator: "local" | "remote" };
  /** The peer is Established on it as well. */
  readonly confirmed: boolean;
  readonly agreed: Negotiated | undefined;
}

const RANK: Readonly<Record<State, number>> = {
  Idle: 0,
  Connect: 1,
  Active: 2,
  OpenSent: 3,
  OpenConfirm: 4,
  Established: 5,
};

/** The one that is Established, or nearest to it. */
export function foremostOf<T extends { readonly state: State }>(
  sessions: readonly T[],
): T | undefined {
  return sessions.reduce<T | undefined>(
    (best, one) => (best === undefined || RANK[one.state] > RANK[best.state] ? one : best),
    undefined,
  );
}

export function describe({ state, connection, confirmed, agreed }: Standing): OtherConnection {
  return {
    initiator: connection.initiator,
    state: state === State.Established || state === State.OpenConfirm ? state : "OpenSent",
    confirmed,
    graceful: (agreed?.gracefulRestart?.families ?? 0) !== 0,
  };
}
