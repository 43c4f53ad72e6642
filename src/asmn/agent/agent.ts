/**
 * The agent's life: one Sec-EM after the other until one answers, a step at the start and then as often as it
 * says, waits that grow while nobody does. What hangs on trust is told by `onTrust`: only a step that both
 * sides know gives it, and only the word of a Sec-EM takes it away that knows this instance: that none can be
 * reached does not, nor that another one has never heard of it, because then the gates decide.
 */
import { BackOff } from "../../util/back-off.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { formatPlace } from "./place.js";
import type { Log } from "../../util/log.js";
import { systemRandom, SUITES } from "../crypto/index.js";
import type { SigningKey } from "../crypto/index.js";
import type { TlsIdentity } from "../link/index.js";
import type { Result } from "../protocol/agent-messages.js";
import type { AgentPorts } from "../protocol/agent-ports.js";
import { KeyRing } from "../protocol/key-certificate.js";
import type { Token } from "../protocol/token.js";
import type { Fault, Reason, TrustState } from "../protocol/words.js";
import type { AsmnEndpoint } from "../settings.js";
import { fromHex } from "../../util/bytes.js";
import type { CatalogBox } from "./catalog-box.js";
import type { ChainStore } from "./chain-store.js";
import type { PeerQuery, PeerVerdict } from "./inquiry.js";
import type { AgentMeasurement, Measuring } from "./measuring.js";
import { RETRIES } from "./retries.js";
import { provide } from "./root-document.js";
import { SecEmSession } from "./session.js";
import type { AgentSettings } from "./settings.js";
import { TokenDesk } from "./token-desk.js";

/** What is known of this instance's trust. */
export interface TrustReport {
  readonly state: TrustState;
  readonly reason: string;
  readonly sentence: string;
}

/** Who we are by the last step, once it gave trust. */
export interface OwnTrust {
  readonly id: Uint8Array;
}

export interface AgentEvents {
  /** A step that gave trust, or its end. */
  onTrust(own: OwnTrust | undefined): void;
  onMd5Key(key: string): void;
  onReport(report: TrustReport): void;
  /** Something of the status has changed. */
  onChange(): void;
  /**
   * A round over all Sec-EMs has ended: with a step that is known to both, a refusal, or nobody there; or
   * nobody was asked, because nothing could be measured.
   */
  onRound(outcome: RoundOutcome, report: TrustReport): void;
}

export type RoundOutcome = "proven" | "refused" | "unreachable" | "unmeasured";

export interface AgentParts {
  readonly settings: AgentSettings;
  readonly key: SigningKey;
  readonly tls: TlsIdentity;
  readonly chain: ChainStore;
  readonly catalog: CatalogBox;
  readonly measuring: Measuring;
  /** The token's text, read anew before each connection; undefined: there is none. */
  readonly readToken: () => string | undefined;
  readonly dropToken: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: AgentEvents;
}

/** Refusals after which the Sec-EM certainly does not trust us. */
const LOST: ReadonlySet<Reason> = new Set<Reason>([
  ...(["clone", "out-of-sync", "two-keys", "revoked", "stopped", "wrong-key", "unknown"] as const),
  ...(["image", "manifest", "removed"] as const),
]);
/** Of a token: the chain that was there before goes on. */
const TOKEN_FAULTS: ReadonlySet<Reason> = new Set<Reason>([
  ...(["token-used", "token-expired", "unknown", "wrong-key", "image"] as const),
]);
/** What a Sec-EM says that has no record of this instance: nothing about it. */
const STRANGE: ReadonlySet<Reason> = new Set<Reason>(["unknown", "wrong-key"]);
const PROGRESS_MS = 2000;
/** How often it is looked whether a token has come. */
const TOKEN_MS = 1000;
const STALE: ReadonlySet<Reason> = new Set<Reason>(["out-of-sync"]);

