/**
 * What tells a policy from others, worked out once for each object that the configuration hands over:
 * to write out and compare rules by the thousand for every session would hold the others up.
 */
import { createHash } from "node:crypto";
import type { PolicySettings } from "./settings.js";

export interface PolicyMark {
  /** Equal for equal rules of the same name. */
  readonly digest: string;
  /** It says something that depends on the session: its own address, or whether it is eBGP. */
  readonly asksSelf: boolean;
  readonly asksEbgp: boolean;
}

const marks = new WeakMap<PolicySettings, PolicyMark>();

export function markOf(policy: PolicySettings): PolicyMark {
  let mark = marks.get(policy);
  if (mark === undefined) {
    mark = {
      digest: createHash("sha256").update(JSON.stringify(policy)).digest("base64"),
      asksSelf: policy.rules.some(({ set }) => set.nextHop === "self"),
      asksEbgp: policy.rules.some(({ set }) => set.prepend !== undefined),
    };
    marks.set(policy, mark);
  }
  return mark;
}
