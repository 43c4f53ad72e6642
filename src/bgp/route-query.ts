import type { RoutePage, RouteQuery } from "./control.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";

export function queryRoutes(
  _reflector: Reflector,
  _query: RouteQuery,
  _peer: ReflectedPeer | undefined,
): RoutePage {
  return { routes: [], next: undefined };
}