export class Agent {
  private readonly parts: AgentParts;
  private readonly ring: KeyRing;
  private readonly backOff = new BackOff(RETRIES);
  private readonly tokens: TokenDesk;
  private session: SecEmSession | undefined;
  private endpoint: AsmnEndpoint | undefined;
  /** Its place in the settings. */
  private at = 0;
  private turn = 0;
  /** Key of the Sec-EM whose step gave trust last. */
  private knower: string | undefined;
  private timer: TimerHandle | undefined;
  private renewal: TimerHandle | undefined;
  private stopped = false;
  /** Ends what is being measured. */
  private readonly ending = new AbortController();
  private refusal: Fault | undefined;
  private own: OwnTrust | undefined;
  private id: Uint8Array | undefined;
  provenAt: number | undefined;
  renewSeconds: number | undefined;
  report: TrustReport = { state: "unknown", reason: "", sentence: "nothing has been proven yet" };

  constructor(parts: AgentParts) {
    this.parts = parts;
    const { settings, chain, clock } = parts;
    const roots = settings.rootKeys.map((key) => fromHex(key) ?? new Uint8Array(0));
    this.ring = new KeyRing(roots, () => clock.wall(), chain.floors);
    const { readToken: read, log } = parts;
    this.tokens = new TokenDesk({ read, secEms: settings.secEms.length, log });
  }

  start(): void {
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.ending.abort();
    this.timer?.cancel();
    this.renewal?.cancel();
    this.session?.destroy();
  }

  /** A proof now, whatever the interval says. */
  renewNow(): void {
    this.session?.renew();
  }

  /** Where it is connected. */
  get secEm(): string | undefined {
    return this.session === undefined ? undefined : this.endpoint && formatPlace(this.endpoint);
  }

  ask(query: PeerQuery): Promise<PeerVerdict | undefined> {
    return this.session?.ask(query) ?? Promise.resolve(undefined);
  }

  /** Undefined: nobody is there who could tell, so it counts as lost at once. */
  watch(id: Uint8Array, lost: (why: string) => void): (() => void) | undefined {
    return this.session?.watch(id, lost);
  }

  private async connect(): Promise<void> {
    if (this.stopped) return;
    const token = this.choose();
    const endpoint = this.parts.settings.secEms[this.at];
    if (endpoint === undefined) return;
    if (token === undefined && this.parts.chain.state.chain === undefined)
      return this.waitForToken();
    this.turn = this.at + 1;
    this.refusal = undefined;
    try {
      // Before the connection: the Sec-EM's challenge has a window.
      await this.measure();
    } catch (error) {
      return this.unmeasured((error as Error).message);
    }
    try {
      const session = await this.open(endpoint, token);
      if (this.isStopped()) return session.destroy();
      this.session = session;
      this.endpoint = endpoint;
      this.parts.events.onChange();
    } catch (error) {
      if (this.isStopped()) return;
      const why = (error as Error).message;
      this.parts.log.warn({}, `no Sec-EM at ${formatPlace(endpoint)}: ${why}`);
      this.unreachable(`no Sec-EM at ${formatPlace(endpoint)}: ${why}`);
    }
  }

  /** The next Sec-EM in turn; without a chain the next one that may have issued the token. */
  private choose(): Token | undefined {
    const { settings, chain } = this.parts;
    const count = settings.secEms.length;
    this.at = this.turn % count;
    const token = this.tokens.usable(this.at);
    if (token !== undefined || chain.state.chain !== undefined) return token;
    for (let more = 1; more < count; more++) {
      const at = (this.turn + more) % count;
      const other = this.tokens.usable(at);
      if (other === undefined) continue;
      this.at = at;
      return other;
    }
    return undefined;
  }

