/**
 * One fabric check: all chosen rules look at every record, a slice at a time. Ids that come while it runs are
 * looked at if they lie ahead; what goes is not there any more when its turn comes.
 */
import { Family } from "../../fast-bgp-codec/index.js";
import type { Fib } from "../fib.js";
import type { Finding, LintSummary } from "./finding.js";
import { Report, type Look, type Rule } from "./rule.js";

/** Records between two looks at the clock. */
const STRETCH = 32;

interface Pass {
  readonly limit: () => number;
  readonly look: (id: number) => void;
}

export class LintRun {
  looked = 0;
  private readonly fib: Fib;
  private readonly rules: readonly Rule[];
  private readonly reports: readonly Report[];
  private readonly passes: readonly Pass[];
  private readonly finishes: Look[];
  private pass = 0;
  private at = 1;

  constructor(fib: Fib, rules: readonly Rule[]) {
    this.fib = fib;
    this.rules = rules;
    this.reports = rules.map((rule) => new Report(rule, fib.tables.routes));
    const looks = rules.map((rule, index) => rule.look(fib, this.reports[index]!));
    this.passes = this.passesOf(looks);
    this.finishes = looks.filter((look) => "finish" in look);
  }

  get isDone(): boolean {
    return this.pass >= this.passes.length && this.finishes.length === 0;
  }

  /** 0 to 1. */
  get progress(): number {
    if (this.isDone) return 1;
    const total = this.passes.reduce((sum, { limit }) => sum + limit(), 0);
    let done = this.at;
    for (let i = 0; i < this.pass; i++) done += this.passes[i]!.limit();
    return Math.min(0.99, total === 0 ? 0.99 : done / total);
  }

  /** Goes on until the time is up or all is looked at. */
  step(now: () => number, budgetMs: number): void {
    const until = now() + budgetMs;
    while (this.pass < this.passes.length) {
      const { limit, look } = this.passes[this.pass]!;
      const end = limit();
      while (this.at < end) {
        const stop = Math.min(end, this.at + STRETCH);
        for (; this.at < stop; this.at++) look(this.at);
        if (now() >= until) return;
      }
      this.pass++;
      this.at = 1;
    }
    for (let last = this.finishes.pop(); last !== undefined; last = this.finishes.pop()) {
      last.finish?.();
      if (now() >= until) return;
    }
  }

  /** Once it is done. */
  findings(): Finding[] {
    return this.reports.flatMap((report) => report.findings());
  }

  summary(milliseconds: number): LintSummary {
    return {
      rules: this.rules.map(({ id: rule }, index) => {
        const { size: findings, more } = this.reports[index]!;
        return { rule, findings, more };
      }),
      looked: this.looked,
      milliseconds: Math.round(milliseconds),
    };
  }

  private passesOf(looks: readonly Look[]): readonly Pass[] {
    const { fib } = this;
    const { routes, domains, segments } = fib.tables;
    const { entries, bindings } = fib.macs;
    const passes: Pass[] = [];
    const add = <K extends "entry" | "binding" | "domain" | "segment" | "attachment">(
      kind: K,
      limit: () => number,
      exists: (id: number) => boolean,
    ): void => {
      const asking = looks.filter((look) => look[kind] !== undefined);
      if (asking.length === 0) return;
      passes.push({
        limit,
        look: (id) => {
          if (!exists(id)) return;
          this.looked++;
          for (const one of asking) one[kind]!(id);
        },
      });
    };
    const asking = looks.filter((look) => "route" in look);
    if (asking.length > 0) {
      passes.push({
        limit: () => routes.destinationLimit,
        look: (dest) => {
          if (!routes.exists(dest) || routes.family(dest) !== Family.Evpn) return;
          if (routes.bestPath(dest) === 0) return;
          this.looked++;
          const type = routes.routeType(dest);
          for (const one of asking) one.route!(dest, type);
        },
      });
    }
    add(
      "entry",
      () => entries.limit,
      (id) => entries.exists(id),
    );
    add(
      "binding",
      () => bindings.limit,
      (id) => bindings.exists(id),
    );
    add(
      "domain",
      () => domains.limit,
      (id) => domains.exists(id),
    );
    add(
      "segment",
      () => segments.limit,
      (id) => segments.exists(id),
    );
    add(
      "attachment",
      () => segments.attachmentLimit,
      (id) => segments.attachmentExists(id),
    );
    return passes;
  }
}
