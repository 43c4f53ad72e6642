/** evpnctl clear peer, shutdown peer, enable peer: what changes a running evpnd. */
import { Argument, Option } from "commander";
import type { Command } from "commander";
import { FAMILIES } from "../fast-bgp-codec/family.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import type { DoneAnswer } from "./wire.js";

const WAYS = ["soft", "in", "out"];

export function addActions(program: Command, host: CliHost): void {
  const report = (answer: DoneAnswer, command: Command) => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(answer.done.map((line) => `${line}\n`).join(""));
  };
  const path = (address: string, verb: string) =>
    `/v1/peers/${encodeURIComponent(address)}/${verb}`;

  program
    .command("clear")
    .description("reset a session, or refresh its routes without a reset")
    .command("peer")
    .description("reset the session; with soft in or soft out only refresh its routes")
    .argument("<address>")
    .addArgument(new Argument("[soft]", "no reset; in or out alone mean the same").choices(WAYS))
    .addArgument(new Argument("[direction]", "which way").choices(["in", "out"]))
    .addOption(
      new Option("--family <name>", "soft: this family only").choices(
        FAMILIES.map((spec) => spec.name),
      ),
    )
    .option("--text <text>", "reset: reason told to the peer")
    .action(
      async (
        address: string,
        soft: string | undefined,
        direction: string | undefined,
        options: { family?: string; text?: string },
        command: Command,
      ) => {
        const client = clientOf(command, host);
        if (soft === undefined) {
          const body = { text: options.text ?? "" };
          report(await client.post<DoneAnswer>(path(address, "reset"), {}, body), command);
          return;
        }
        const way = soft === "soft" ? direction : soft;
        if (way === undefined) {
          throw new CliError(EXIT.usage, "say soft in (ask the peer) or soft out (send again)");
        }
        const query = { family: options.family };
        report(await client.post<DoneAnswer>(path(address, `soft-${way}`), query), command);
      },
    );

  program
    .command("shutdown")
    .description("take a session down until enable")
    .command("peer")
    .argument("<address>")
    .option("--text <text>", "reason told to the peer, at most 128 octets (RFC 9003)")
    .action(async (address: string, options: { text?: string }, command: Command) => {
      const body = { text: options.text ?? "" };
      const client = clientOf(command, host);
      report(await client.post<DoneAnswer>(path(address, "shutdown"), {}, body), command);
    });

  program
    .command("enable")
    .description("let a session that was shut down come up")
    .command("peer")
    .argument("<address>")
    .action(async (address: string, _options: object, command: Command) => {
      const client = clientOf(command, host);
      report(await client.post<DoneAnswer>(path(address, "enable")), command);
    });
}
