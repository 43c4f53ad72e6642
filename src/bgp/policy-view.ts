/** Policies as the control shows them: plain data. */
import type { PolicySettings, Verdict } from "./policy/rules/settings.js";
import type { SpeakerSettings } from "./settings.js";

export interface PolicyRuleView {
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** The rule as the file has it, on one line. */
  readonly text: string;
  readonly then: Verdict;
  /** Times it matched since its policy was last changed; each route counts whenever it is looked at. */
  readonly hits: number;
}

export interface PolicyView {
  readonly name: string;
  readonly rules: readonly PolicyRuleView[];
  /** Addresses of live sessions. */
  readonly importOf: readonly string[];
  readonly exportOf: readonly string[];
}

/** What rules made of a route. */
export interface PolicyDecision {
  /** none: there are no rules; override: maintenance changed it, behind the rules. */
  readonly by: "rule" | "default" | "none";
  readonly policy?: string;
  readonly rule?: number;
  readonly name?: string;
  readonly verdict: "accept" | "reject" | "quarantine";
  /** Rules before the deciding one that matched and went on: `policy 3 (name)`. */
  readonly passed: readonly string[];
  /** Changed last by maintenance or graceful shutdown. */
  readonly overridden: boolean;
}

/** One attribute, or the next hop, that is another; undefined where it is missing. */
export interface AttributeChange {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface PolicyCandidate {
  readonly policies: readonly PolicySettings[];
  /** The peers' part; undefined leaves it as it is. */
  readonly settings: SpeakerSettings | undefined;
}

export interface PolicyTestOptions {
  /** Only this peer's routes, and those to it. */
  readonly peer?: string;
  readonly direction?: "in" | "out";
  /** Routes shown of each peer and direction. */
  readonly examples?: number;
}

export interface PolicyDifference {
  readonly change: "accepted" | "rejected" | "quarantined" | "changed";
  readonly family: string;
  readonly prefix: string;
  /** Whom the route comes from. */
  readonly from: string;
  readonly before: PolicyDecision | undefined;
  readonly after: PolicyDecision | undefined;
  readonly attributes: readonly AttributeChange[];
}

export interface PolicyTestPeer {
  readonly peer: string;
  /** in: routes from it; out: routes to it. */
  readonly direction: "in" | "out";
  readonly accepted: number;
  readonly rejected: number;
  readonly quarantined: number;
  readonly changed: number;
  readonly examples: readonly PolicyDifference[];
}

export interface PolicyTestReport {
  /** Destinations looked at. */
  readonly looked: number;
  /** False: it took too long and was ended. */
  readonly complete: boolean;
  /** Peers with a difference. */
  readonly peers: readonly PolicyTestPeer[];
  /** What the test cannot show: peers that would go, for example. */
  readonly notes: readonly string[];
}

export interface ExplainedPath {
  readonly peer: string;
  readonly best: boolean;
  /** Why it is, or is not; why it is held. */
  readonly reason: string;
  readonly import: PolicyDecision;
  readonly attributes: readonly AttributeChange[];
}

export interface ExplainedReceiver {
  readonly peer: string;
  readonly sent: boolean;
  /** Of what is in the way, for counting (`route-obstacle.ts`); absent when it was sent. */
  readonly code?: string;
  /** Why it has it, or has it not. */
  readonly reason: string;
  readonly export: PolicyDecision;
  readonly attributes: readonly AttributeChange[];
}

export interface ExplainedRoute {
  readonly family: string;
  readonly prefix: string;
  readonly paths: readonly ExplainedPath[];
  /** Live sessions, whom the best path may go to. */
  readonly receivers: readonly ExplainedReceiver[];
}

/** Routes that one session has been sent and another has not, for one reason. */
export interface LackReason {
  readonly code: string;
  readonly reason: string;
  readonly routes: number;
  /** Some of them. */
  readonly examples: readonly LackExample[];
}

export interface LackExample {
  readonly family: string;
  readonly prefix: string;
  /** Peer that the route came from. */
  readonly from: string;
}

/** Part of the table; reasons of several parts add up. */
export interface LackPage {
  readonly rows: readonly LackReason[];
  /** Destinations looked at. */
  readonly looked: number;
  /** Undefined at the end. */
  readonly next: string | undefined;
}

export interface RouteExplanation {
  readonly routes: readonly ExplainedRoute[];
  /** More routes fit than are shown. */
  readonly cut: boolean;
}
