/** Watching tunnels, as the API sees it: plain data both ways, every method async. Rejects with `WatchError` or `DriverError`. */
import type { Diagnosis } from "../diagnosis/fault.js";
import type { IkeMessage } from "../isakmp/index.js";
import type { Trace } from "../trace/trace-book.js";
import type { CookieList } from "../views/cookies.js";
import type { CryptoIpsecRow } from "../views/crypto-ipsec.js";
import type { IsakmpList } from "../views/isakmp-sa.js";
import type { SaList } from "../views/sa-list.js";
import type { StatusRow } from "../views/status.js";
import type { EventQuery, IpsecEvent } from "./event-log.js";
import type { MonitorState, TunnelState } from "./health.js";
import type { SeenVtep } from "./vtep-book.js";

export interface TunnelView {
  readonly tunnel: string;
  readonly kind: "route-based" | "policy-based";
  readonly local: string;
  readonly remote: string;
  readonly state: TunnelState;
  readonly reason: string;
  /** Wall-clock milliseconds. */
  readonly since: number;
  readonly monitor: MonitorState;
  /** An operator ended it. */
  readonly held: boolean;
  readonly loaded: boolean;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
  /** Configured networks that no SA covers. */
  readonly uncovered: readonly string[];
  /** Prefixes of VTEPs behind it, and those of them that routes point to, or did. */
  readonly vteps: readonly string[];
  readonly vtepsSeen: readonly SeenVtep[];
  /** What is wrong with it, the most telling alone. */
  readonly diagnosis?: Diagnosis | undefined;
}

export interface DaemonView {
  readonly connected: boolean;
  readonly problem?: string | undefined;
  readonly version?: string | undefined;
  readonly since?: number | undefined;
  readonly planned: number;
  readonly loaded: number;
}

export interface WatchOverview {
  /** Gateway of the model that this is. */
  readonly gateway: string;
  readonly daemon: DaemonView;
  readonly tunnels: readonly TunnelView[];
}

export interface TunnelPing {
  readonly tunnel: string;
  /** Undefined = the monitor's, or the far gateway's first network's first address. */
  readonly destination?: string | undefined;
  readonly source?: string | undefined;
  readonly count?: number | undefined;
  readonly size?: number | undefined;
}

export interface CounterChange {
  readonly encaps: number;
  readonly decaps: number;
}

export interface TunnelPingResult {
  readonly tunnel: string;
  readonly destination: string;
  readonly sent: number;
  readonly received: number;
  readonly averageMs?: number | undefined;
  /** Packets that the tunnel took and gave meanwhile, all traffic in it. */
  readonly counters: CounterChange;
  /** What came of it, a sentence. */
  readonly text: string;
}

export interface PacketSize {
  readonly tunnel: string;
  readonly destination: string;
  /** Octets of the largest packet that came back whole; undefined when none did. */
  readonly largest?: number | undefined;
  /** What the model works out. */
  readonly expected: number;
  readonly text: string;
}

export interface Reach {
  readonly tunnel: string;
  readonly gateway: string;
  readonly address: string;
  readonly side: "local" | "remote";
  readonly reachable: boolean;
  readonly text: string;
}

export interface DecodeOrder {
  /** Octets of a message, or of decrypted payloads, in hex; spaces do no harm. */
  readonly hex: string;
  /** Name of the first payload, where there is no header: `SA`, `HASH`. */
  readonly first?: string | undefined;
  /** With `first`: 1 or 2. */
  readonly version?: number | undefined;
}

export interface DecodedIke {
  readonly message?: Omit<IkeMessage, "payloads"> | undefined;
  readonly payloads: IkeMessage["payloads"];
  readonly problems: readonly string[];
}

export interface WatchControl {
  overview(): Promise<WatchOverview>;
  status(): Promise<readonly StatusRow[]>;
  saList(activeOnly: boolean): Promise<SaList>;
  cookies(): Promise<CookieList>;
  isakmp(): Promise<IsakmpList>;
  cryptoIpsec(tunnel?: string): Promise<readonly CryptoIpsecRow[]>;
  events(query: EventQuery): Promise<readonly IpsecEvent[]>;
  diagnoses(tunnel?: string, alsoEnded?: boolean): Promise<readonly Diagnosis[]>;
  trace(tunnel: string): Promise<Trace>;
  /** On for so many seconds, at most an hour. */
  startTrace(tunnel: string, seconds: number): Promise<Trace>;
  stopTrace(tunnel: string): Promise<Trace>;
  clearTrace(tunnel: string): Promise<Trace>;
  /** Both phases anew. */
  clear(tunnel: string): Promise<void>;
  initiate(tunnel: string): Promise<void>;
  /** @returns SAs that are ended */
  terminate(tunnel: string): Promise<number>;
  rekey(tunnel: string, what: "ike" | "child"): Promise<void>;
  ping(order: TunnelPing): Promise<TunnelPingResult>;
  packetSize(order: TunnelPing): Promise<PacketSize>;
  /** Whether the outside addresses of tunnels, also of those not installed yet, can be reached. */
  reach(tunnel?: string): Promise<readonly Reach[]>;
  decode(order: DecodeOrder): Promise<DecodedIke>;
}
