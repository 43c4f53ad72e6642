/**
 * What On and Off messages name, gathered: a walk over all sessions asks once for each, however many access
 * points came back together after a power cut. Nobody ends another client's sessions.
 */
import { accessPointOf } from "../identity.js";
import { Attr } from "../packet/iana.js";
import { findAttribute, findText } from "../packet/packet.js";
import { ipv4 } from "./session-fields.js";
import type { Session } from "./session.js";

export class AccessPointEnds {
  /** By client: what is named, and the id from which on sessions are newer than the message. */
  private readonly named = new Map<string, Map<string, number>>();

  /**
   * @param behind sessions of this id and above began later
   * @param byDevice an access point that names no radio is known by NAS-Identifier or NAS-IP-Address
   */
  add(request: Uint8Array, client: string, behind: number, byDevice: boolean): void {
    const station = findText(request, Attr.CalledStationId);
    const { id, ssid, isRadio } = accessPointOf(station ?? "");
    const names = this.named.get(client) ?? new Map<string, number>();
    this.named.set(client, names);
    if (station !== undefined)
      names.set(ssid === undefined ? radio(id) : network(id, ssid), behind);
    // A device that names its radios in other messages, and here itself.
    if (!byDevice || isRadio) return;
    const nas = findText(request, Attr.NasIdentifier);
    const address = ipv4(findAttribute(request, Attr.NasIpAddress));
    if (nas !== undefined) names.set(named(nas), behind);
    else if (address !== undefined) names.set(at(address), behind);
  }

  concerns(session: Session): boolean {
    const names = this.named.get(session.client);
    if (names === undefined) return false;
    const { id, accessPoint, ssid, nasIdentifier, nasAddress } = session;
    const isNamed = (name: string): boolean => id < (names.get(name) ?? 0);
    return (
      isNamed(radio(accessPoint)) ||
      (ssid !== undefined && isNamed(network(accessPoint, ssid))) ||
      (nasIdentifier !== undefined && isNamed(named(nasIdentifier))) ||
      (nasAddress !== undefined && isNamed(at(nasAddress)))
    );
  }
}

const radio = (id: string): string => `radio ${id}`;
const network = (id: string, ssid: string): string => `network ${id} ${ssid}`;
const named = (nasIdentifier: string): string => `named ${nasIdentifier}`;
const at = (nasAddress: string): string => `at ${nasAddress}`;
