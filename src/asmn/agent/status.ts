/** What the agent knows of itself, for people, scripts and `evpnctl asmn agent status`; never a secret. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import type { AsmnBinding } from "../settings.js";

export type AgentTrust = "trusted" | "untrusted" | "unknown" | "stale";

export interface BindingState {
  readonly kind: AsmnBinding;
  readonly bound: boolean;
  /** A sentence without the full stop. */
  readonly detail: string;
}

export interface AgentStatus {
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  readonly pid: number;
  readonly publicKey: string;
  readonly state: AgentTrust;
  /** One word, as the Sec-EM gave it; empty when there is nothing to say. */
  readonly reason: string;
  /** For people. */
  readonly sentence: string;
  /** Wall-clock milliseconds of the last change of state. */
  readonly since: number;
  readonly enrolled: boolean;
  /** Steps of the chain that both sides know. */
  readonly chain: number;
  /** Evidence made, arrived or not. */
  readonly counter: number;
  /** The Sec-EM that it is connected to. */
  readonly secEm: string | undefined;
  /** Wall-clock milliseconds of the last proof that held. */
  readonly provenAt: number | undefined;
  readonly renewSeconds: number | undefined;
  readonly image:
    | {
        readonly digest: string;
        readonly octets: number;
        readonly fromCache: boolean;
        readonly milliseconds: number;
      }
    | undefined;
  readonly manifest: string | undefined;
  readonly catalog: number | undefined;
  readonly binding: BindingState;
  /** Connections that it carries: of the router, from and to other VNFs. */
  readonly carried: { readonly router: number; readonly from: number; readonly to: number };
}

/** Whole at any time for who reads it; not fsync'd, because it is of this run only. */
export function writeStatus(path: string, status: AgentStatus): void {
  const beside = `${path}.new`;
  // A new file: what lies there may be a link that somebody else has put into the directory.
  rmSync(beside, { force: true });
  writeFileSync(beside, `${JSON.stringify(status, undefined, 2)}\n`, { mode: 0o644, flag: "wx" });
  renameSync(beside, path);
}
