/** A PE played by the scripted speaker: MAC routes, and what a multihomed PE says of its segments. */
import type { Lab } from "./lab.js";
import {
  announce,
  ethernetAd,
  ethernetSegment,
  extendedCommunities,
  ip4,
  macIp,
  mobility,
  rd,
  routeTarget,
  u16,
  u24,
  u8,
  VXLAN,
  withdraw,
} from "./messages.js";
import { SpeakerClient } from "./speaker-client.js";
import { EVPN } from "./wire.js";

export const MAX_ET = 0xffffffff;
export const MAX_ESI = "ff".repeat(10);
const AS = 65000;

export interface PlayedMac {
  readonly vni: number;
  /** Twelve hex digits. */
  readonly mac: string;
  readonly esi?: string;
  /** Hex. */
  readonly ip?: string;
  readonly sequence?: number;
  readonly more?: readonly string[];
}

/** What a type 4 route says of the election (RFC 8584 section 2.2, RFC 9785). */
export interface Election {
  readonly algorithm: number;
  readonly bitmap?: number;
  readonly preference?: number;
}

export class PlayedPe {
  readonly address: string;
  readonly speaker: SpeakerClient;

  private constructor(address: string, speaker: SpeakerClient) {
    this.address = address;
    this.speaker = speaker;
  }

  static async up(lab: Lab, label: string, address: string, reflector: string): Promise<PlayedPe> {
    const options = { lab, label, localAddress: address, remoteAddress: reflector };
    return new PlayedPe(address, await SpeakerClient.up(options));
  }

  mac(...routes: readonly PlayedMac[]): void {
    this.macs(routes);
  }

  /** As many as there are. */
  macs(routes: readonly PlayedMac[]): void {
    this.speaker.send(Buffer.concat(routes.map((route) => this.macRoute(route))));
  }

  withdrawMacs(routes: readonly Pick<PlayedMac, "vni" | "mac" | "ip">[]): void {
    const gone = routes.map((route) =>
      withdraw(EVPN, macIp({ rd: rd(this.address, route.vni), label: 0, ...route })),
    );
    this.speaker.send(Buffer.concat(gone));
  }

  /** Per-ES A-D route (RFC 7432 section 8.2.1) with the route targets of these VNIs. */
  perEs(esi: string, vnis: readonly number[], singleActive = false): void {
    this.say(
      ethernetAd(rd(this.address, 0), esi, MAX_ET, 0),
      VXLAN,
      ...vnis.map((vni) => routeTarget(AS, vni)),
      `0601${singleActive ? "01" : "00"}0000${u24(0)}`,
    );
  }

  withdrawPerEs(esi: string): void {
    this.speaker.send(withdraw(EVPN, ethernetAd(rd(this.address, 0), esi, MAX_ET, 0)));
  }

  /** Per-EVI A-D route (RFC 7432 section 8.4.1). */
  perEvi(esi: string, vni: number, label = vni): void {
    const route = ethernetAd(rd(this.address, vni), esi, 0, label);
    this.say(route, VXLAN, routeTarget(AS, vni));
  }

  withdrawPerEvi(esi: string, vni: number): void {
    this.speaker.send(withdraw(EVPN, ethernetAd(rd(this.address, vni), esi, 0, 0)));
  }

  /** Type 4 (RFC 7432 section 8.1.1), with the ES-Import target made from the ESI. */
  segment(esi: string, election?: Election): void {
    const community =
      election === undefined
        ? []
        : [
            `0606${u8(election.algorithm)}${u16(election.bitmap ?? 0)}00${u16(election.preference ?? 0)}`,
          ];
    const route = ethernetSegment(rd(this.address, 0), esi, ip4(this.address));
    this.say(route, VXLAN, `0602${esi.slice(2, 14)}`, ...community);
  }

  withdrawSegment(esi: string): void {
    const route = ethernetSegment(rd(this.address, 0), esi, ip4(this.address));
    this.speaker.send(withdraw(EVPN, route));
  }

  private macRoute(route: PlayedMac): Buffer {
    const { vni, mac, esi, ip, sequence, more = [] } = route;
    const nlri = macIp({
      rd: rd(this.address, vni),
      mac,
      label: vni,
      ...(esi !== undefined && { esi }),
      ...(ip !== undefined && { ip }),
    });
    const moved = sequence === undefined ? [] : [mobility(sequence)];
    const communities = [VXLAN, routeTarget(AS, vni), ...moved, ...more];
    return announce(EVPN, ip4(this.address), nlri, extendedCommunities(...communities));
  }

  private say(nlri: string, ...communities: readonly string[]): void {
    const next = ip4(this.address);
    this.speaker.send(announce(EVPN, next, nlri, extendedCommunities(...communities)));
  }
}
