/** Questions about policies: what there is and how often it matched, a trial of other ones, why a route is where it is. */
import { ControlError, type RouteQuery } from "./control.js";
import { PeerLacks } from "./peer-lacks.js";
import { PolicyTrial } from "./policy-trial.js";
import type {
  LackPage,
  PolicyCandidate,
  PolicyTestOptions,
  PolicyTestReport,
  PolicyView,
  RouteExplanation,
} from "./policy-view.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";
import { RouteExplainer } from "./route-explain.js";
import { canonicalPeerAddress, DynamicRanges } from "./session/index.js";
import type { PeerPolicy } from "./policy/rules/settings.js";
import type { SpeakerSettings } from "./settings.js";

/** Explanations under way at once. */
const EXPLAINERS_MAX = 4;

export class PolicyControl {
  private readonly reflector: Reflector;
  private readonly now: () => number;
  private testing = false;
  private explaining = 0;

  /** @param now monotonic milliseconds */
  constructor(reflector: Reflector, now: () => number) {
    this.reflector = reflector;
    this.now = now;
  }

  views(): PolicyView[] {
    const { engine } = this.reflector.policies;
    const peers = [...this.reflector.livePeers()].map(({ session }) => session);
    const users = (name: string, names: (policy: PeerPolicy) => readonly string[]): string[] =>
      peers
        .filter(({ options }) => names(options.policy).includes(name))
        .map(({ peerAddress }) => peerAddress);
    return engine.policies.map((policy) => {
      const hits = engine.hitsOf(policy);
      return {
        name: policy.name,
        rules: policy.rules.map(({ name, text, then }, index) => ({
          number: index + 1,
          name,
          text,
          then,
          hits: hits[index]!,
        })),
        importOf: users(policy.name, ({ importPolicies }) => importPolicies),
        exportOf: users(policy.name, ({ exportPolicies }) => exportPolicies),
      };
    });
  }

  /** One at a time: it walks the whole table. */
  test(candidate: PolicyCandidate, options: PolicyTestOptions): Promise<PolicyTestReport> {
    if (this.testing) {
      throw new ControlError("busy", "another policy test is under way; try again when it is done");
    }
    const { reflector } = this;
    const peer = options.peer === undefined ? undefined : canonical(options.peer);
    if (peer !== undefined && !this.livePeer(peer)) {
      throw new ControlError("not-found", `${peer} has no session; a test needs its routes`);
    }
    const policyOf = partOf(candidate.settings);
    return new Promise((resolve) => {
      this.testing = true;
      const trial = new PolicyTrial(
        {
          table: reflector.table,
          out: reflector.out,
          engine: reflector.policies.engine,
          identity: reflector.identity,
          livePeers: () => reflector.livePeers(),
          behindRules: (path, attr) => reflector.policies.behindRules(path, attr),
          now: this.now,
        },
        candidate,
        policyOf,
        { ...options, ...(peer !== undefined && { peer }) },
        (report) => {
          this.testing = false;
          resolve(report);
        },
      );
      reflector.later(trial);
    });
  }

  explain(query: RouteQuery): Promise<RouteExplanation> {
    if (this.explaining >= EXPLAINERS_MAX) {
      throw new ControlError("busy", "other explanations are under way; try again");
    }
    return new Promise((resolve) => {
      this.explaining++;
      const explainer = new RouteExplainer(this.reflector, query, (explanation) => {
        this.explaining--;
        resolve(explanation);
      });
      this.reflector.later(explainer);
    });
  }

  /** @param down what the peer is, where it has no session */
  lacks(
    peer: ReflectedPeer | undefined,
    other: ReflectedPeer,
    down: string,
    cursor: string | undefined,
  ): Promise<LackPage> {
    if (this.explaining >= EXPLAINERS_MAX) {
      throw new ControlError("busy", "other explanations are under way; try again");
    }
    const from = Number(cursor ?? 1);
    if (!/^[1-9]\d{0,9}$/.test(cursor ?? "1")) {
      throw new ControlError("invalid", "cursor is not from a page before; leave it out to begin");
    }
    return new Promise((resolve) => {
      this.explaining++;
      const job = new PeerLacks(this.reflector, peer, other, down, from, (page) => {
        this.explaining--;
        resolve(page);
      });
      this.reflector.later(job);
    });
  }

  private livePeer(address: string): boolean {
    return [...this.reflector.livePeers()].some(({ session }) => session.peerAddress === address);
  }
}

/** A live peer's part of the candidate's settings; its own where there are none. */
export function partOf(
  settings: SpeakerSettings | undefined,
): (peer: ReflectedPeer) => PeerPolicy | undefined {
  if (settings === undefined) return ({ session }) => session.options.policy;
  const configured = new Map(
    settings.peers.map((peer) => [canonicalPeerAddress(peer.address), peer] as const),
  );
  const ranges = new DynamicRanges(settings.dynamic);
  return ({ session: { peerAddress } }) =>
    (configured.get(peerAddress) ?? ranges.find(peerAddress))?.policy;
}

function canonical(address: string): string {
  try {
    return canonicalPeerAddress(address);
  } catch {
    throw new ControlError("invalid", `"${address}" is no IP address; peers go by theirs`);
  }
}
