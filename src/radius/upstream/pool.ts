/**
 * Servers that stand in for each other. Failover takes the first that lives; balancing the one with the
 * fewest requests waiting. A conversation that was answered with State stays where it is: only that
 * server knows the State.
 */
import { LRUCache } from "lru-cache";
import type { Upstream } from "./upstream.js";

const CONVERSATIONS_MAX = 100_000;

export class Pool {
  readonly name: string;
  private members: readonly Upstream[];
  private balance: boolean;
  /** Client and State, to the server that gave it. */
  private readonly conversations = new LRUCache<string, Upstream>({ max: CONVERSATIONS_MAX });

  /** The only member there was: what nobody remembers and goes on there, began there. */
  private former: Upstream | undefined;

  constructor(name: string, servers: readonly Upstream[], balance: boolean) {
    this.name = name;
    this.members = servers;
    this.balance = balance;
  }

  get servers(): readonly Upstream[] {
    return this.members;
  }

  /** Other members; conversations of those that stay go on. */
  configure(servers: readonly Upstream[], balance: boolean): void {
    if (!this.remembers) this.former = this.members[0];
    this.members = servers;
    this.balance = balance;
  }

  /** Whether conversations are to be remembered: there is more than one place where they could be. */
  get remembers(): boolean {
    return this.members.length > 1;
  }

  /** @param conversation key of the State in the request, if it has one; of no use to a pool that does not remember */
  choose(conversation: string | undefined): Upstream | undefined {
    const known =
      conversation === undefined
        ? undefined
        : (this.conversations.get(conversation) ?? this.former);
    if (known !== undefined && known.state !== "dead" && this.members.includes(known)) return known;
    return this.best("alive") ?? this.best("suspect");
  }

  remember(conversation: string, server: Upstream): void {
    this.conversations.set(conversation, server);
  }

  private best(state: "alive" | "suspect"): Upstream | undefined {
    let best: Upstream | undefined;
    for (const server of this.members) {
      if (server.state !== state) continue;
      if (!this.balance) return server;
      if (best === undefined || server.pending < best.pending) best = server;
    }
    return best;
  }
}
