/** Injection over a reflector in a test's hand. */
import { vi } from "vitest";
import { Injection, type InjectionSettings, type RouteSpec } from "../../src/inject/index.js";
import type { BuildContext } from "../../src/inject/defaults.js";
import type { Store } from "../../src/store/index.js";
import type { Log } from "../../src/util/log.js";
import { Speaker } from "../bgp/lib/speaker.js";

export const CONTEXT: BuildContext = {
  as: 65000,
  domain: (name) =>
    name === "red"
      ? { routeTargets: ["65000:100", "65000:7"], ethernetTag: undefined, vni: 100 }
      : name === "bundle"
        ? { routeTargets: ["65000:300"], ethernetTag: 5, vni: undefined }
        : undefined,
};

export const MAC: RouteSpec = { type: "mac", nextHop: "10.0.0.1", vni: 100, mac: "525400000001" };

export function start(
  settings: Partial<InjectionSettings> = {},
  store?: Store,
  speaker = new Speaker(),
) {
  const lines: { fields: object; text: string }[] = [];
  const write = vi.fn((fields: object, text: string) => void lines.push({ fields, text }));
  const log = { debug: write, info: write, warn: write, error: write } as unknown as Log;
  const injection = new Injection({
    sink: (name) => speaker.reflector.localRoutes.source(name),
    settings: { maxRoutes: 1000, maxRoutesPerOwner: 500, ...settings },
    context: CONTEXT,
    store,
    clock: speaker.clock,
    log,
  });
  /** Lets orders that are under way come to an end. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      speaker.run();
    }
  };
  return { speaker, injection, lines, settle };
}

export function mac(number: number): string {
  const hex = number.toString(16).padStart(12, "0");
  return hex.match(/../g)!.join(":");
}
