/** What differs between two models, thing by thing, in the words of the configuration. */
import { describeKey, diffSettings } from "../../util/settings-diff.js";
import type { IpsecModel } from "../model/index.js";
import type { PolicyChange } from "./control.js";

interface Named {
  readonly name: string;
}

export function diffModels(before: IpsecModel, after: IpsecModel): PolicyChange[] {
  return [
    ...diffNamed("site", before.sites, after.sites),
    ...diffNamed("gateway", before.gateways, after.gateways),
    ...diffNamed("tunnel", before.tunnels, after.tunnels),
  ];
}

/** Names of what came, went, and is not what it was. */
export function namesOfChanges<T extends Named>(
  before: readonly T[],
  after: readonly T[],
): { readonly added: string[]; readonly removed: string[]; readonly changed: string[] } {
  const [old, fresh] = [byText(before), byText(after)];
  return {
    added: [...fresh.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !fresh.has(name)),
    changed: [...fresh].flatMap(([name, text]) => {
      const known = old.get(name);
      return known !== undefined && known !== text ? [name] : [];
    }),
  };
}

function diffNamed<T extends Named>(
  kind: PolicyChange["kind"],
  before: readonly T[],
  after: readonly T[],
): PolicyChange[] {
  const { added, removed, changed } = namesOfChanges(before, after);
  const old = new Map(before.map((item) => [item.name, item]));
  const fresh = new Map(after.map((item) => [item.name, item]));
  return [
    ...removed.map((name): PolicyChange => ({ kind, name, action: "remove", details: [] })),
    ...added.map((name): PolicyChange => ({ kind, name, action: "add", details: [] })),
    ...changed.map((name): PolicyChange => ({
      kind,
      name,
      action: "change",
      details: diffSettings(old.get(name), fresh.get(name)).map(describeKey),
    })),
  ];
}

function byText<T extends Named>(items: readonly T[]): Map<string, string> {
  return new Map(items.map((item) => [item.name, JSON.stringify(item)]));
}

/** `tunnel hq-branch: child.lifetime-seconds 3600 -> 28800`, one line each. */
export function describePolicyChange({ kind, name, action, details }: PolicyChange): string {
  const words = { add: "is added", remove: "is removed", change: "changes" } as const;
  const what = action === "change" && details.length > 0 ? details.join(", ") : words[action];
  return `${kind} ${name}: ${what}`;
}
