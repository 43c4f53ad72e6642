/** Phase-1 SAs as PIX shows them (`show crypto isakmp sa`). */
import type { IkeSa } from "../live/sa.js";
import { installedChildren } from "../watch/health.js";
import type { ViewedTunnel } from "./sa-list.js";

export interface IsakmpRow {
  readonly tunnel: string;
  /** The responder's address, and the initiator's. */
  readonly destination: string;
  readonly source: string;
  /** `QM_IDLE`, `MM_NO_STATE`, `MM_KEY_EXCH`, `AG_NO_STATE`; of IKEv2 `READY`, `IN-NEG`, `DELETE`. */
  readonly state: string;
  /** Phase-2 negotiations under way. */
  readonly pending: number;
  /** Phase-2 SAs that there are. */
  readonly created: number;
}

export interface IsakmpList {
  readonly total: number;
  /** Not yet complete. */
  readonly embryonic: number;
  readonly rows: readonly IsakmpRow[];
}

export function isakmpList(tunnels: readonly ViewedTunnel[]): IsakmpList {
  const rows = tunnels.flatMap(({ side, sas }) =>
    sas.map((sa) => ({
      tunnel: side.tunnel,
      destination: sa.initiator ? sa.remoteHost : sa.localHost,
      source: sa.initiator ? sa.localHost : sa.remoteHost,
      state: stateWord(sa, side.ike.mode === "aggressive"),
      pending: sa.tasks.filter((task) => /QUICK_MODE|CHILD_CREATE|CHILD_REKEY/.test(task)).length,
      created: installedChildren([sa]).length,
    })),
  );
  const embryonic = tunnels.flatMap(({ sas }) => sas).filter(isEmbryonic).length;
  return { total: rows.length, embryonic, rows };
}

function isEmbryonic({ state }: IkeSa): boolean {
  return state === "CREATED" || state === "CONNECTING";
}

function stateWord(sa: IkeSa, aggressive: boolean): string {
  if (sa.version === 2) {
    if (isEmbryonic(sa)) return "IN-NEG";
    return sa.state === "DELETING" || sa.state === "DESTROYING" ? "DELETE" : "READY";
  }
  const mode = aggressive ? "AG" : "MM";
  if (sa.state === "CREATED") return `${mode}_NO_STATE`;
  // The responder's cookie is there when the first message was answered.
  if (sa.state === "CONNECTING") {
    return /^0*$/.test(sa.responderSpi) ? `${mode}_NO_STATE` : `${mode}_KEY_EXCH`;
  }
  return sa.state === "DELETING" || sa.state === "DESTROYING" ? `${mode}_NO_STATE` : "QM_IDLE";
}
