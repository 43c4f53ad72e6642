/** What strongSwan can be told of a tunnel; its words for algorithms are the model's own. */
import { CIPHERS, GROUPS, INTEGRITIES, type Gateway } from "../../model/index.js";
import type { Capability } from "../capability.js";

const own = (table: object) => Object.fromEntries(Object.keys(table).map((name) => [name, name]));

export const STRONGSWAN: Capability = {
  title: "strongSwan",
  versions: [1, 2],
  kinds: ["route-based", "policy-based"],
  ikeCiphers: own(CIPHERS),
  espCiphers: own(CIPHERS),
  integrities: own(INTEGRITIES),
  groups: own(GROUPS),
  prfApart: true,
  additional: true,
  esn: true,
  ah: true,
  ipv6: true,
  aggressive: true,
  transport: true,
  certificates: true,
  ppk: true,
  dynamicPeers: true,
  selectors: 10_000,
  ports: true,
  ranges: true,
  kilobytes: true,
  replayWindows: undefined,
  idle: true,
  heartbeat: false,
  dpd: true,
  natForce: true,
  natOff: false,
  mobike: true,
  childless: true,
  reauthentication: true,
  monitor: true,
  mostProposals: 100,
};

/** Several key exchanges (RFC 9370) came with 6.0. */
export function strongswanOf({ version }: Gateway): Capability {
  const six = version === undefined || Number.parseInt(version, 10) >= 6;
  return { ...STRONGSWAN, additional: six, title: six ? "strongSwan" : `strongSwan ${version}` };
}
