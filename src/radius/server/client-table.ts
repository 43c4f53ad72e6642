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
  readonly clients: readonly Client[];
  /** A look for each length that there is, longest first: strangers cost the same whoever is configured. */
  private readonly lengths: readonly Length[];

  /** @param before clients whose settings are the same go on with what they have learned */
  constructor(clients: readonly ClientSettings[], before: readonly Client[] = []) {
    const known = new Map(before.map((client) => [JSON.stringify(client.settings), client]));
    const rows = clients.map((settings) => ({
      prefix: prefixOf(settings.prefix),
      client: known.get(JSON.stringify(settings)) ?? createClient(settings),
    }));
    rows.sort((a, b) => b.prefix.length - a.prefix.length);
    this.clients = rows.map(({ client }) => client);
    const lengths = new Map<string, Length>();
    for (const { prefix, client } of rows) {
      const { octets, length } = prefix;
      const name = `${octets.length} ${length}`;
      let one = lengths.get(name);
      if (one === undefined) {
        one = { size: octets.length, length, byNetwork: new Map() };
        lengths.set(name, one);
      }
      const network = networkKey(octets, length);
      if (!one.byNetwork.has(network)) one.byNetwork.set(network, client);
    }
    this.lengths = [...lengths.values()];
  }

  find(address: string): Client | undefined {
    const octets = addressOctets(address);
    if (octets === undefined) return undefined;
    for (const { size, length, byNetwork } of this.lengths) {
      if (size !== octets.length) continue;
      const client = byNetwork.get(networkKey(octets, length));
      if (client !== undefined) return client;
    }
    return undefined;
  }
}

/** Networks of one length. */
interface Length {
  /** Octets of an address: 4 or 16. */
  readonly size: number;
  readonly length: number;
  readonly byNetwork: Map<string, Client>;
}

/** Throws for text that is no prefix: settings were checked before. */
function prefixOf(prefix: string): { readonly octets: readonly number[]; readonly length: number } {
  const [address = "", length = ""] = prefix.split("/");
  const octets = addressOctets(address);
  if (octets === undefined) throw new Error(`${prefix} is not a network`);
  return { octets, length: length === "" ? octets.length * 8 : Number(length) };
}

/** The first `length` bits, as text. */
function networkKey(octets: readonly number[], length: number): string {
  const whole = length >> 3;
  const rest = length & 7;
  const key = octets.slice(0, whole).join(".");
  return rest === 0 ? key : `${key}/${(octets[whole] ?? 0) >> (8 - rest)}`;
}

/** 4 octets, or 16; an IPv4 address inside an IPv6 one is that. A zone does not matter. */
export function addressOctets(text: string): readonly number[] | undefined {
  const plain = text.startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text;
  if (isIPv4(plain)) return plain.split(".").map(Number);
  if (!isIPv6(plain)) return undefined;
  const [address = ""] = plain.split("%");
  const [head = "", tail] = address.split("::");
  const front = groupOctets(head);
  if (tail === undefined) return front;
  const back = groupOctets(tail);
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back];
}

function groupOctets(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  });
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
