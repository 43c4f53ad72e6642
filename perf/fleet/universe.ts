/**
 * What exists in a run, computed from an index: MAC i belongs to a PE, a VNI and an attribute
 * variant, and every receiver can tell from the octets of an NLRI which index it is about.
 *   MAC  02:00:iiiiiiii        IP 10.(low 24 bits of i), in the share of routes that carry one
 *   RD   type 1, PE's router id : number of the VNI      label = VNI, RT = AS:VNI
 * Next hop and router id of PE p are 10.100.0.0 + p + 1 (a parameter), whatever address it binds to.
 */
export interface UniverseSettings {
  readonly peers: number;
  /** Routes announced at the start. */
  readonly routes: number;
  /** MAC indexes beyond `routes`, for MACs never seen before. */
  readonly spare?: number;
  /** PEs that announce at the start: the first `senders`; 0 = all. */
  readonly senders: number;
  /** Routes of PE 0; undefined = its equal share. */
  readonly firstPeerRoutes?: number;
  readonly vnis: number;
  readonly nlriPerUpdate: number;
  /** Attribute sets per PE and VNI, told apart by a community. */
  readonly attrSets: number;
  /** 0 to 1: routes that carry an IP address. */
  readonly macIpShare: number;
  /** All PEs use one RD per VNI, so that a MAC that moves keeps its NLRI. */
  readonly sharedRd: boolean;
  readonly as: number;
  /** VNIs that each PE is in, neighbouring PEs in different ones; 0 = all. */
  readonly vnisPerPeer?: number;
}

export const FIRST_VNI = 10_000;
export const NEXT_HOP_BASE = ((10 << 24) | (100 << 16)) >>> 0;
/** The RD's address when all PEs share it. */
export const SHARED_RD_ADDRESS = ((10 << 24) | (255 << 16)) >>> 0;
export const NO_HOME = 0xffff;

/**
 * A route in one number: who has it and its mobility sequence. Zero is "no route".
 *   1..11 bits PE + 1 | 20 bits sequence
 */
export const SEQUENCE_BITS = 20;
export const MAX_PEERS = 2046;

export function packRoute(peer: number, sequence: number): number {
  return ((peer + 1) << SEQUENCE_BITS) | (sequence & 0xfffff);
}

export function routePeer(route: number): number {
  return (route >>> SEQUENCE_BITS) - 1;
}

export function routeSequence(route: number): number {
  return route & 0xfffff;
}

export class Universe {
  readonly settings: UniverseSettings;
  /** MAC indexes in all. */
  readonly size: number;
  /** PE that announces the MAC at the start; NO_HOME for spare ones. */
  readonly home: Uint16Array;
  readonly vni: Uint16Array;
  readonly variant: Uint16Array;
  readonly hasIp: Uint8Array;

  constructor(settings: UniverseSettings) {
    check(settings);
    this.settings = settings;
    this.size = settings.routes + (settings.spare ?? 0);
    this.home = new Uint16Array(this.size).fill(NO_HOME);
    this.vni = new Uint16Array(this.size);
    this.variant = new Uint16Array(this.size);
    this.hasIp = new Uint8Array(this.size);
    const senders = settings.senders === 0 ? settings.peers : settings.senders;
    const first = settings.firstPeerRoutes ?? Math.ceil(settings.routes / senders);
    const rest = Math.ceil((settings.routes - first) / Math.max(1, senders - 1));
    for (let i = 0; i < this.size; i++) {
      const chunk = Math.floor(i / settings.nlriPerUpdate);
      this.variant[i] = Math.floor(chunk / settings.vnis) % settings.attrSets;
      // spread evenly: the index where the running share reaches the next whole number
      const carried = Math.floor((i + 1) * settings.macIpShare);
      this.hasIp[i] = carried - Math.floor(i * settings.macIpShare);
      if (i < settings.routes) this.home[i] = i < first ? 0 : 1 + Math.floor((i - first) / rest);
      this.vni[i] = this.vniAt(this.home[i] ?? 0, chunk);
    }
  }

  /** The VNI of the `turn`-th bundle of routes of a PE. */
  private vniAt(peer: number, turn: number): number {
    const { vnis, vnisPerPeer = 0 } = this.settings;
    return vnisPerPeer === 0 ? turn % vnis : (peer * vnisPerPeer + (turn % vnisPerPeer)) % vnis;
  }

  /** The VNIs that a PE is in. */
  vnisOf(peer: number): number[] {
    const { vnis, vnisPerPeer = 0 } = this.settings;
    const count = vnisPerPeer === 0 ? vnis : Math.min(vnis, vnisPerPeer);
    return Array.from({ length: count }, (_, turn) => this.vniAt(peer, turn));
  }

  /** MAC indexes that PE `peer` announces at the start, ascending. */
  homeOf(peer: number): Int32Array {
    let start = this.home.indexOf(peer);
    if (start < 0) start = this.settings.routes;
    let end = start;
    while (end < this.settings.routes && this.home[end] === peer) end++;
    return Int32Array.from({ length: end - start }, (_, k) => start + k);
  }
}

function check(settings: UniverseSettings): void {
  const wrong = (what: string): never => {
    throw new RangeError(what);
  };
  if (settings.peers < 2 || settings.peers > MAX_PEERS) wrong(`--peers must be 2 to ${MAX_PEERS}`);
  if (settings.senders > settings.peers) wrong("--senders cannot exceed --peers");
  if (settings.routes < 1 || settings.routes > 16_000_000) wrong("--routes must be 1 to 16000000");
  if (settings.nlriPerUpdate < 1 || settings.nlriPerUpdate > 90)
    wrong("--nlri must be 1 to 90: more do not fit 4,096 octets");
  if (settings.vnis < 1 || settings.vnis > 60_000) wrong("--vnis must be 1 to 60000");
  if (settings.attrSets < 1 || settings.attrSets > 60_000) wrong("--attr-sets must be 1 to 60000");
  if (settings.macIpShare < 0 || settings.macIpShare > 1) wrong("--mac-ip-share must be 0 to 1");
}

/** `02:00:00:00:01:17`. */
export function macText(index: number): string {
  const hex = index.toString(16).padStart(8, "0");
  return `02:00:${hex.match(/../g)?.join(":") ?? hex}`;
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** Dotted quad to an unsigned number; undefined when it is none. */
export function parseAddress(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
