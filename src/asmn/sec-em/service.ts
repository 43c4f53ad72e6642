/** The Sec-EM in this thread: its parts, its ports, and the answers to everything `SecEmControl` asks. */
import type { MessagePort } from "node:worker_threads";
import { toHex } from "../../util/bytes.js";
import { LogRate } from "../../util/log-rate.js";
import { tlsIdentity } from "../link/index.js";
import { ALPN } from "../protocol/index.js";
import type { AsmnEndpoint, AsmnTpmKey, SecEmSettings } from "../settings.js";
import { Asks } from "./asks.js";
import { Catalogs } from "./catalogs.js";
import { SecEmError } from "./control.js";
import type {
  Actor,
  AuditCheck,
  AuditRow,
  BreakGlassRequest,
  BreakGlassRow,
  CatalogRow,
  ImageRequest,
  ImageRow,
  InstanceName,
  InstancePage,
  InstanceQuery,
  IssuedToken,
  KeyRow,
  Scope,
  ScopeResult,
  SecEm,
  SecEmStatus,
  TokenRequest,
  TokenRow,
  TpmKeyRow,
  TrustState,
  VerifyResult,
  VnfDescriptor,
  VnfName,
  VnfRow,
} from "./control.js";
import { Core, type CoreParts } from "./core.js";
import { AgentConnection } from "./door/agent-connection.js";
import { DoorLimits } from "./door/limits.js";
import { Door } from "./door/listener.js";
import { readOverPort, readOverTls } from "./feed/pipes.js";
import { checkScope } from "./names.js";
import { Operator } from "./operator.js";
import { Proofs } from "./proofs.js";
import { RootDesk } from "./root-desk.js";
import { instancePage } from "./rows.js";
import { Steps } from "./steps.js";
import { TpmBook } from "./tpm-book.js";
import { Watch } from "./watch.js";

const MOST_AUDIT_ROWS = 1000;

export class SecEmService implements SecEm {
  readonly core: Core;
  private readonly limits: DoorLimits;
  private readonly rate: LogRate;
  private readonly steps: Steps;
  private readonly asks: Asks;
  private readonly watch: Watch;
  private readonly operator: Operator;
  private readonly roots: RootDesk;
  private readonly ports = new Set<() => void>();
  private agentDoors: Door[] = [];
  private feedDoors: Door[] = [];

  private constructor(core: Core) {
    this.core = core;
    const { clock, settings } = core;
    this.limits = new DoorLimits(clock, settings.limits);
    this.rate = new LogRate(clock);
    const proofs = new Proofs(clock);
    this.asks = new Asks(core, proofs);
    this.watch = new Watch(core, () => this.asks.beat());
    this.steps = new Steps(core, {
      stepped: (identity) => {
        proofs.stepped(identity);
        this.watch.stepped(identity);
      },
    });
    this.operator = new Operator(core, proofs, this.watch);
    this.roots = new RootDesk(core, this.watch);
  }

  /** Opens directory and ports; rejects with an error that says what to do. */
  static async start(parts: CoreParts): Promise<SecEmService> {
    const service = new SecEmService(await Core.open(parts));
    try {
      const { listen, feedListen } = parts.settings;
      for (const one of listen) service.agentDoors.push(await service.openAgents(one));
      for (const one of feedListen) service.feedDoors.push(await service.openFeed(one));
    } catch (error) {
      await service.stop();
      throw error;
    }
    service.watch.start();
    service.core.auditor.after("sec-em", "start", settingsText(parts.settings), "");
    return service;
  }

  /** Rejects, with everything as before, when a port cannot be opened or a catalog's line is wrong. */
  async configure(settings: SecEmSettings): Promise<void> {
    const { core } = this;
    const { name, stateDirectory, rootKeyFile } = core.settings;
    if (
      settings.name !== name ||
      settings.stateDirectory !== stateDirectory ||
      settings.rootKeyFile !== rootKeyFile
    ) {
      throw new SecEmError(
        "invalid",
        "name, state directory and root key of a Sec-EM are those of its start; restart it",
      );
    }
    TpmBook.checkAll(settings.tpmKeys);
    const fresh: Door[] = [];
    try {
      const agents = await this.doorsFor(settings.listen, this.agentDoors, fresh, (one) =>
        this.openAgents(one),
      );
      const feeds = await this.doorsFor(settings.feedListen, this.feedDoors, fresh, (one) =>
        this.openFeed(one),
      );
      const changed = await core.registry.configure(settings.tenants);
      const gone = [...this.agentDoors, ...this.feedDoors].filter(
        (one) => !agents.includes(one) && !feeds.includes(one),
      );
      this.agentDoors = agents;
      this.feedDoors = feeds;
      core.tpm.configure(settings.tpmKeys);
      const before = core.settings;
      core.settings = settings;
      this.roots.configured(before, settings);
      this.limits.configure(settings.limits);
      for (const door of gone) await door.close();
      for (const catalog of changed) this.operator.catalogIs(catalog);
    } catch (error) {
      for (const door of fresh) await door.close();
      throw error;
    }
    this.endUnwantedReaders();
    core.auditor.after("sec-em", "configure", settingsText(settings), "");
  }

