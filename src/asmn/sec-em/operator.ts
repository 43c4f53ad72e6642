/**
 * What people and their systems ask for (`SecEmControl`): checked by role, noted in the audit log, done. What
 * gives trust is noted before it is done; what takes it away is done first.
 */
import { releaseChain, stopChain } from "../protocol/index.js";
import { BreakGlassBook } from "./break-glass.js";
import { Catalogs, type IssuedCatalog } from "./catalogs.js";
import {
  SecEmError,
  type Actor,
  type BreakGlassRequest,
  type BreakGlassRow,
  type CatalogRow,
  type ImageRequest,
  type ImageRow,
  type InstanceName,
  type IssuedToken,
  type KeyRow,
  type Scope,
  type ScopeResult,
  type TokenRequest,
  type VerifyResult,
  type VnfDescriptor,
  type VnfName,
  type VnfRow,
} from "./control.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";
import {
  checkBgp,
  checkInstanceName,
  checkRole,
  checkScope,
  checkText,
  inScope,
  instanceText,
  invalid,
  scopeText,
} from "./names.js";
import type { Proofs } from "./proofs.js";
import { instanceRow } from "./rows.js";
import type { Watch } from "./watch.js";

const VERIFY_MS = 10_000;

export class Operator {
  private readonly core: Core;
  private readonly proofs: Proofs;
  private readonly watch: Watch;

  constructor(core: Core, proofs: Proofs, watch: Watch) {
    this.core = core;
    this.proofs = proofs;
    this.watch = watch;
  }

  async registerVnf(request: VnfDescriptor, actor: Actor): Promise<VnfRow> {
    checkRole(actor, "register VNFs", "vnfm");
    const { tenant, descriptor } = request;
    const name = { tenant, vnf: descriptor.name };
    await this.core.auditor.before(actor, "register-vnf", scopeText(name), catalogText(request));
    this.catalogIs(await this.core.registry.register(request));
    return this.vnfRow(name);
  }

  async removeVnf(name: VnfName, actor: Actor): Promise<void> {
    checkRole(actor, "remove VNFs", "vnfm");
    const { registry, book, auditor } = this.core;
    registry.known(name);
    const own = book.all().filter((one) => inScope(one, name));
    for (const { identity } of own) await this.bury(identity);
    await registry.remove(name);
    auditor.after(actor, "remove-vnf", scopeText(name), "");
    for (const { identity } of own) await this.remove(identity);
    const { tenant } = name;
    const catalog = this.core.catalogs.get(tenant);
    if (catalog !== undefined) this.catalogIs(catalog);
  }

  async setCatalog(
    tenant: string,
    entries: Parameters<Core["registry"]["setLines"]>[1],
    actor: Actor,
  ): Promise<CatalogRow> {
    checkRole(actor, "change catalogs", "vnfm");
    await this.core.auditor.before(actor, "catalog", tenant, `${entries.length} lines`);
    this.catalogIs(await this.core.registry.setLines(tenant, entries));
    const catalog = this.core.catalogs.get(tenant);
    if (catalog === undefined) throw invalid(`tenant ${tenant} has no catalog`);
    return Catalogs.row(catalog);
  }

  async registerImage(request: ImageRequest, actor: Actor): Promise<ImageRow> {
    checkRole(actor, "register images", "vim");
    const { registry, images, auditor, settings } = this.core;
    registry.known(request);
    const detail = `${request.digest} ${request.version}`;
    await auditor.before(actor, "register-image", scopeText(request), detail);
    const { packageKeys, upgradeSeconds } = settings;
    return images.register(request, actor.name, packageKeys, upgradeSeconds);
  }

  async withdrawImage(name: VnfName, digest: string, actor: Actor): Promise<void> {
    checkRole(actor, "withdraw images", "vim");
    const { images, auditor } = this.core;
    auditor.after(actor, "withdraw-image", scopeText(name), digest);
    try {
      await images.withdraw(name, digest);
    } finally {
      // Those that run it are untrusted now, and not with the watch's next pass.
      this.watch.lookAtAll();
    }
  }

