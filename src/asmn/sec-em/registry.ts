/**
 * Tenants and the descriptors of their VNFs (ASM-01, ASM-32): those of the configuration, which only the file
 * changes, and those a VNFM has registered, which are kept in the store. Each change makes new catalogs.
 */
import { parseAllowedChange } from "../measure/index.js";
import type { AsmnCatalogEntry, AsmnTenantSettings, AsmnVnfSettings } from "../settings.js";
import { Catalogs, type CatalogSource, type IssuedCatalog } from "./catalogs.js";
import { SecEmError, type VnfDescriptor, type VnfName } from "./control.js";
import { checkBgp, checkName, invalid } from "./names.js";
import type { Records } from "./records.js";

export interface KnownVnf {
  readonly descriptor: AsmnVnfSettings;
  readonly source: "configuration" | "api";
}

interface KeptVnf {
  readonly descriptor: AsmnVnfSettings;
  readonly catalog: readonly AsmnCatalogEntry[];
}

interface KeptTenant {
  /** Of VNFs that the API has registered. */
  readonly vnfs: ReadonlyMap<string, KeptVnf>;
  /** Lines of `setCatalog`. */
  readonly lines: readonly AsmnCatalogEntry[];
}

/** Of one tenant, through the API. */
const MOST_VNFS = 1000;
const MOST_LINES = 8192;
const EMPTY: KeptTenant = { vnfs: new Map(), lines: [] };

export class Registry {
  private readonly records: Records;
  private readonly catalogs: Catalogs;
  private readonly kept = new Map<string, KeptTenant>();
  private tenants: readonly AsmnTenantSettings[];

  constructor(records: Records, catalogs: Catalogs, tenants: readonly AsmnTenantSettings[]) {
    this.records = records;
    this.catalogs = catalogs;
    this.tenants = tenants;
  }

  /** Rejects with `SecEmError`, when a line is wrong or the disk takes no new version. */
  async load(): Promise<void> {
    for (const { key, value } of await this.records.all("vnf/")) {
      const [, tenant = "", vnf = ""] = key.split("/");
      const { vnfs, lines } = this.keptOf(tenant);
      this.kept.set(tenant, {
        vnfs: new Map([...vnfs, [vnf, value as unknown as KeptVnf]]),
        lines,
      });
    }
    for (const { key, value } of await this.records.all("lines/")) {
      const [, tenant = ""] = key.split("/");
      const { vnfs } = this.keptOf(tenant);
      this.kept.set(tenant, { vnfs, lines: (value as { lines: AsmnCatalogEntry[] }).lines });
    }
    for (const tenant of this.tenants) await this.catalogs.update(this.sourceOf(tenant));
  }

  get names(): readonly string[] {
    return this.tenants.map(({ name }) => name);
  }

  /** @returns catalogs that changed; rejects, with nothing changed, when a line is wrong */
  async configure(tenants: readonly AsmnTenantSettings[]): Promise<readonly IssuedCatalog[]> {
    const sources = tenants.map((tenant) => this.sourceOf(tenant));
    for (const source of sources) Catalogs.check(source);
    const gone = this.tenants.filter(({ name }) => !tenants.some((one) => one.name === name));
    this.tenants = tenants;
    const changed: IssuedCatalog[] = [];
    for (const source of sources) {
      const one = await this.catalogs.update(source);
      if (one !== undefined) changed.push(one);
    }
    for (const { name } of gone) this.catalogs.drop(name);
    return changed;
  }

  vnf({ tenant, vnf }: VnfName): KnownVnf | undefined {
    const configured = this.tenants.find(({ name }) => name === tenant);
    if (configured === undefined) return undefined;
    const descriptor = configured.vnfs.find(({ name }) => name === vnf);
    if (descriptor !== undefined) return { descriptor, source: "configuration" };
    const kept = this.keptOf(tenant).vnfs.get(vnf);
    return kept === undefined ? undefined : { descriptor: kept.descriptor, source: "api" };
  }

  /** @throws SecEmError `not-found` */
  known(name: VnfName): KnownVnf {
    this.tenant(name.tenant);
    const found = this.vnf(name);
    if (found !== undefined) return found;
    const names = this.of(name.tenant).map(({ descriptor }) => descriptor.name);
    throw new SecEmError(
      "not-found",
      `tenant ${name.tenant} has no VNF "${name.vnf.slice(0, 80)}"; it has: ${names.join(", ") || "none"}`,
    );
  }

  of(tenant: string): readonly KnownVnf[] {
    const configured = this.tenants.find(({ name }) => name === tenant);
    if (configured === undefined) return [];
    const names = new Set(configured.vnfs.map(({ name }) => name));
    return [
      ...configured.vnfs.map((descriptor): KnownVnf => ({ descriptor, source: "configuration" })),
      ...[...this.keptOf(tenant).vnfs.values()]
        .filter(({ descriptor }) => !names.has(descriptor.name))
        .map(({ descriptor }): KnownVnf => ({ descriptor, source: "api" })),
    ];
  }

