/**
 * BFD and BGP together (RFC 5882 section 10, RFC 9384): which peers want a BFD session, and what its
 * state does to theirs.
 *
 * A peer with an address has one as long as it is configured and not shut down: it finds the peer before
 * BGP does. A dynamic peer has one while it is Established. A failure closes the BGP session with Cease
 * 6/10; AdminDown of either side does not. Whether the routes are kept for a restart is decided as for
 * any end of a session, unless the peer's BFD outlives its control plane (C bit, RFC 5882 section
 * 4.3.2.2): then it is the path that failed, and nothing is kept.
 */
import { networkInterfaces } from "node:os";
import { Cease } from "../fast-bgp-codec/iana.js";
import { parseIp } from "../fast-bgp-codec/values/ip.js";
import { equalBytes } from "../util/bytes.js";
import {
  BfdService,
  type BfdHostFactory,
  type BfdOverview,
  type BfdSpec,
  type BfdStatus,
} from "./bfd/index.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { ObservedPeer, PeerTable } from "./session/index.js";
import type { PeerOptions } from "./settings.js";

export interface BfdPeersParts {
  readonly peers: () => PeerTable;
  readonly localAs: () => number;
  readonly host: BfdHostFactory;
  readonly clock: Clock;
  readonly log: Log;
}

export class BfdPeers {
  private readonly parts: BfdPeersParts;
  private readonly service: BfdService;
  private readonly known = new Set<string>();

  constructor(parts: BfdPeersParts) {
    const { host, clock, log } = parts;
    this.parts = parts;
    this.service = new BfdService({ host, clock, log, listener: this });
  }

  /** Something of this peer changed: its session, its shutdown. */
  readonly look = (peer: ObservedPeer): void => {
    const { address, options, up } = peer;
    const wanted =
      options.bfd !== undefined &&
      !peer.removed &&
      !peer.adminDown &&
      (!peer.dynamic || up !== undefined);
    if (!wanted) {
      if (this.known.has(address)) this.drop(address);
      return;
    }
    this.known.add(address);
    this.service.want(this.specOf(address, options, up?.localAddress));
  };

  /** Why the peer may not have a BGP session yet; undefined when it may. */
  gate(address: string, options: PeerOptions): string | undefined {
    if (options.bfd?.strict !== true) return undefined;
    const status = this.service.status(address);
    if (status?.state === "Up") return undefined;
    return "waits for BFD to come up (bfd.strict)";
  }

  status(address: string): BfdStatus | undefined {
    return this.service.status(address);
  }

  overview(): Promise<BfdOverview> {
    return this.service.overview();
  }

  stats(): Record<string, number> {
    return this.service.counts;
  }

  close(): Promise<void> {
    return this.service.close();
  }

  down(address: string, detail: string, independent: boolean): void {
    const fault = {
      code: 6,
      subcode: Cease.BfdDown,
      data: new Uint8Array(0),
      hard: independent,
    };
    this.parts.peers().end(address, fault, { reason: "bfd", detail });
  }

  up(address: string): void {
    this.parts.peers().proceed(address);
  }

  private drop(address: string): void {
    this.known.delete(address);
    this.service.drop(address);
  }

  private specOf(address: string, options: PeerOptions, local: string | undefined): BfdSpec {
    const bfd = options.bfd!;
    const before = this.service.spec(address);
    return {
      peer: address,
      // Once known it stays, so that a BGP session that ends does not disturb BFD.
      localAddress: options.localAddress ?? local ?? before?.localAddress,
      multihop: bfd.multihop ?? before?.multihop ?? this.isFar(address, options),
      passive: bfd.passive,
      minTx: 1000 * bfd.minTxMs,
      minRx: 1000 * bfd.minRxMs,
      multiplier: bfd.multiplier,
      auth: bfd.auth,
    };
  }

  /** eBGP goes by its TTL; iBGP is a single hop when the peer is on a network of ours. */
  private isFar(address: string, options: PeerOptions): boolean {
    if (options.ttlSecurityHops > 0) return options.ttlSecurityHops > 1;
    const ebgp = options.peerAs !== undefined && options.peerAs !== this.parts.localAs();
    return ebgp ? options.ttl !== 1 : !isOnLink(address);
  }
}

/** Whether an interface of this machine has the address's network; link-local always is. */
export function isOnLink(address: string, interfaces = networkInterfaces()): boolean {
  const [plain = ""] = address.split("%", 1);
  const wanted = parseIp(plain);
  if (wanted === undefined) return false;
  if (address.includes("%")) return true;
  return Object.values(interfaces).some((entries) =>
    entries?.some(({ cidr }) => cidr !== null && covers(cidr, wanted)),
  );
}

function covers(cidr: string, wanted: Uint8Array): boolean {
  const [text = "", bits = "0"] = cidr.split("/", 2);
  const network = parseIp(text);
  if (network === undefined || network.length !== wanted.length) return false;
  const length = Number(bits);
  // A host route says nothing of neighbours: loopbacks.
  if (length === 8 * network.length) return false;
  const whole = length >>> 3;
  if (!equalBytes(network, 0, wanted, 0, whole)) return false;
  const rest = length & 7;
  const mask = (0xff << (8 - rest)) & 0xff;
  return rest === 0 || (network[whole]! & mask) === (wanted[whole]! & mask);
}