  async issueToken(request: TokenRequest, actor: Actor): Promise<IssuedToken> {
    checkRole(actor, "issue tokens", "vim");
    checkInstanceName(request);
    const { registry, images, book, tokens, auditor, settings, clock } = this.core;
    const { descriptor } = registry.known(request);
    const fault = images.fault(request, request.image);
    if (fault !== undefined) {
      throw new SecEmError("refused", `no token for this image: ${fault}; register it first`);
    }
    const { addresses, as, routerId, binding } = descriptor;
    const bgp = request.bgp ?? { addresses, as, routerId, binding };
    checkBgp(bgp);
    this.checkBeginning(request, descriptor.maxInstances);
    await auditor.before(actor, "token", instanceText(request), `image ${request.image}`);
    // Again: it may have enrolled, or been revoked, while the note was written.
    const begun = this.checkBeginning(request, descriptor.maxInstances);
    // One that nobody has used yet makes way for its successor.
    const record = { ...book.draw(request, bgp, clock.wall()), enrolling: begun };
    const { identity, nonce } = record;
    let issued: IssuedToken | undefined;
    try {
      return await book.writeBy(record, async (writes) => {
        const { tokenLifetimeSeconds } = settings;
        const given = { identity, nonce };
        issued = await tokens.issue(request, actor.name, tokenLifetimeSeconds, given, writes);
        return issued;
      });
    } catch (error) {
      if (issued !== undefined) await tokens.withdraw(issued.id);
      throw error;
    }
  }

  async withdrawToken(id: string, actor: Actor): Promise<void> {
    checkRole(actor, "withdraw tokens", "vim");
    const { tokens, auditor } = this.core;
    const known = tokens.find(id);
    auditor.after(actor, "withdraw-token", known === undefined ? id : instanceText(known), id);
    await tokens.withdraw(id);
  }

  async verify(name: InstanceName, actor: Actor): Promise<VerifyResult> {
    const record = this.known(name);
    const { clock, links, auditor, desk } = this.core;
    const { identity } = record;
    auditor.after(actor, "verify", instanceText(name), "");
    const began = clock.now();
    const before = desk.age(identity);
    if (!links.prompt(identity, "the operator asks for a fresh proof")) {
      return { row: instanceRow(this.core, record), outcome: "absent", tookMs: 0 };
    }
    this.watch.promptedNow(identity);
    const spoke = await this.proofs.wait(identity, VERIFY_MS);
    const now = this.core.book.get(identity) ?? record;
    const age = desk.age(identity);
    const fresh = age !== undefined && (before === undefined || age < clock.now() - began + 1);
    const proven = spoke && fresh && desk.standing(now).state === "trusted";
    const outcome = proven ? "proven" : spoke ? "refused" : "silent";
    return { row: instanceRow(this.core, now), outcome, tookMs: clock.now() - began };
  }

  async revoke(scope: Scope, reason: string, actor: Actor): Promise<ScopeResult> {
    checkRole(actor, "revoke");
    checkScope(scope);
    checkText("reason", reason);
    const { book, auditor, counters, clock, revocations, links } = this.core;
    this.checkSomething(scope);
    const found = book.all().filter((one) => inScope(one, scope) && one.revoked === undefined);
    const kept: Promise<boolean>[] = [];
    for (const record of found) {
      const revocation = revocations.next();
      const sentence = `revoked by ${actor.name}: ${reason}`.slice(0, 300);
      const next: InstanceRecord = {
        ...record,
        ...{ state: "untrusted", reason: "revoked", sentence, since: clock.wall() },
        ...{ revoked: reason, revocation },
      };
      kept.push(book.force(next));
      this.core.publish(next, revocation);
      links.notice(record.identity, { state: "untrusted", reason: "revoked", sentence }, true);
      counters.revocations++;
    }
    auditor.after(actor, "revoke", scopeText(scope), `${found.length} instances: ${reason}`);
    const written = (await Promise.all(kept)).every(Boolean);
    return { changed: found.length, revocation: revocations.current, kept: written };
  }

