/** Answers about policies, as evpnctl reads them. */

export interface DecisionAnswer {
  readonly by: "rule" | "default" | "none";
  readonly policy?: string;
  readonly rule?: number;
  readonly name?: string;
  readonly verdict: string;
  readonly passed: readonly string[];
  readonly overridden: boolean;
}

export interface ChangeAnswer {
  readonly name: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

export interface PolicyAnswer {
  readonly name: string;
  readonly rules: readonly {
    readonly number: number;
    readonly name: string;
    readonly text: string;
    readonly then: string;
    readonly hits: number;
  }[];
  readonly importOf: readonly string[];
  readonly exportOf: readonly string[];
}

export interface TestAnswer {
  readonly looked: number;
  readonly complete: boolean;
  readonly notes: readonly string[];
  readonly peers: readonly {
    readonly peer: string;
    readonly direction: "in" | "out";
    readonly accepted: number;
    readonly rejected: number;
    readonly quarantined: number;
    readonly changed: number;
    readonly examples: readonly {
      readonly change: string;
      readonly family: string;
      readonly prefix: string;
      readonly from: string;
      readonly before?: DecisionAnswer;
      readonly after?: DecisionAnswer;
      readonly attributes: readonly ChangeAnswer[];
    }[];
  }[];
}

export interface ExplainAnswer {
  readonly cut: boolean;
  readonly routes: readonly {
    readonly family: string;
    readonly prefix: string;
    readonly paths: readonly {
      readonly peer: string;
      readonly best: boolean;
      readonly reason: string;
      readonly import: DecisionAnswer;
      readonly attributes: readonly ChangeAnswer[];
    }[];
    readonly receivers: readonly {
      readonly peer: string;
      readonly sent: boolean;
      readonly reason: string;
      readonly export: DecisionAnswer;
      readonly attributes: readonly ChangeAnswer[];
    }[];
  }[];
}

/** `rule 3 (no-lab) of from-pe rejects`. */
export function formatDecision(decision: DecisionAnswer): string {
  const { by, policy = "", rule = 0, name = "", verdict, passed, overridden } = decision;
  const who =
    by === "none"
      ? "no rules"
      : by === "default"
        ? `default ${verdict}`
        : `rule ${rule}${name === "" ? "" : ` (${name})`} of ${policy}: ${verdict}`;
  const before = passed.length === 0 ? "" : `, after ${passed.join(", ")}`;
  return `${who}${before}${overridden ? ", then maintenance" : ""}`;
}

export function formatChange({ name, before, after }: ChangeAnswer): string {
  return `${name}: ${before ?? "none"} -> ${after ?? "none"}`;
}
