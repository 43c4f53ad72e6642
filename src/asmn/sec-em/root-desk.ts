/**
 * Keys of roots of trust, changed while instances rest on them: who was vouched for by a key that counts no
 * more is untrusted at once, and who has another one proves itself anew.
 */
import type { RootKind } from "../protocol/index.js";
import type { AsmnTpmKey, SecEmSettings } from "../settings.js";
import type { Actor, TpmKeyRow } from "./control.js";
import type { Core } from "./core.js";
import { checkName, checkRole, scopeText } from "./names.js";
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

  /** Keys of the configuration, after a reload. */
  configured(before: SecEmSettings, now: SecEmSettings): void {
    const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);
    if (differs(before.tpmKeys, now.tpmKeys)) this.changed("tpm");
    if (differs(before.platformKeys, now.platformKeys)) this.changed("platform");
  }

  private changed(kind: RootKind): void {
    const { book, links } = this.core;
    this.watch.lookAtAll();
    for (const { identity, root, state } of [...book.each()]) {
      if (root !== kind || state !== "trusted") continue;
      if (links.prompt(identity, "keys of its root of trust have changed"))
        this.watch.promptedNow(identity);
    }
  }
}