  subscribe(port: MessagePort): void {
    const end = readOverPort(this.core, port);
    this.ports.add(end);
    port.once("close", () => this.ports.delete(end));
  }

  rootKey(): string {
    return toHex(this.core.keys.root.publicKey);
  }

  // `async`: what is wrong with a question rejects, and does not throw.
  async status(): Promise<SecEmStatus> {
    const { core } = this;
    const instances: Record<TrustState, number> = {
      trusted: 0,
      untrusted: 0,
      unknown: 0,
      stale: 0,
    };
    for (const record of core.book.each()) instances[core.desk.standing(record).state]++;
    return Promise.resolve({
      name: core.settings.name,
      epoch: core.epoch,
      revocation: core.revocations.current,
      rootKey: this.rootKey(),
      transportKey: toHex(core.keys.current("transport").publicKey),
      listening: this.agentDoors.map(boundOf),
      feedListening: this.feedDoors.map(boundOf),
      instances,
      feeds: core.hub.rows,
      counters: {
        ...core.counters,
        verdicts: core.desk.count,
        storageFaults: core.records.faults,
      },
      alarms: this.alarms(),
      refusals: core.auditor.refusals.rows(),
    });
  }

  async vnfs(tenant?: string): Promise<readonly VnfRow[]> {
    const { registry } = this.core;
    const names = tenant === undefined ? registry.names : [registry.tenant(tenant).name];
    return Promise.resolve(
      names.flatMap((name) =>
        registry
          .of(name)
          .map(({ descriptor }) => this.operator.vnfRow({ tenant: name, vnf: descriptor.name })),
      ),
    );
  }

  async catalogs(tenant?: string): Promise<readonly CatalogRow[]> {
    const { registry, catalogs } = this.core;
    if (tenant !== undefined) registry.tenant(tenant);
    const found = catalogs.all().filter((one) => tenant === undefined || one.tenant === tenant);
    return Promise.resolve(found.map((one) => Catalogs.row(one)));
  }

  async images(name: VnfName): Promise<readonly ImageRow[]> {
    this.core.registry.known(name);
    return Promise.resolve(this.core.images.of(name));
  }

  async tpmKeys(): Promise<readonly TpmKeyRow[]> {
    return Promise.resolve(this.core.tpm.rows());
  }

  async tokens(scope?: Scope): Promise<readonly TokenRow[]> {
    const { tokens, book } = this.core;
    if (scope !== undefined) checkScope(scope);
    const used = (identity: string): boolean => book.get(identity)?.chain.instanceKey !== undefined;
    return Promise.resolve(tokens.list(scope, used));
  }

  async instances(query: InstanceQuery): Promise<InstancePage> {
    return Promise.resolve(instancePage(this.core, query));
  }

  async keys(): Promise<readonly KeyRow[]> {
    return Promise.resolve(this.core.keys.rows());
  }

  async breakGlass(): Promise<readonly BreakGlassRow[]> {
    return Promise.resolve(this.core.glass.rows());
  }

  async audit(after: number, limit = MOST_AUDIT_ROWS): Promise<readonly AuditRow[]> {
    const most = Math.max(1, Math.min(MOST_AUDIT_ROWS, Math.trunc(limit)));
    const entries = await this.core.auditor.log.entries(Math.max(0, after), most);
    return entries.map(({ sequence, time, actor, action, subject, detail, digest }) => ({
      ...{ sequence, time, actor, action, subject, detail, digest },
    }));
  }

  async verifyAudit(): Promise<AuditCheck> {
    const { whole, entries, first, last, heads, signedTo, problem } =
      await this.core.auditor.log.check();
    return { whole, entries, first, last, heads, signedTo, problem };
  }

