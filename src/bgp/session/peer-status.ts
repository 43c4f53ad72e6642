/** What is known of a peer, as plain data: the session's part of `control.ts`'s PeerView. */
import { capabilityNames, peerIdentity } from "./negotiate.js";
import { MessageCounters, type MessageCounts } from "./message-counters.js";
import type { Peer } from "./peer.js";
import type { Session } from "./session.js";
import type { State } from "./fsm.js";

export interface PeerStatus {
  readonly address: string;
  readonly group: string;
  readonly description: string;
  readonly dynamic: boolean;
  readonly kind: "client" | "non-client" | "ebgp";
  readonly as: number | undefined;
  readonly routerId: string | undefined;
  readonly state: State;
  readonly lastError: string | undefined;
  readonly adminDown: boolean;
  readonly since: number;
  readonly establishedCount: number;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remotePort: number | undefined;
  readonly holdTime: number | undefined;
  readonly hostName: string | undefined;
  readonly softwareVersion: string | undefined;
  readonly capabilities: readonly string[];
  readonly md5: boolean;
  /** Name of the TCP-AO key chain. */
  readonly tcpAo: string | undefined;
  readonly ttlSecurityHops: number;
  readonly messages: { readonly in: MessageCounts; readonly out: MessageCounts };
  readonly pendingBytes: number;
}

export function statusOf(peer: Peer, localAs: number): PeerStatus {
  const session = peer.foremost;
  const open = session?.open;
  const agreed = session?.agreed;
  const { options } = peer;
  const as = agreed?.peerAs ?? options.peerAs;
  return {
    address: peer.address,
    group: options.group,
    description: options.description,
    dynamic: peer.dynamic,
    kind: as !== undefined && as !== localAs ? "ebgp" : options.client ? "client" : "non-client",
    as,
    routerId: open?.bgpId,
    state: peer.state,
    lastError: peer.lastError,
    adminDown: peer.adminDown,
    since: peer.since,
    establishedCount: peer.establishedCount,
    ...endpoints(session),
    holdTime: agreed?.holdTime,
    ...(open === undefined ? NOBODY : peerIdentity(open)),
    capabilities: open === undefined ? [] : capabilityNames(open.capabilities),
    md5: options.password !== undefined,
    tcpAo: options.tcpAo?.name,
    ttlSecurityHops: options.ttlSecurityHops,
    messages: messagesOf(peer),
    pendingBytes: session?.pendingBytes ?? 0,
  };
}

const NOBODY = { hostName: undefined, softwareVersion: undefined };

function endpoints(
  session: Session | undefined,
): Pick<PeerStatus, "localAddress" | "localPort" | "remotePort"> {
  const connection = session?.connection;
  return {
    localAddress: connection?.localAddress,
    localPort: connection?.localPort,
    remotePort: connection?.remotePort,
  };
}

function messagesOf(peer: Peer): { in: MessageCounts; out: MessageCounts } {
  const sum = new MessageCounters();
  sum.add(peer.past);
  for (const session of peer.sessions) sum.add(session.counters);
  return { in: sum.in, out: sum.out };
}
