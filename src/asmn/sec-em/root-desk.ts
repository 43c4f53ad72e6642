/**
 * Keys of roots of trust, and what descriptors demand, changed while instances rest on them: who was vouched
 * for by a key that counts no more is untrusted at once, and whoever may be meant proves itself anew.
 */
import type { RootKind } from "../protocol/index.js";
import type { AsmnTpmKey, AsmnVnfSettings, SecEmSettings } from "../settings.js";
import type { Actor, TpmKeyRow, VnfDescriptor, VnfName, VnfRow } from "./control.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";
import { checkName, checkRole, inScope, scopeText } from "./names.js";
import type { Watch } from "./watch.js";

export class RootDesk {
  private readonly core: Core;
  private readonly watch: Watch;

  constructor(core: Core, watch: Watch) {
    this.core = core;
    this.watch = watch;
  }

  async register(key: AsmnTpmKey, actor: Actor): Promise<TpmKeyRow> {
    checkRole(actor, "register TPM keys", "vim");
    const { tpm, registry, auditor } = this.core;
    tpm.check(key);
    registry.known(key);
    const pcrs = key.pcrs.map(({ pcr, value }) => `${pcr}=${value.slice(0, 16)}`).join(" ");
    await auditor.before(actor, "register-tpm-key", scopeText(key), `${key.name}: PCRs ${pcrs}`);
    const row = await tpm.register(key, actor.name);
    // In place of another one, it may say something else.
    this.changed("tpm");
    return row;
  }

  async remove(name: string, actor: Actor): Promise<void> {
    checkRole(actor, "remove TPM keys", "vim");
    checkName("TPM key", name);
    const { tpm, auditor } = this.core;
    const row = tpm.removable(name);
    auditor.after(actor, "remove-tpm-key", scopeText(row), `${name}: key ${row.keyId}`);
    try {
      await tpm.remove(name);
    } finally {
      this.changed("tpm");
    }
  }

  /** Around the registration of a VNF, which may change one that is there. */
  async registering(
    { tenant, descriptor }: VnfDescriptor,
    register: () => Promise<VnfRow>,
  ): Promise<VnfRow> {
    const name = { tenant, vnf: descriptor.name };
    const before = this.core.registry.vnf(name)?.descriptor;
    const row = await register();
    this.described(name, before, descriptor);
    return row;
  }

  /** After a reload: keys of the configuration, and descriptors that demand something else. */
  configured(before: SecEmSettings, now: SecEmSettings): void {
    if (differs(before.tpmKeys, now.tpmKeys)) this.changed("tpm");
    if (differs(before.platformKeys, now.platformKeys)) this.changed("platform");
    for (const { name: tenant, vnfs } of now.tenants) {
      const former = before.tenants.find(({ name }) => name === tenant)?.vnfs ?? [];
      for (const descriptor of vnfs) {
        const was = former.find(({ name }) => name === descriptor.name);
        this.described({ tenant, vnf: descriptor.name }, was, descriptor);
      }
    }
  }

  /** What a descriptor demands of evidence holds from now on, and not with the next proof in turn. */
  described(
    name: VnfName,
    before: AsmnVnfSettings | undefined,
    now: AsmnVnfSettings | undefined,
  ): void {
    if (before === undefined || now === undefined) return;
    if (!differs(demandsOf(before), demandsOf(now))) return;
    this.ask((record) => inScope(record, name), "its descriptor demands something else");
  }

  private changed(kind: RootKind): void {
    this.watch.lookAtAll();
    this.ask(
      ({ root, state }) => root === kind && state === "trusted",
      "keys of its root of trust have changed",
    );
  }

  private ask(whom: (record: InstanceRecord) => boolean, sentence: string): void {
    const { book, links } = this.core;
    for (const record of [...book.each()].filter(whom)) {
      if (links.prompt(record.identity, sentence)) this.watch.promptedNow(record.identity);
    }
  }
}

function demandsOf({ rootOfTrust, manifest }: AsmnVnfSettings): unknown {
  return [rootOfTrust, manifest];
}

function differs(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}
