/**
 * A configuration tells one end of a tunnel. The other end is made up of what the first says of it: its
 * address, and everything that both must have alike. What only its own gateway knows is left to be filled in,
 * or to come with an import of that gateway's text.
 */
import { isIP } from "node:net";
import {
  NO_BANDWIDTH,
  NO_NAT,
  type Gateway,
  type GatewayInterface,
  type IkeIdentity,
  type PeerAddress,
  type Tunnel,
  type Vendor,
} from "../../model/index.js";
import type { Notebook } from "./notebook.js";

/** The interface that an unknown gateway's tunnels leave by. */
export const FAR_OUTSIDE = "outside";
export const FAR_TUNNEL = "tunnel.1";

export function farGateway(
  name: string,
  vendor: Vendor,
  reach: PeerAddress,
  identity: IkeIdentity | undefined,
  routeBased: boolean,
): Gateway {
  const interfaces: GatewayInterface[] = [
    {
      ...plainInterface(FAR_OUTSIDE, "Untrust", "layer3"),
      addresses: reach.kind === "static" ? [hostPrefix(reach.address)] : [],
    },
  ];
  if (routeBased) {
    interfaces.push({
      ...plainInterface(FAR_TUNNEL, "Untrust", "tunnel"),
      unnumbered: FAR_OUTSIDE,
    });
  }
  return {
    name,
    site: name,
    vendor,
    description: "",
    reach,
    identity,
    zones: [],
    interfaces,
    addressBook: [],
    policies: [],
    nat: NO_NAT,
    routes: [],
    permitIpsec: false,
    ikeInterfaces: [],
  };
}

export function plainInterface(
  name: string,
  zone: string,
  type: GatewayInterface["type"],
): GatewayInterface {
  return {
    name,
    zone,
    type,
    addresses: [],
    mode: "route",
    manageable: false,
    mtu: 1500,
    bandwidth: NO_BANDWIDTH,
    dnsProxy: false,
    nhrp: false,
  };
}

/** What kind of identity a text is (RFC 7296 section 3.5). */
export function identityOf(text: string): IkeIdentity {
  if (isIP(text) !== 0) return { kind: "address", value: text };
  if (text.includes("@")) return { kind: "email", value: text };
  if (text.includes("=")) return { kind: "dn", value: text };
  return { kind: "fqdn", value: text };
}

export function reachOf(address: string): PeerAddress {
  return isIP(address) === 0 ? { kind: "host", name: address } : { kind: "static", address };
}

/**
 * How this gateway is reached: at the address that the text has for it; else it comes from anywhere, and is known by
 * the name it calls itself in phase 1. Ends that say that very name need not say it again.
 */
export function ownReach(
  address: PeerAddress | undefined,
  name: string,
  tunnels: readonly Tunnel[],
): { readonly reach: PeerAddress; readonly tunnels: readonly Tunnel[] } {
  if (address !== undefined) return { reach: address, tunnels };
  const said = tunnels.flatMap(({ ends: [{ identity }] }) => {
    return identity?.kind === "fqdn" ? [identity.value] : [];
  });
  const peerId = said[0] ?? name;
  return {
    reach: { kind: "dynamic", peerId },
    tunnels: tunnels.map((tunnel) => {
      const [{ identity, ...own }, far] = tunnel.ends;
      if (identity?.kind !== "fqdn" || identity.value !== peerId) return tunnel;
      return { ...tunnel, ends: [own, far] };
    }),
  };
}

export function addressNote(gateway: string, notebook: Notebook): void {
  const message = `the text has no address of the interface that the tunnels of "${gateway}" leave by`;
  notebook.add("warning", "own-address", undefined, message, "give the gateway its address");
}

/** As the configuration file takes names: letters, digits, dots, dashes and underscores, at most 64. */
export function plainRef(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return name === "" ? "unnamed" : name.slice(0, 60);
}

/** Networks, selectors and proposals of all tunnels of one text: lists that many tunnels share multiply. */
export class Budget {
  private left: number;

  constructor(most: number) {
    this.left = most;
  }

  /** False when so many more would be too many. */
  take(count: number): boolean {
    if (count > this.left) return false;
    this.left -= count;
    return true;
  }
}

export const MOST_NETWORKS = 50_000;

/** A name that is not taken yet. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number += 1) {
    const name = `${wanted}-${number}`;
    if (!taken.has(name)) return name;
  }
}

/** Names that one is compared with. */
const MOST_COMPARED = 100;

/** Names like this one, for a sentence: those that differ in little. */
export function similarNames(name: string, known: Iterable<string>): string[] {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const wanted = plain(name);
  const similar: string[] = [];
  let left = MOST_COMPARED;
  for (const one of known) {
    if (left-- === 0 || similar.length === 3) break;
    if (near(plain(one), wanted)) similar.push(one);
  }
  return similar;
}

/** At most two letters more, fewer or others. */
function near(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 2 || a.length > 64) return false;
  let row = [...Array(b.length + 1).keys()];
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row[b.length] ?? 99) <= 2;
}

function hostPrefix(address: string): string {
  return `${address}/${address.includes(":") ? 128 : 32}`;
}
