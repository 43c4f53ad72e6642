/** What a fabric check says: rules, findings with the routes behind them, and how far it is. */

export type Severity = "error" | "warning";

export interface RuleView {
  readonly id: string;
  readonly severity: Severity;
  /** What a finding means, in a sentence. */
  readonly meaning: string;
  /** What to do. */
  readonly advice: string;
}

/** A route in one line. */
export interface FindingRoute {
  readonly route: string;
  /** Its next hop. */
  readonly pe: string;
  /** Peer that it came from. */
  readonly peer: string;
}

export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** What it is about: a domain and a PE, a segment, a MAC. */
  readonly subject: string;
  /** What was found. */
  readonly message: string;
  readonly advice: string;
  /** Routes behind it. */
  readonly count: number;
  /** At most `MOST_ROUTES` of them. */
  readonly routes: readonly FindingRoute[];
}

export interface RuleCount {
  readonly rule: string;
  readonly findings: number;
  /** Further findings that were counted and not kept. */
  readonly more: number;
}

export interface LintSummary {
  readonly rules: readonly RuleCount[];
  /** Records looked at: routes, MACs, addresses, domains, segments. */
  readonly looked: number;
  readonly milliseconds: number;
}

export interface LintBatch {
  /** 0 to 1. */
  readonly progress: number;
  readonly findings: readonly Finding[];
  /** With the last batch. */
  readonly summary?: LintSummary | undefined;
}

export interface LintQuery {
  /** Ids of rules; all of them unless given. */
  readonly rules?: readonly string[] | undefined;
}

/** Fabric checks by pulled batches; one that nobody pulls for a minute is stopped. */
export interface LintControl {
  rules(): Promise<readonly RuleView[]>;
  /** The check's id. Rejects with `invalid` for a rule that there is not, with `busy` beyond `MOST_RUNS`. */
  start(query: LintQuery): Promise<string>;
  /** Waits so many milliseconds for findings or the end. Rejects with `not-found` for a check that is over. */
  next(run: string, most: number, waitMs: number): Promise<LintBatch>;
  stop(run: string): Promise<void>;
}

/** Routes shown with one finding. */
export const MOST_ROUTES = 5;
/** Findings kept of one rule; further ones are counted. */
export const MOST_FINDINGS = 500;
