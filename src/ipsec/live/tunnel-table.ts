/**
 * What is known of each tunnel: SAs as last told, what negotiation left out, whether it is up. Changes come
 * out as events, once each.
 */
import type { DriverEvent, TunnelFacts } from "./control.js";
import { uncoveredOf, type Uncovered } from "./coverage.js";
import type { TunnelPlan } from "./plan.js";
import { isInstalled, type IkeSa } from "./sa.js";

interface Known {
  up: boolean;
  uncovered: readonly Uncovered[];
  problem: string | undefined;
}

export class TunnelTable {
  private readonly tell: (event: DriverEvent) => void;
  private readonly known = new Map<string, Known>();
  private sas: ReadonlyMap<string, readonly IkeSa[]> = new Map();

  constructor(tell: (event: DriverEvent) => void) {
    this.tell = tell;
  }

  get byConnection(): ReadonlyMap<string, readonly IkeSa[]> {
    return this.sas;
  }

  isUp(tunnel: string): boolean {
    return this.known.get(tunnel)?.up === true;
  }

  problem(tunnel: string, problem: string | undefined): void {
    this.of(tunnel).problem = problem;
  }

  /** The daemon's list, whole. */
  update(sas: readonly IkeSa[], plans: ReadonlyMap<string, TunnelPlan>): void {
    const byConnection = new Map<string, IkeSa[]>();
    for (const sa of sas) {
      const list = byConnection.get(sa.connection);
      if (list === undefined) byConnection.set(sa.connection, [sa]);
      else list.push(sa);
    }
    this.sas = byConnection;
    for (const plan of plans.values()) this.look(plan, byConnection.get(plan.connection) ?? []);
    for (const tunnel of this.known.keys()) if (!plans.has(tunnel)) this.known.delete(tunnel);
  }

  facts(plan: TunnelPlan, rest: Pick<TunnelFacts, "loaded" | "held" | "backup">): TunnelFacts {
    const { tunnel, connection, start, children } = plan;
    const { up, uncovered, problem } = this.of(tunnel);
    const sas = this.sas.get(connection) ?? [];
    return { tunnel, connection, start, children, up, uncovered, problem, sas, ...rest };
  }

  private look(plan: TunnelPlan, sas: readonly IkeSa[]): void {
    const known = this.of(plan.tunnel);
    const installed = new Set(
      sas.flatMap(({ children }) => children.filter(isInstalled).map(({ name }) => name)),
    );
    const up = plan.children.every(({ name }) => installed.has(name));
    const missing = uncoveredOf(plan.children, sas);
    if (up !== known.up) {
      known.up = up;
      if (up) known.problem = undefined;
      this.tell({ kind: up ? "tunnel-up" : "tunnel-down", tunnel: plan.tunnel });
    }
    if (JSON.stringify(missing) !== JSON.stringify(known.uncovered)) {
      known.uncovered = missing;
      this.tell({ kind: "coverage", tunnel: plan.tunnel, uncovered: missing });
    }
  }

  private of(tunnel: string): Known {
    let known = this.known.get(tunnel);
    if (known === undefined) {
      known = { up: false, uncovered: [], problem: undefined };
      this.known.set(tunnel, known);
    }
    return known;
  }
}