  async restore(scope: Scope, reason: string, actor: Actor): Promise<ScopeResult> {
    checkRole(actor, "restore");
    checkScope(scope);
    checkText("reason", reason);
    const { book, tombstones, auditor, clock, revocations } = this.core;
    this.checkSomething(scope);
    const found = book
      .all()
      .filter((one) => inScope(one, scope))
      .filter(({ revoked, chain }) => revoked !== undefined || chain.stopped !== undefined);
    const many = found.length + tombstones.in(scope).length;
    await auditor.before(actor, "restore", scopeText(scope), `${many}: ${reason}`);
    for (const { identity } of found) {
      // As it is now: it may have changed while the note was written.
      const record = book.get(identity);
      if (record === undefined) continue;
      const next: InstanceRecord = {
        ...record,
        chain: releaseChain(record.chain),
        revoked: undefined,
        ...{ state: "unknown", reason: "none", since: clock.wall() },
        sentence: "restored by an operator, and not proved since",
      };
      await book.write(next);
      this.core.publish(next);
    }
    const graves = tombstones.in(scope);
    await tombstones.clear(graves);
    const changed = found.length + graves.length;
    return { changed, revocation: revocations.current, kept: true };
  }

  async removeInstance(name: InstanceName, actor: Actor): Promise<void> {
    checkRole(actor, "remove instances", "vnfm");
    const { identity } = this.known(name);
    await this.bury(identity);
    this.core.auditor.after(actor, "remove-instance", instanceText(name), "");
    await this.remove(identity);
  }

  async rotateKeys(withdraw: boolean, actor: Actor): Promise<readonly KeyRow[]> {
    checkRole(actor, "rotate keys");
    const { auditor, keys } = this.core;
    const detail = withdraw ? "those before count no more" : "those before count for the overlap";
    await auditor.before(actor, "rotate", "keys", detail);
    await this.core.rotateKeys(withdraw);
    return keys.rows();
  }

  async takeOver(above: number, actor: Actor): Promise<void> {
    checkRole(actor, "take over");
    if (!Number.isSafeInteger(above) || above < 0 || above > 2 ** 48) {
      throw invalid("give the highest epoch that is known of, a whole number");
    }
    const epoch = Math.max(above, this.core.epoch) + 1;
    await this.core.auditor.before(actor, "take-over", "epoch", String(epoch));
    await this.core.raiseEpoch(epoch);
    this.core.hub.allChanged();
  }

  async openBreakGlass(request: BreakGlassRequest, actor: Actor): Promise<BreakGlassRow> {
    checkRole(actor, "break glass");
    BreakGlassBook.check(request);
    const { auditor, glass, hub, serials, settings, log } = this.core;
    const { name, reason, seconds, scope, address } = request;
    const where = address === undefined ? "" : ` from ${address}`;
    const detail = `${name}, ${seconds} s${where}: ${reason}`;
    await auditor.before(actor, "break-glass", scopeText(scope), detail);
    const row = await glass.open(request, settings.audience, serials.next());
    log.warn({ name, scope: scopeText(scope), seconds }, "break-glass is open");
    hub.tell({ kind: "glass", document: Buffer.from(row.document, "hex") });
    return row;
  }

  async endBreakGlass(id: string, actor: Actor): Promise<void> {
    checkRole(actor, "end break-glass");
    const { row, serial } = await this.core.glass.end(id);
    this.core.hub.tell({ kind: "glass-end", serial });
    this.core.auditor.after(actor, "break-glass-end", scopeText(row.scope), row.name);
  }

  vnfRow(name: VnfName): VnfRow {
    const { registry, images, book, desk } = this.core;
    const { descriptor, source } = registry.known(name);
    const own = book.all().filter((one) => inScope(one, name));
    return {
      ...{ tenant: name.tenant, descriptor, source },
      images: images.of(name).filter(({ valid }) => valid).length,
      instances: own.length,
      trusted: own.filter((one) => desk.standing(one).state === "trusted").length,
    };
  }