  registerVnf = (request: VnfDescriptor, actor: Actor): Promise<VnfRow> =>
    this.roots.registering(request, () => this.operator.registerVnf(request, actor));
  removeVnf = (name: VnfName, actor: Actor): Promise<void> => this.operator.removeVnf(name, actor);
  setCatalog: SecEm["setCatalog"] = (tenant, entries, actor) =>
    this.operator.setCatalog(tenant, entries, actor);
  registerImage = (image: ImageRequest, actor: Actor): Promise<ImageRow> =>
    this.operator.registerImage(image, actor);
  withdrawImage = (name: VnfName, digest: string, actor: Actor): Promise<void> =>
    this.operator.withdrawImage(name, digest, actor);
  registerTpmKey = (key: AsmnTpmKey, actor: Actor): Promise<TpmKeyRow> =>
    this.roots.register(key, actor);
  removeTpmKey = (name: string, actor: Actor): Promise<void> => this.roots.remove(name, actor);
  issueToken = (token: TokenRequest, actor: Actor): Promise<IssuedToken> =>
    this.operator.issueToken(token, actor);
  withdrawToken = (id: string, actor: Actor): Promise<void> =>
    this.operator.withdrawToken(id, actor);
  verify = (name: InstanceName, actor: Actor): Promise<VerifyResult> =>
    this.operator.verify(name, actor);
  revoke = (scope: Scope, reason: string, actor: Actor): Promise<ScopeResult> =>
    this.operator.revoke(scope, reason, actor);
  restore = (scope: Scope, reason: string, actor: Actor): Promise<ScopeResult> =>
    this.operator.restore(scope, reason, actor);
  removeInstance = (name: InstanceName, actor: Actor): Promise<void> =>
    this.operator.removeInstance(name, actor);
  rotateKeys = (withdraw: boolean, actor: Actor): Promise<readonly KeyRow[]> =>
    this.operator.rotateKeys(withdraw, actor);
  openBreakGlass = (request: BreakGlassRequest, actor: Actor): Promise<BreakGlassRow> =>
    this.operator.openBreakGlass(request, actor);
  endBreakGlass = (id: string, actor: Actor): Promise<void> =>
    this.operator.endBreakGlass(id, actor);

  async takeOver(above: number, actor: Actor): Promise<SecEmStatus> {
    await this.operator.takeOver(above, actor);
    return this.status();
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    this.watch.stop();
    for (const door of [...this.agentDoors, ...this.feedDoors]) await door.close();
    for (const end of this.ports) end();
    this.agentDoors = [];
    this.feedDoors = [];
    await this.core.close();
  }

  /** For tests: what the clock would do. */
  tick(): Promise<void> {
    return this.watch.tick();
  }

  private openAgents(endpoint: AsmnEndpoint): Promise<Door> {
    const { core, steps, asks, limits } = this;
    return this.openDoor(endpoint, ALPN.agent, (peer, address) => {
      new AgentConnection({ core, steps, asks, limits }, peer, address);
    });
  }

  private openFeed(endpoint: AsmnEndpoint): Promise<Door> {
    return this.openDoor(endpoint, ALPN.feed, (peer, address) =>
      readOverTls(this.core, peer, address),
    );
  }

  private openDoor(
    endpoint: AsmnEndpoint,
    alpn: string,
    onPeer: Parameters<typeof Door.open>[1]["onPeer"],
  ): Promise<Door> {
    const { keys, settings, counters, log, auditor, clock } = this.core;
    const onRefused = (address: string, why: string): void =>
      auditor.refusals.note(address, "", why, clock.wall());
    const identity = tlsIdentity(keys.current("transport"), settings.name);
    const { limits, rate } = this;
    return Door.open(endpoint, { alpn, identity, limits, counters, rate, log, onPeer, onRefused });
  }

  private async doorsFor(
    wanted: readonly AsmnEndpoint[],
    known: readonly Door[],
    fresh: Door[],
    open: (endpoint: AsmnEndpoint) => Promise<Door>,
  ): Promise<Door[]> {
    const doors: Door[] = [];
    for (const one of wanted) {
      const same = known.find(({ endpoint }) => isSame(endpoint, one));
      const door = same ?? (await open(one));
      if (same === undefined) fresh.push(door);
      doors.push(door);
    }
    return doors;
  }

  private endUnwantedReaders(): void {
    const { feeds, audience } = this.core.settings;
    this.core.hub.endAll(({ key, name, reader, audience: own, tenants }) => {
      if (own !== audience) return true;
      if (key === undefined) return false;
      const known = feeds.find((one) => one.publicKey === key && one.role === reader);
      return known?.name !== name || JSON.stringify(known.tenants) !== JSON.stringify(tenants);
    });
  }

  private alarms(): readonly string[] {
    const { store, auditor, records, book, glass, reserve } = this.core;
    const alarms: string[] = [];
    const { problem } = store.status();
    if (problem !== undefined)
      alarms.push(`nothing can be stored, so no step is taken: ${problem}`);
    else if (records.problem !== undefined)
      alarms.push(`the last write failed: ${records.problem}`);
    if (auditor.log.problem !== undefined) alarms.push(auditor.log.problem);
    if (book.unwrittenCount > 0) {
      const where = book.isReserved
        ? "in the reserve file alone: free disk space"
        : "not on the disk yet";
      alarms.push(`${book.unwrittenCount} changes of trust are in force and ${where}`);
    }
    if (reserve.problem !== undefined) alarms.push(reserve.problem);
    for (const { name, ends, state } of glass.rows()) {
      if (state !== "open") continue;
      alarms.push(`break-glass by ${name} is open until ${new Date(ends).toISOString()}`);
    }
    return alarms;
  }
}

function isSame(a: AsmnEndpoint, b: AsmnEndpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

function boundOf(door: Door): AsmnEndpoint {
  return { address: door.endpoint.address, port: door.port };
}

function settingsText({ name, tenants }: SecEmSettings): string {
  return `${name} with ${tenants.length} tenants`;
}
