/** Which pool gets a request: the first route whose conditions all hold. */
import { Network } from "../server/client-table.js";
import { accessPointOf, realmOf } from "../identity.js";
import { Attr } from "../packet/iana.js";
import { findText } from "../packet/packet.js";
import type { RouteSettings } from "../settings.js";

export interface RouteFacts {
  readonly userName: string | undefined;
  readonly calledStationId: string | undefined;
  readonly clientAddress: string;
}

/** Those of a request, read when a route asks: most tables never do. */
export class RequestFacts implements RouteFacts {
  readonly clientAddress: string;
  private readonly packet: Uint8Array;

  constructor(packet: Uint8Array, clientAddress: string) {
    this.packet = packet;
    this.clientAddress = clientAddress;
  }

  get userName(): string | undefined {
    return findText(this.packet, Attr.UserName);
  }

  get calledStationId(): string | undefined {
    return findText(this.packet, Attr.CalledStationId);
  }
}

export class RouteTable {
  private readonly rows: readonly {
    readonly route: RouteSettings;
    readonly network: Network | undefined;
  }[];

  constructor(routes: readonly RouteSettings[]) {
    this.rows = routes.map((route) => ({
      route,
      network: route.network === undefined ? undefined : new Network(route.network),
    }));
  }

  find(facts: RouteFacts): RouteSettings | undefined {
    for (const { route, network } of this.rows) {
      if (network !== undefined && !network.has(facts.clientAddress)) continue;
      if (route.realm !== undefined && !realmFits(route.realm, facts.userName)) continue;
      if (route.calledStationId !== undefined) {
        if (!stationFits(route.calledStationId, facts.calledStationId)) continue;
      }
      return route;
    }
    return undefined;
  }
}

function realmFits(wanted: string, userName: string | undefined): boolean {
  const realm = userName === undefined ? undefined : realmOf(userName);
  return realm !== undefined && (wanted === "*" || wanted.toLowerCase() === realm);
}

function stationFits(wanted: string, calledStationId: string | undefined): boolean {
  if (calledStationId === undefined) return false;
  if (wanted === calledStationId) return true;
  const { id, ssid } = accessPointOf(calledStationId);
  return ssid === wanted || id === accessPointOf(wanted).id;
}
