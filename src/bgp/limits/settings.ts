/** Limits of one peer, already checked. Each is off unless it is given: 0, or an empty list. */
import type { Family } from "../../fast-bgp-codec/family.js";

/**
 * What happens beyond a limit on routes received: a word in the log, the end of the session (Cease 6/1),
 * or the further routes are held, without effect.
 */
export type LimitAction = "warn" | "stop" | "discard";
/** The same for routes sent: those beyond are not sent. */
export type OutLimitAction = "warn" | "stop" | "withhold";

/** Most routes a peer may send of one kind. */
export interface RouteLimit {
  /** Undefined: of each family by itself. */
  readonly family: Family | undefined;
  /** EVPN route type; undefined counts all together. */
  readonly routeType: number | undefined;
  /** EVPN: of each VNI by itself. */
  readonly perVni: boolean;
  readonly maximum: number;
  /** Percent of the maximum at which the log has a warning; 0 = none. */
  readonly warnAt: number;
  readonly action: LimitAction;
}

/** Most routes a peer is sent. */
export interface OutRouteLimit {
  /** Undefined: of each family by itself. */
  readonly family: Family | undefined;
  /** EVPN route type; undefined counts all together. */
  readonly routeType: number | undefined;
  /** EVPN: of each VNI by itself. */
  readonly perVni: boolean;
  readonly maximum: number;
  readonly warnAt: number;
  readonly action: OutLimitAction;
}

/** Routes whose attributes exceed one of these count as withdrawn. 0 = no limit. */
export interface AttributeLimits {
  /** Octets of the attributes, NLRI and next hop left aside. */
  readonly size: number;
  /** Communities of all kinds together. */
  readonly communities: number;
  /** Cluster ids in CLUSTER_LIST. */
  readonly clusterList: number;
  /** AS numbers in AS_PATH, those of sets included. */
  readonly asPath: number;
}

/** Beyond it reading from the peer pauses. 0 = no limit. */
export interface UpdateRateLimit {
  /** UPDATE messages a second. */
  readonly updates: number;
  /** Routes announced or withdrawn a second. */
  readonly routes: number;
  /** Seconds' worth of either that may come at once. */
  readonly burst: number;
}

export interface PeerLimits {
  readonly in: readonly RouteLimit[];
  readonly out: readonly OutRouteLimit[];
  readonly attributes: AttributeLimits;
  readonly rate: UpdateRateLimit;
  /** Seconds a peer stays down after `stop`; 0 = until it is enabled again. */
  readonly restart: number;
}

export const NO_LIMITS: PeerLimits = {
  in: [],
  out: [],
  attributes: { size: 0, communities: 0, clusterList: 0, asPath: 0 },
  rate: { updates: 0, routes: 0, burst: 2 },
  restart: 300,
};

export function limitsRoutesIn(limits: PeerLimits): boolean {
  return limits.in.length > 0;
}

export function limitsAttributes({ attributes }: PeerLimits): boolean {
  return Object.values(attributes).some((limit) => limit > 0);
}

export function limitsRate({ rate }: PeerLimits): boolean {
  return rate.updates > 0 || rate.routes > 0;
}

/** Whether incoming UPDATEs have to be looked at. */
export function limitsIntake(limits: PeerLimits): boolean {
  return limitsRoutesIn(limits) || limitsAttributes(limits) || limitsRate(limits);
}
