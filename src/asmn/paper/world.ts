/** All roles, each with its listener: what a run and an attack begin with. */
import { randomBytes } from "node:crypto";
import { standardGroup, groupProblem, type Group } from "./group.js";
import type { ChainHash } from "./hash.js";
import { ID_OCTETS, type PaperIdentity } from "./identifier.js";
import { PaperError } from "./paper-error.js";
import type { PaperResult } from "./report.js";
import { PaperGateway } from "./roles/gateway.js";
import { SecEm } from "./roles/sec-em.js";
import { Vim } from "./roles/vim.js";
import { Vnf } from "./roles/vnf.js";
import { listenAsVnfm } from "./roles/vnfm.js";
import { Directory } from "./wire/station.js";
import { Trace, type TraceRow } from "./wire/trace.js";

/** The one service of the catalog: BGP. */
export const CATALOG = { protocol: "tcp", port: 179 } as const;

export interface WorldOptions {
  readonly hash: ChainHash;
  /** Default: 2,048 bits, q = 2. */
  readonly group?: Group;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
  readonly onMessage?: (row: TraceRow) => void;
}

export interface World {
  readonly hash: ChainHash;
  readonly group: Group;
  readonly directory: Directory;
  readonly vim: Vim;
  readonly gateway: PaperGateway;
  readonly results: readonly PaperResult[];
  /** A VNF with its listener, not yet instantiated. */
  vnf(name: string): Promise<Vnf>;
  /** A VNF whose image, with this Hash¹, is on-boarded and instantiated; its chain is at index 2. */
  instantiated(name: string, first: Uint8Array): Promise<Vnf>;
  close(): void;
}

/** @throws PaperError for a group that cannot be used */
export async function openWorld(options: WorldOptions): Promise<World> {
  const { hash, group = standardGroup(), now, onMessage } = options;
  const problem = groupProblem(group);
  if (problem !== undefined) throw new PaperError(problem);
  const directory = new Directory(new Trace(onMessage));
  const vim = new Vim(directory, hash);
  const gateway = new PaperGateway(directory);
  const results: PaperResult[] = [];
  const onResult = (result: PaperResult): void => void results.push(result);
  const secEm = new SecEm({ directory, group, catalog: CATALOG, now, onResult });
  await Promise.all([...[vim.listen(), gateway.listen(), secEm.listen()], listenAsVnfm(directory)]);
  const vnf = async (name: string): Promise<Vnf> => {
    const made = new Vnf(directory, name);
    await made.listen();
    return made;
  };
  return {
    ...{ hash, group, directory, vim, gateway, results, vnf },
    async instantiated(name, first) {
      const made = await vnf(name);
      await vim.instantiate(name, identityOf(name), first);
      return made;
    },
    close: () => directory.close(),
  };
}

export function identityOf(name: string): PaperIdentity {
  const nonce = new Uint8Array(randomBytes(ID_OCTETS));
  return { tenant: "tenant-1", vnf: name, instance: "instance-1", nonce };
}