  /** Gateways are told at once, and agents fetch it with a step. */
  catalogIs(catalog: IssuedCatalog | undefined): void {
    if (catalog === undefined) return;
    const { hub, book, links } = this.core;
    hub.catalogChanged(catalog);
    for (const { tenant, identity } of book.each()) {
      if (tenant !== catalog.tenant) continue;
      if (links.prompt(identity, "the catalog has changed")) this.watch.promptedNow(identity);
    }
  }

  /** What is revoked stays so when it is gone. Rejects with nothing changed when that cannot be kept. */
  private async bury(identity: string): Promise<void> {
    const { book, tombstones, clock } = this.core;
    const record = book.get(identity);
    if (record?.revoked === undefined || tombstones.find(record)?.identity === identity) return;
    await tombstones.add(record, record.revoked, clock.wall());
  }

  private async remove(identity: string): Promise<void> {
    const { book, links } = this.core;
    // It may have been revoked since.
    await this.bury(identity);
    const record = book.get(identity);
    if (record === undefined) return;
    const sentence = "the instance was removed";
    // Closed for whoever still speaks with it, before it is gone.
    book.adopt({ ...record, chain: stopChain(record.chain, "out-of-sync") });
    links.notice(record.identity, { state: "untrusted", reason: "removed", sentence }, true);
    const written = book.remove(record);
    // Without waiting for the disk.
    this.core.gone(record);
    if (!(await written)) {
      throw new SecEmError(
        "storage",
        `it is gone, and comes back at a restart: ${this.core.records.problem ?? ""}`,
      );
    }
  }

  private known(name: InstanceName): InstanceRecord {
    checkInstanceName(name);
    const record = this.core.book.named(name);
    if (record !== undefined) return record;
    throw new SecEmError(
      "not-found",
      `there is no instance ${instanceText(name)}; list them first`,
    );
  }

  private checkSomething(scope: Scope): void {
    const { registry, book, tombstones } = this.core;
    // What was revoked and removed may be of a VNF, or a tenant, that is gone as well.
    if (tombstones.in(scope).length > 0) return;
    registry.tenant(scope.tenant);
    if (scope.vnf !== undefined) registry.known({ tenant: scope.tenant, vnf: scope.vnf });
    if (scope.instance === undefined || book.all().some((one) => inScope(one, scope))) return;
    throw new SecEmError("not-found", `there is no instance ${scopeText(scope)}; list them first`);
  }

  /** @returns whether the instance has enrolled; throws when no token may be issued for it */
  private checkBeginning(request: TokenRequest, mostInstances: number): boolean {
    const { book, tombstones } = this.core;
    const former = book.named(request);
    const begun = former?.chain.instanceKey !== undefined;
    // To begin anew takes no revocation back: that is for whoever may restore.
    if (former?.revoked !== undefined || tombstones.find(request) !== undefined) {
      throw new SecEmError("refused", `${instanceText(request)} is revoked: restore it first`);
    }
    const { publicKey } = request;
    if (publicKey !== undefined && (tombstones.hasKey(publicKey) || book.isRevokedKey(publicKey))) {
      throw new SecEmError(
        "refused",
        "this key is that of an instance that is revoked: restore that one, or make a new key",
      );
    }
    if (begun && !request.replace) {
      throw new SecEmError(
        "conflict",
        `${instanceText(request)} has enrolled; to have it begin anew ask for a token that replaces it`,
      );
    }
    this.checkRoom(request, mostInstances, former);
    return begun;
  }

  private checkRoom(name: VnfName, most: number, former: InstanceRecord | undefined): void {
    if (former !== undefined) return;
    const { tenant, vnf } = name;
    let count = 0;
    for (const one of this.core.book.each()) if (inScope(one, { tenant, vnf })) count++;
    if (count < most) return;
    throw new SecEmError(
      "conflict",
      `${tenant}/${vnf} has ${count} instances, and its descriptor allows ${most}; remove one first`,
    );
  }
}

function catalogText({ catalog }: VnfDescriptor): string {
  return `with ${catalog.length} catalog lines`;
}
