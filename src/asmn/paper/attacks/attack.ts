/** What the attacks have in common: a tenant at work, and the form of a report. */
import type { ChainHash } from "../hash.js";
import { hashImage, type ImageSource } from "../image.js";
import { PAPER_WARNING, type AttackReport } from "../report.js";
import type { Vnf } from "../roles/vnf.js";
import { openWorld, type World } from "../world.js";

export interface AttackOptions {
  readonly hash: ChainHash;
  /** What both VNFs run. */
  readonly image: ImageSource;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
}

export interface AttackSpec {
  readonly ids: string;
  readonly summary: string;
  /** What the attacker has at the beginning. */
  readonly given: string;
  readonly soundMode: string;
  /** @returns whether he got what he wanted, and how */
  run(options: AttackOptions): Promise<Outcome>;
}

export interface Outcome {
  readonly succeeded: boolean;
  readonly lines: readonly string[];
}

export interface Tenant {
  readonly world: World;
  readonly first: Vnf;
  readonly second: Vnf;
}

export const SECRET_TEXT = "the password is swordfish";

/** VNF1 and VNF2 instantiated and renewed three times, and torn down when `use` is through. */
export async function withTenant(
  options: AttackOptions,
  use: (tenant: Tenant) => Promise<Outcome>,
): Promise<Outcome> {
  const world = await openWorld(options);
  try {
    const begin = await hashImage(options.image, options.hash);
    const first = await world.instantiated("VNF1", begin);
    const second = await world.instantiated("VNF2", begin);
    const wait = (): Promise<void> => Promise.resolve();
    await world.vim.renewPeriodically({ times: 2, intervalMs: 0, wait });
    return await use({ world, first, second });
  } finally {
    world.close();
  }
}

/** Phases 1 and 2, and one message. */
export async function talk({ first, second }: Tenant): Promise<void> {
  await first.authenticate(second);
  await first.agree(second);
  await first.send(second, Buffer.from(SECRET_TEXT));
}

/** What the Sec-EM says about VNF2 when VNF1 wants it verified. */
export async function verdictAboutSecond({ first, second }: Tenant): Promise<string> {
  const { fields } = await first.authenticate(second);
  return `${fields["state"]}: ${fields["reason"]}`;
}

export function attackReport(attack: string, spec: AttackSpec, outcome: Outcome): AttackReport {
  const { ids, given, soundMode } = spec;
  return { mode: "paper", warning: PAPER_WARNING, attack, ids, given, soundMode, ...outcome };
}
