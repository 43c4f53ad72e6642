/**
 * Security associations as the IKE daemon tells of them (`list-sas` and its events), as plain data. What it
 * leaves out is undefined; times are seconds, counters octets and packets.
 */
import { listOf, sectionOf, textOf, type ViciTree } from "../vici/index.js";

/** A phase-1 SA: IKE_SA (RFC 7296) or ISAKMP SA (RFC 2408). */
export interface IkeSa {
  /** Of the connection it was made from. */
  readonly connection: string;
  readonly uniqueId: number;
  readonly version: 1 | 2;
  /** The daemon's word: CREATED, CONNECTING, ESTABLISHED, REKEYING, DELETING, … */
  readonly state: string;
  readonly localHost: string;
  readonly localPort: number;
  readonly localId: string;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly remoteId: string;
  /** We began it. */
  readonly initiator: boolean;
  /** Hex, 16 digits: the cookies. */
  readonly initiatorSpi: string;
  readonly responderSpi: string;
  readonly natLocal: boolean;
  readonly natRemote: boolean;
  readonly encryption: string | undefined;
  readonly encryptionBits: number | undefined;
  readonly integrity: string | undefined;
  readonly prf: string | undefined;
  readonly group: string | undefined;
  /** Mixed with a post-quantum preshared key (RFC 8784). */
  readonly ppk: boolean;
  readonly establishedSeconds: number | undefined;
  readonly rekeySeconds: number | undefined;
  readonly reauthSeconds: number | undefined;
  /** What it is busy with. */
  readonly tasks: readonly string[];
  readonly children: readonly ChildSa[];
}

/** A phase-2 SA: CHILD_SA or quick mode, both directions. */
export interface ChildSa {
  /** Of the child's configuration. */
  readonly name: string;
  readonly uniqueId: number;
  readonly reqid: number;
  /** INSTALLED, REKEYING, REKEYED, DELETING, … */
  readonly state: string;
  readonly mode: string;
  readonly protocol: string;
  /** In UDP. */
  readonly encapsulated: boolean;
  /** Hex. */
  readonly spiIn: string;
  readonly spiOut: string;
  readonly encryption: string | undefined;
  readonly encryptionBits: number | undefined;
  readonly integrity: string | undefined;
  readonly group: string | undefined;
  readonly esn: boolean;
  readonly bytesIn: number;
  readonly packetsIn: number;
  readonly bytesOut: number;
  readonly packetsOut: number;
  /** Since the last packet; undefined = none yet. */
  readonly idleInSeconds: number | undefined;
  readonly idleOutSeconds: number | undefined;
  readonly rekeySeconds: number | undefined;
  readonly lifeSeconds: number | undefined;
  readonly installedSeconds: number | undefined;
  /** Negotiated selectors: prefixes or ranges, with protocol and port in brackets. */
  readonly localSelectors: readonly string[];
  readonly remoteSelectors: readonly string[];
}

/** Every SA of a `list-sa` event, or of the part of another event that has the same form. */
export function readIkeSas(message: ViciTree): IkeSa[] {
  const sas: IkeSa[] = [];
  for (const connection of Object.keys(message)) {
    const tree = sectionOf(message, connection);
    if (tree !== undefined) sas.push(readIkeSa(connection, tree));
  }
  return sas;
}

export function readIkeSa(connection: string, tree: ViciTree): IkeSa {
  const text = (key: string): string => textOf(tree, key) ?? "";
  const children = sectionOf(tree, "child-sas");
  return {
    connection,
    uniqueId: numberOf(tree, "uniqueid") ?? 0,
    version: textOf(tree, "version") === "1" ? 1 : 2,
    state: text("state"),
    localHost: text("local-host"),
    localPort: numberOf(tree, "local-port") ?? 0,
    localId: text("local-id"),
    remoteHost: text("remote-host"),
    remotePort: numberOf(tree, "remote-port") ?? 0,
    remoteId: text("remote-id"),
    initiator: isYes(tree, "initiator"),
    initiatorSpi: text("initiator-spi"),
    responderSpi: text("responder-spi"),
    natLocal: isYes(tree, "nat-local"),
    natRemote: isYes(tree, "nat-remote"),
    encryption: textOf(tree, "encr-alg"),
    encryptionBits: numberOf(tree, "encr-keysize"),
    integrity: textOf(tree, "integ-alg"),
    prf: textOf(tree, "prf-alg"),
    group: textOf(tree, "dh-group"),
    ppk: isYes(tree, "ppk"),
    establishedSeconds: numberOf(tree, "established"),
    rekeySeconds: numberOf(tree, "rekey-time"),
    reauthSeconds: numberOf(tree, "reauth-time"),
    tasks: [
      ...listOf(tree, "tasks-queued"),
      ...listOf(tree, "tasks-active"),
      ...listOf(tree, "tasks-passive"),
    ],
    children: Object.keys(children ?? {}).flatMap((key) => {
      const child = sectionOf(children, key);
      return child === undefined ? [] : [readChildSa(key, child)];
    }),
  };
}

/** @param key of the section: the name with a number behind it, used where the name is not told */
export function readChildSa(key: string, tree: ViciTree): ChildSa {
  const text = (name: string): string => textOf(tree, name) ?? "";
  return {
    name: textOf(tree, "name") ?? key,
    uniqueId: numberOf(tree, "uniqueid") ?? 0,
    reqid: numberOf(tree, "reqid") ?? 0,
    state: text("state"),
    mode: text("mode"),
    protocol: text("protocol"),
    encapsulated: isYes(tree, "encap"),
    spiIn: text("spi-in"),
    spiOut: text("spi-out"),
    encryption: textOf(tree, "encr-alg"),
    encryptionBits: numberOf(tree, "encr-keysize"),
    integrity: textOf(tree, "integ-alg"),
    group: textOf(tree, "dh-group"),
    esn: textOf(tree, "esn") === "1",
    bytesIn: numberOf(tree, "bytes-in") ?? 0,
    packetsIn: numberOf(tree, "packets-in") ?? 0,
    bytesOut: numberOf(tree, "bytes-out") ?? 0,
    packetsOut: numberOf(tree, "packets-out") ?? 0,
    idleInSeconds: numberOf(tree, "use-in"),
    idleOutSeconds: numberOf(tree, "use-out"),
    rekeySeconds: numberOf(tree, "rekey-time"),
    lifeSeconds: numberOf(tree, "life-time"),
    installedSeconds: numberOf(tree, "install-time"),
    localSelectors: listOf(tree, "local-ts"),
    remoteSelectors: listOf(tree, "remote-ts"),
  };
}

/** Whether packets can pass it, or could a moment ago. */
export function isInstalled(child: ChildSa): boolean {
  return child.state === "INSTALLED" || child.state === "REKEYING" || child.state === "REKEYED";
}

function numberOf(tree: ViciTree, key: string): number | undefined {
  const text = textOf(tree, key);
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}

function isYes(tree: ViciTree, key: string): boolean {
  return textOf(tree, key) === "yes";
}