  private open(endpoint: AsmnEndpoint, token: Token | undefined): Promise<SecEmSession> {
    const { settings, log, clock, key, tls, chain } = this.parts;
    const enrols = token !== undefined && chain.isNew(token.id);
    const { tenant, vnf, instance } = settings;
    return SecEmSession.open({
      endpoint,
      identity: {
        names: { tenant, vnf, instance },
        key,
        suites: SUITES,
        token: enrols ? token : undefined,
        secEm: undefined,
      },
      tls,
      state: enrols ? chain.beginning : chain.state,
      ring: this.ring,
      ports: this.ports(enrols ? token : undefined, () => this.session),
      clock,
      log,
      events: {
        result: (_result, id, md5Key) => {
          this.id = id;
          if (md5Key !== undefined)
            this.parts.events.onMd5Key(Buffer.from(md5Key).toString("latin1"));
        },
        done: (result, secEm) => this.done(result, token, secEm),
        refused: (fault, by, secEm) => this.refused(fault, by, secEm, enrols ? token : undefined),
        notice: (noticed, fault) => this.lost({ state: noticed, ...fault }),
        closed: () => this.closed(),
      },
    });
  }

  /** A large image takes seconds: how far it is goes to the log. */
  private measure(): Promise<AgentMeasurement> {
    const { measuring, clock, log } = this.parts;
    let told = clock.now();
    return measuring.measure({
      signal: this.ending.signal,
      progress: (done, total) => {
        if (clock.now() - told < PROGRESS_MS) return;
        told = clock.now();
        log.info({ octets: done, of: total }, "measuring the image");
      },
    });
  }

  /** Another view of the field: it changes while a connection is being made. */
  private isStopped(): boolean {
    return this.stopped;
  }

  private ports(token: Token | undefined, session: () => SecEmSession | undefined): AgentPorts {
    const { chain, catalog, settings, key, measuring } = this.parts;
    const { tenant, vnf, instance } = settings;
    return {
      random: systemRandom,
      store: (state) => {
        chain.store(state, token?.id, this.ring.floors());
        return Promise.resolve();
      },
      measure: async () => {
        const { image, manifest, allowed } = await this.measure();
        this.parts.events.onChange();
        return { image: new Uint8Array(image.digest), manifest, allowed };
      },
      prove: (challenge) =>
        provide(settings.root, {
          ...{ tenant, vnf, instance, challenge, instanceKey: key.publicKey },
          image: new Uint8Array(measuring.last?.image.digest ?? []),
        }),
      catalog: () => catalog.named,
      takeCatalog: (part) => Promise.resolve(catalog.take(part, this.ring, session()?.name ?? "")),
    };
  }

  private waitForToken(): void {
    const sentence = "this instance has not enrolled and has no token: ask the VIM for one";
    if (this.report.reason !== "unknown") this.parts.log.warn({}, sentence);
    this.tell({ state: "unknown", reason: "unknown", sentence });
    this.parts.events.onRound("refused", this.report);
    this.timer = this.parts.clock.setTimer(TOKEN_MS, () => void this.connect());
  }

  private done(result: Result, token: Token | undefined, secEm: string): void {
    const { clock, log, settings, catalog, events } = this.parts;
    this.backOff.reset();
    // The one that answered is the first to be tried again.
    this.turn = this.at;
    // Another one may have been put there meanwhile: that one is not spent.
    if (token !== undefined && !this.tokens.isNew) this.parts.dropToken();
    catalog.verifyKept(this.ring, this.session?.name ?? "");
    const { state, reason, sentence } = result;
    const seconds = Math.min(result.renewSeconds, settings.renewalSeconds ?? result.renewSeconds);
    this.renewSeconds = Math.max(1, seconds);
    this.scheduleRenewal();
    if (state !== "trusted" || this.id === undefined) {
      log.warn({ reason }, `not trusted: ${sentence}`);
      this.lost({ state, reason, sentence });
    } else {
      if (this.report.state !== "trusted") log.info({}, "trusted");
      this.provenAt = clock.wall();
      this.own = { id: this.id };
      this.knower = secEm;
      this.tell({ state, reason: "", sentence: "both sides know the last proof" });
      events.onTrust(this.own);
    }
    events.onRound("proven", this.report);
  }

