/** A hub of many tunnels, each to a gateway at an address of its own: the configuration, and where it is. */
import { join } from "node:path";

export const HUB = "192.0.2.1";
export const HTTP = "127.0.0.1:8179";
/** One key for all of them: what is measured does not depend on it. */
export const SECRET_NAME = "hub-key";

/** Address of the n-th far gateway. */
export function farAddress(n: number): string {
  return `198.18.${n >> 8}.${n & 255}`;
}

/** Network behind it. */
export function farNetwork(n: number): string {
  return `10.${64 + (n >> 8)}.${n & 255}.0/24`;
}

export const HUB_NETWORK = "10.0.0.0/16";

export interface HubOptions {
  readonly tunnels: number;
  /** The first so many come up; their far ends are there. */
  readonly live: number;
  /** Lifetime of phase 2 of the n-th, seconds. */
  readonly lifetime: (n: number) => number;
  readonly directory: string;
}

export function hubConfiguration({ tunnels, live, lifetime, directory }: HubOptions): string {
  const numbers = Array.from({ length: tunnels }, (_, n) => n);
  const gateway = (name: string, address: string) =>
    `        - {name: ${name}, vendor: strongswan, address: ${address}, interfaces: [{name: out, zone: Untrust, addresses: [${address}/32]}]}`;
  // Userland ESP, which any machine has, knows no extended sequence numbers.
  const tunnel = (n: number) =>
    `    - {name: t${n}, kind: policy-based, psk: ${SECRET_NAME}, esp: {proposals: [aes256gcm16-curve25519], lifetime: ${lifetime(n)}}, ends: [{gateway: hub, interface: out, networks: [${HUB_NETWORK}], start: ${n < live ? "start" : "respond"}}, {gateway: far-${n}, interface: out, networks: [${farNetwork(n)}], start: ${n < live ? "respond" : "start"}}]}`;
  return `as: 65000
router-id: ${HUB}
listen: ["127.0.0.1:1790"]
dynamic-peers: [{prefix: 127.0.0.0/8}]
http: {listen: "${HTTP}"}
restart: {state-dir: ${join(directory, "state")}}
ipsec:
  local: hub
  install: manual
  vici-socket: ${join(directory, "hub.vici")}
  secrets: {file: ${join(directory, "secrets")}}
  sites:
    - name: all
      gateways:
${[gateway("hub", HUB), ...numbers.map((n) => gateway(`far-${n}`, farAddress(n)))].join("\n")}
  tunnels:
${numbers.map(tunnel).join("\n")}
`;
}
