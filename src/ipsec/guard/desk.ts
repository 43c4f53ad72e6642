/** The guard behind `GuardControl`: knows what installed tunnels need, which cannot be released. */
import type { Log } from "../../util/log.js";
import { joinRanges, parseRange, prefixesOf, rangesOutside } from "../model/index.js";
import type { GuardControl, GuardView } from "./control.js";
import type { Guard } from "./guard.js";
import { GuardError } from "./nft.js";
import { guardScript } from "./ruleset.js";

export class GuardDesk implements GuardControl {
  private readonly guard: Pick<Guard, "status" | "release" | "ways">;
  private readonly needed: () => readonly string[];
  private readonly log: Log;

  /** @param needed prefixes that installed tunnels protect, asked at each call */
  constructor(
    guard: Pick<Guard, "status" | "release" | "ways">,
    needed: () => readonly string[],
    log: Log,
  ) {
    this.guard = guard;
    this.needed = needed;
    this.log = log;
  }

  async status(): Promise<GuardView> {
    const { installed, prefixes, leaving, arriving } = await this.guard.status();
    const script = guardScript({ ...this.guard.ways, prefixes });
    const unused = without(prefixes, this.needed());
    return { installed, prefixes, unused, leaving, arriving, script };
  }

  async release(prefixes: readonly string[], actor: string): Promise<readonly string[]> {
    const bad = prefixes.find((prefix) => parseRange(prefix) === undefined);
    if (bad !== undefined) throw new GuardError(`"${bad}" is no prefix`, "invalid");
    const needed = this.needed();
    const chosen = prefixes.length > 0 ? prefixes : without((await this.status()).prefixes, needed);
    const kept = chosen.filter((prefix) => without([prefix], needed).length === 0);
    if (kept.length > 0) {
      throw new GuardError(
        `${kept.join(", ")}: an installed tunnel protects it; remove the tunnel first`,
        "invalid",
      );
    }
    const released = chosen.length === 0 ? [] : await this.guard.release(chosen, needed);
    this.log.warn({ actor, released, audit: true }, "IPsec guard: prefixes released");
    return released;
  }
}

function without(prefixes: readonly string[], needed: readonly string[]): string[] {
  const ranges = (texts: readonly string[]) =>
    joinRanges(texts.flatMap((text) => parseRange(text) ?? []));
  return rangesOutside(ranges(prefixes), ranges(needed)).flatMap(prefixesOf);
}