  private scheduleRenewal(): void {
    this.renewal?.cancel();
    // A tenth early, and not all agents at once.
    const wait = (this.renewSeconds ?? 60) * 1000 * (0.85 + 0.1 * Math.random());
    this.renewal = this.parts.clock.setTimer(wait, () => {
      void this.parts.measuring.recheck(this.ending.signal);
      this.session?.renew();
    });
  }

  private refused(
    fault: Fault,
    by: "agent" | "sec-em",
    secEm: string,
    token: Token | undefined,
  ): void {
    const { log, chain } = this.parts;
    const { reason, sentence } = fault;
    log.warn({ reason }, by === "sec-em" ? `the Sec-EM refused: ${sentence}` : sentence);
    if (token !== undefined && by === "sec-em" && TOKEN_FAULTS.has(reason)) {
      if (reason === "unknown") this.tokens.unknownAt(this.at);
      else this.tokens.refuse();
      // The chain from before the token may still be good: with it the next attempt is made.
      if (chain.state.chain !== undefined) return;
    }
    this.refusal = fault;
    if (!LOST.has(reason)) {
      if (this.own === undefined) this.tell({ state: "unknown", reason, sentence });
      // What was proved counts on for a while; that no more is proved is to be seen.
      else if (by === "agent") this.tell({ ...this.report, sentence });
      return;
    }
    if (STRANGE.has(reason) && this.own !== undefined && secEm !== this.knower) {
      const words = `the one that does know this instance is out of reach, another says: ${sentence}`;
      log.warn({}, words);
      this.tell({ ...this.report, sentence: words });
      return;
    }
    const state = STALE.has(reason) ? "stale" : isUnknown(reason) ? "unknown" : "untrusted";
    this.lost({ state, reason, sentence });
  }

  private lost(report: TrustReport): void {
    this.own = undefined;
    this.tell(report);
    this.parts.events.onTrust(undefined);
  }

  private closed(): void {
    if (this.session === undefined) return;
    this.session = undefined;
    this.renewal?.cancel();
    if (this.stopped) return;
    const { events } = this.parts;
    events.onChange();
    const { refusal } = this;
    if (refusal === undefined) this.parts.log.info({}, "the connection to the Sec-EM ended");
    // Where one has never heard of this instance, or of its token, the others may have.
    else if (!STRANGE.has(refusal.reason) || this.isLast()) events.onRound("refused", this.report);
    this.again();
  }

  /** Whether all Sec-EMs have had their turn. */
  private isLast(): boolean {
    return this.turn % this.parts.settings.secEms.length === 0;
  }

  /** Something of this machine is wrong: no Sec-EM is asked, and none has said anything. */
  private unmeasured(sentence: string): void {
    if (this.isStopped()) return;
    const { events, log } = this.parts;
    log.warn({}, `nothing can be proven: ${sentence}`);
    // Another turn is not what it takes.
    this.turn = this.at;
    if (this.own === undefined) this.tell({ state: "unknown", reason: "unmeasured", sentence });
    events.onRound("unmeasured", this.report);
    this.again();
  }

  private unreachable(sentence: string): void {
    const { events } = this.parts;
    if (this.own === undefined) this.tell({ state: "unknown", reason: "unreachable", sentence });
    if (this.isLast()) events.onRound("unreachable", this.report);
    this.again();
  }

  /** After a wait that grows; a new token ends it, because somebody has acted. */
  private again(): void {
    if (this.stopped) return;
    const { clock } = this.parts;
    const until = clock.now() + this.backOff.next();
    const look = (): void => {
      const left = until - clock.now();
      if (left <= 0 || this.tokens.isNew) return void this.connect();
      this.timer = clock.setTimer(Math.min(left, TOKEN_MS), look);
    };
    this.timer?.cancel();
    this.timer = clock.setTimer(Math.min(until - clock.now(), TOKEN_MS), look);
  }

  private tell(report: TrustReport): void {
    this.report = report;
    this.parts.events.onReport(report);
  }
}

function isUnknown(reason: Reason): boolean {
  return reason === "unknown" || reason === "wrong-key" || reason === "removed";
}
