/** evpnctl ipsec guard: what never leaves in clear, its rules, and the way to release something. */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson, type CliHost } from "./host.js";
import { formatFields } from "./text.js";

/** Of a terminal. */
const COLUMNS = 80;

interface GuardAnswer {
  readonly installed: boolean;
  readonly prefixes: readonly string[];
  readonly unused: readonly string[];
  readonly leaving: number;
  readonly arriving: number;
  readonly script: string;
}

/** @param ipsec the command `evpnctl ipsec` */
export function addIpsecGuard(ipsec: Command, host: CliHost): void {
  const guard = ipsec
    .command("guard")
    .description("prefixes that leave through a tunnel or not at all");
  guard
    .command("show", { isDefault: true })
    .description("what is guarded, and packets that were kept from passing in clear")
    .action(async (_options: unknown, command: Command) => {
      const answer = await clientOf(command, host).get<GuardAnswer>("/v1/ipsec/guard");
      if (wantsJson(command)) return printJson(host, answer);
      host.out(guardText(answer));
    });
  guard
    .command("script")
    .description(
      "the rules for nft, for the time before evpnd has started: put it where it is loaded at boot",
    )
    .action(async (_options: unknown, command: Command) => {
      const answer = await clientOf(command, host).get<GuardAnswer>("/v1/ipsec/guard");
      if (wantsJson(command)) return printJson(host, { script: answer.script });
      host.out(answer.script);
    });
  guard
    .command("release")
    .description("no longer guard prefixes that no installed tunnel needs: they may leave in clear")
    .argument("[prefix...]", "these only; without any, all that is unused")
    .action(async (prefixes: string[], _options: unknown, command: Command) => {
      const { released } = await clientOf(command, host).post<{ released: readonly string[] }>(
        "/v1/ipsec/guard/release",
        {},
        { prefixes },
      );
      if (wantsJson(command)) return printJson(host, { released });
      if (released.length === 0) host.out("nothing was released\n");
      else host.out(released.map((prefix) => `${prefix} may leave in clear now\n`).join(""));
    });
}

function guardText({ installed, prefixes, unused, leaving, arriving }: GuardAnswer): string {
  const list = (all: readonly string[]): string => (all.length === 0 ? "none" : all.join(", "));
  const fields: readonly (readonly [string, string])[] = [
    ["rules", installed ? "in the kernel" : "not in the kernel"],
    ["guarded", list(prefixes)],
    ["unused", list(unused)],
    ["kept from leaving", `${leaving} packets`],
    ["kept from arriving", `${arriving} packets`],
  ];
  return formatFields(fields, COLUMNS);
}