  /** @throws SecEmError `not-found` */
  tenant(name: string): AsmnTenantSettings {
    const found = this.tenants.find((one) => one.name === name);
    if (found !== undefined) return found;
    throw new SecEmError(
      "not-found",
      `there is no tenant "${name.slice(0, 80)}"; the configuration names: ${this.names.join(", ") || "none"}`,
    );
  }

  /**
   * The descriptor and its catalog, in one write (ASM-32).
   * @returns the tenant's new catalog; undefined when it says the same as before
   */
  async register({
    tenant,
    descriptor,
    catalog,
  }: VnfDescriptor): Promise<IssuedCatalog | undefined> {
    const configured = this.tenant(tenant);
    checkDescriptor(descriptor);
    const { name } = descriptor;
    if (configured.vnfs.some((one) => one.name === name)) {
      throw new SecEmError(
        "conflict",
        `${tenant}/${name} is in the configuration; change it there`,
      );
    }
    for (const { from, to } of catalog) {
      if (from === name || to === name || from === "*" || to === "*") continue;
      throw invalid(`a line from ${from} to ${to} does not belong to the descriptor of ${name}`);
    }
    const { vnfs, lines } = this.keptOf(tenant);
    if (!vnfs.has(name) && vnfs.size >= MOST_VNFS) {
      throw new SecEmError("conflict", `a tenant has at most ${MOST_VNFS} VNFs beyond its file`);
    }
    const value: KeptVnf = { descriptor, catalog };
    const next: KeptTenant = { vnfs: new Map([...vnfs, [name, value]]), lines };
    return this.change(configured, next, { key: `vnf/${tenant}/${name}`, value });
  }

  async remove({ tenant, vnf }: VnfName): Promise<void> {
    if (this.known({ tenant, vnf }).source === "configuration") {
      throw new SecEmError("conflict", `${tenant}/${vnf} is in the configuration; remove it there`);
    }
    const { vnfs, lines } = this.keptOf(tenant);
    const next = { vnfs: new Map([...vnfs].filter(([name]) => name !== vnf)), lines };
    await this.change(this.tenant(tenant), next, { key: `vnf/${tenant}/${vnf}`, value: undefined });
  }

  async setLines(
    tenant: string,
    lines: readonly AsmnCatalogEntry[],
  ): Promise<IssuedCatalog | undefined> {
    const configured = this.tenant(tenant);
    if (lines.length > MOST_LINES) throw invalid(`a tenant has at most ${MOST_LINES} lines`);
    const next = { vnfs: this.keptOf(tenant).vnfs, lines };
    return this.change(configured, next, { key: `lines/${tenant}`, value: { lines } });
  }

  private async change(
    tenant: AsmnTenantSettings,
    next: KeptTenant,
    write: { readonly key: string; readonly value: object | undefined },
  ): Promise<IssuedCatalog | undefined> {
    const source = this.sourceOf(tenant, next);
    Catalogs.check(source);
    const changed = await this.catalogs.update(source, [write]);
    this.kept.set(tenant.name, next);
    return changed;
  }

  private sourceOf(tenant: AsmnTenantSettings, kept = this.keptOf(tenant.name)): CatalogSource {
    const names = new Set(tenant.vnfs.map(({ name }) => name));
    const more = [...kept.vnfs.values()].filter(({ descriptor: { name } }) => !names.has(name));
    return {
      tenant: tenant.name,
      defaultAction: tenant.defaultAction,
      vnfs: [...names, ...more.map(({ descriptor: { name } }) => name)],
      entries: [...tenant.catalog, ...more.flatMap(({ catalog }) => catalog), ...kept.lines],
      alarms: tenant.alarms,
    };
  }

  private keptOf(tenant: string): KeptTenant {
    return this.kept.get(tenant) ?? EMPTY;
  }
}

function checkDescriptor(descriptor: AsmnVnfSettings): void {
  const { name, addresses, as, routerId, binding, maxInstances, manifest } = descriptor;
  checkName("VNF", name);
  checkBgp({ addresses, as, routerId, binding });
  if (!Number.isInteger(maxInstances) || maxInstances < 1 || maxInstances > 10_000) {
    throw invalid("a VNF has 1 to 10000 instances");
  }
  for (const text of manifest.allowedChanges) {
    if (parseAllowedChange(text) !== undefined) continue;
    throw invalid(
      `"${text.slice(0, 80)}" is no allowed change; write file:NAME, process:NAME or configuration:NAME`,
    );
  }
}
