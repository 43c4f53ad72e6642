/** A Sec-EM in a process of its own, so that its CPU time can be read: settings and calls come by IPC. */
import { RemoteSecEm, type SecEm } from "../../src/asmn/sec-em/index.js";
import type { SecEmSettings } from "../../src/asmn/settings.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";

export type Order =
  | { readonly kind: "start"; readonly settings: SecEmSettings }
  | {
      readonly kind: "call";
      readonly id: number;
      readonly method: keyof SecEm;
      readonly parameters: readonly unknown[];
    }
  | { readonly kind: "usage"; readonly id: number };

export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

let secEm: RemoteSecEm | undefined;

process.on("message", (order: Order) => {
  void perform(order);
});
process.on("disconnect", () => process.exit(0));

async function perform(order: Order): Promise<void> {
  const id = order.kind === "start" ? 0 : order.id;
  try {
    process.send?.({ id, value: await valueOf(order) } satisfies Reply);
  } catch (error) {
    process.send?.({ id, error: String(error) } satisfies Reply);
  }
}

async function valueOf(order: Order): Promise<unknown> {
  if (order.kind === "usage") {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000, rss: process.memoryUsage.rss() };
  }
  if (order.kind === "start") {
    const { settings } = order;
    secEm = await RemoteSecEm.start({ settings, clock: systemClock, log: silentLog });
    return undefined;
  }
  const door = secEm as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
  return door[order.method]?.(...order.parameters);
}
