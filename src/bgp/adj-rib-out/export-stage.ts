/**
 * Where export rules come in: between the receivers that reflection and route targets leave for a
 * path, and the messages. The rules themselves are `policy/rules/`; here is only what sending asks of
 * them.
 *
 * Sessions with equal rules share a policy, a small number; a session has one policy or none. For each
 * path and each policy that rules one of its receivers, `apply` says which attribute set those
 * receivers get. Rules see the path as the table holds it after import; who may have it at all
 * (reflection, NO_EXPORT, route-target membership) is decided by that, not by what the rules make of it.
 */
export interface ExportStage {
  /** No session has a policy: nothing else is asked, and nothing is paid. */
  readonly isIdle: boolean;
  /** Every policy in use is below this; numbers are used again once no session has the policy and no `syncExport` names it. */
  readonly count: number;
  /** Differs when a number stands for other rules than before, or they see sources otherwise. */
  readonly generation: number;
  /** Of the last `apply`: no rule matched, and nothing is counted when it is not asked again. */
  readonly isUntouched: boolean;
  /** The slots that the policy rules, 32 to a word; words beyond its end count as 0. All 0 for a number out of use. */
  maskOf(policy: number): Int32Array;
  /**
   * The attribute set that receivers under `policy` get of `path`: `attr` itself when unchanged, 0 when
   * the path is not for them, else the id of an interned set with the same family, which the stage
   * keeps alive until `endBatch`. Asked for every path sent: it must not allocate when it can be helped.
   * @param attr the path's effective set
   * @param sourceSlot whom the path comes from
   */
  apply(policy: number, attr: number, sourceSlot: number, dest: number, path: number): number;
  /** The sets that `apply` gave are not used any more. */
  endBatch(): void;
}

/** No policy at all. */
export const NO_POLICY = -1;

const NOBODY = new Int32Array(0);

export const IDLE_EXPORT: ExportStage = {
  isIdle: true,
  count: 0,
  generation: 0,
  isUntouched: true,
  maskOf: () => NOBODY,
  apply: (_policy, attr) => attr,
  endBatch: () => {},
};
