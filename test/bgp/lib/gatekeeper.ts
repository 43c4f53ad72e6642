/** A gate in a test's hand, and the speaker's side of trust joined to a reflector without sockets. */
import { PeerTrust } from "../../../src/bgp/trust/peer-trust.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import type {
  TrustAnswer,
  TrustApplied,
  TrustBinding,
  TrustFacts,
  TrustGate,
  TrustLimits,
  TrustRequirement,
  TrustSink,
  TrustState,
} from "../../../src/contract.js";
import { silentLog } from "../../../src/util/log.js";
import type { Speaker } from "./speaker.js";

export const NO_LIMITS: TrustLimits = { sessions: 0, updatesPerSecond: 0, prefixes: 0 };
export const MARK = (64_999 << 16) | 1;

export const required = (over: Partial<TrustRequirement> = {}): TrustRequirement => ({
  tenant: "t",
  vnf: undefined,
  effect: "hold",
  dryRun: false,
  ...over,
});

export class Gatekeeper implements TrustGate {
  readonly states = new Map<string, TrustState>();
  readonly keys = new Map<string, string>();
  /** Identities of those that come through their proxy, by address. */
  readonly instances = new Map<string, string>();
  binding: TrustBinding = "address";
  readonly applied: TrustApplied[] = [];
  readonly asked: TrustFacts[] = [];
  limits: TrustLimits = NO_LIMITS;
  /** What else stands in the way, by the peer's facts. */
  objects: (facts: TrustFacts) => string | undefined = () => undefined;
  private revision = 0;
  private readonly sinks = new Set<TrustSink>();

  admit(facts: TrustFacts): TrustAnswer {
    this.asked.push(facts);
    const { address, required: wanted } = facts;
    const objection = this.objects(facts);
    const known = this.states.get(address) ?? "unknown";
    const state = objection === undefined ? known : "untrusted";
    const clean = state === "trusted";
    return {
      revision: this.revision,
      state,
      reason: objection ?? `it is ${state}`,
      effect: clean || wanted.dryRun ? "admit" : wanted.effect,
      spared: !clean && wanted.dryRun ? wanted.effect : undefined,
      until: undefined,
      subject: "t/v/1",
      vnf: "t/v",
      binding: this.binding,
      limits: this.limits,
      community: MARK,
    };
  }

  /** All there is is of one tenant. */
  keyFor(address: string, { tenant }: TrustRequirement): string | undefined {
    return tenant === "t" ? this.keys.get(address) : undefined;
  }

  instanceAt(address: string): string | undefined {
    return this.instances.get(address);
  }

  subscribe(sink: TrustSink): () => void {
    this.sinks.add(sink);
    sink([{ kind: "reset" }, { kind: "sync" }]);
    return () => this.sinks.delete(sink);
  }

  gateApplied(applied: TrustApplied): void {
    this.applied.push(applied);
  }

  /** @param whole told with the end of everything there is to tell, as when a feed is back */
  set(address: string, state: TrustState, whole = false): void {
    this.states.set(address, state);
    const item = {
      key: address,
      revision: ++this.revision,
      state,
      reason: "",
      since: 0,
      subject: "t/v/1",
      grace: false,
    };
    const end = whole ? [{ kind: "sync" } as const] : [];
    for (const sink of this.sinks) sink([{ kind: "item", item }, ...end]);
  }
}

export interface Guarded {
  readonly gate: Gatekeeper;
  readonly trust: PeerTrust;
  /** Addresses that were to be connected to. */
  readonly calls: string[];
  readonly rekeyed: (readonly [string, string | undefined])[];
  /** Addresses whose key the kernel does not take. */
  readonly unfit: Set<string>;
  /** Addresses that are waited for, and why. */
  readonly waits: Map<string, string>;
}

/** @param options of peers without a session, by address */
export function guard(
  { reflector, clock }: Speaker,
  options: (address: string) => PeerOptions | undefined = () => undefined,
): Guarded {
  const gate = new Gatekeeper();
  const calls: string[] = [];
  const rekeyed: (readonly [string, string | undefined])[] = [];
  const unfit = new Set<string>();
  const waits = new Map<string, string>();
  const trust = new PeerTrust(
    {
      sources: reflector.sources,
      livePeers: () => reflector.livePeers(),
      regrip: (peer, grip, done) => reflector.regrip(peer, grip, done),
      retains: (address) => reflector.retains(address),
      abandon: (address, why) => reflector.abandon(address, why),
      optionsFor: (address) => {
        for (const { session } of reflector.livePeers()) {
          if (session.peerAddress === address) return session.options;
        }
        return options(address);
      },
      connect: (address) => calls.push(address),
      waitsFor: (address) => waits.get(address),
      hasPeer: (address) => options(address) === undefined,
      rekey: (changed) => {
        rekeyed.push(...changed);
        return unfit;
      },
    },
    clock,
    silentLog,
  );
  reflector.trust = trust;
  trust.attach(gate);
  return { gate, trust, calls, rekeyed, unfit, waits };
}
