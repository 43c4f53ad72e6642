/** Clients by network: the longest prefix that holds an address wins. IPv4-mapped IPv6 counts as IPv4. */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { Secret } from "../packet/md5.js";
import type { ClientSettings } from "../settings.js";
import { latencyCounts } from "../statistics/counters.js";
import type { LatencyCounts } from "../statistics/counters.js";

export interface Client {
  readonly settings: ClientSettings;
  readonly secrets: readonly Secret[];
  /** `auto` has seen its first valid Message-Authenticator. */
  learned: boolean;
  /** Token bucket of the rate limit. */
  tokens: number;
  filledAt: number;
  /** From its requests to our answers. */
  readonly latency: LatencyCounts;
}

export function createClient(settings: ClientSettings): Client {
  return {
    settings,
    secrets: settings.secrets.map((text) => new Secret(text)),
    learned: false,
    tokens: settings.rateLimit,
    filledAt: 0,
    latency: latencyCounts(),
  };
}

export class ClientTable {
  /** Longest first. */
  private readonly rows: { readonly network: Network; readonly client: Client }[];

  /** @param before clients whose settings are the same go on with what they have learned */
  constructor(clients: readonly ClientSettings[], before: readonly Client[] = []) {
    const known = new Map(before.map((client) => [JSON.stringify(client.settings), client]));
    this.rows = clients
      .map((settings) => ({
        network: new Network(settings.prefix),
        client: known.get(JSON.stringify(settings)) ?? createClient(settings),
      }))
      .sort((a, b) => b.network.length - a.network.length);
  }

  find(address: string): Client | undefined {
    return this.rows.find(({ network }) => network.has(address))?.client;
  }

  get clients(): readonly Client[] {
    return this.rows.map(({ client }) => client);
  }
}

export class Network {
  readonly length: number;
  private readonly list = new BlockList();

  /** Throws for text that is no prefix: settings were checked before. */
  constructor(prefix: string) {
    const [address = "", length = ""] = prefix.split("/");
    if (!isIPv4(address) && !isIPv6(address)) throw new Error(`${prefix} is not a network`);
    this.length = length === "" ? (isIPv4(address) ? 32 : 128) : Number(length);
    this.list.addSubnet(address, this.length, isIPv4(address) ? "ipv4" : "ipv6");
  }

  has(address: string): boolean {
    const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
    return this.list.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
  }
}
