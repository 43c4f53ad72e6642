/** What operators have done to one tunnel, in commands of the IKE daemon. */
import { ViciError } from "../vici/index.js";
import type { Charon, SaChoice } from "./charon.js";
import type { TunnelPlan } from "./plan.js";
import type { IkeSa } from "./sa.js";

/** Begins what has no SA of the definition that holds. */
export async function beginMissing(
  charon: Charon,
  { connection, children }: TunnelPlan,
  current: (sas: readonly IkeSa[]) => readonly IkeSa[],
): Promise<void> {
  const sas = current(await charon.sas(connection));
  const present = new Set(sas.flatMap((sa) => sa.children.map(({ name }) => name)));
  for (const { name } of children) {
    if (!present.has(name)) await charon.initiate(connection, name);
  }
}

/** @returns how many are being ended */
export async function endAll(charon: Charon, { connection }: TunnelPlan): Promise<number> {
  const sas = await charon.sas(connection);
  for (const { uniqueId } of sas) await endIfThere(charon, { ikeId: uniqueId });
  return sas.length;
}

/** An SA may have gone since the daemon told of it; that is what was wanted. */
export async function endIfThere(charon: Charon, choice: SaChoice): Promise<void> {
  try {
    await charon.terminate(choice);
  } catch (error) {
    if (!(error instanceof ViciError && error.code === "refused")) throw error;
  }
}

/** Make before break. */
export async function renew(
  charon: Charon,
  { connection, children }: TunnelPlan,
  what: "ike" | "child",
): Promise<void> {
  if (what === "ike") return charon.rekey({ connection });
  for (const { name } of children) await charon.rekey({ child: name, connection });
}

/** Both phases from the beginning. */
export async function startOver(charon: Charon, plan: TunnelPlan): Promise<void> {
  await endAll(charon, plan);
  for (const { name } of plan.children) await charon.initiate(plan.connection, name);
}
