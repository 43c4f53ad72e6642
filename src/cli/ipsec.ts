/** evpnctl ipsec: tunnels, what is wrong with them, and what can be done. */
import type { Command } from "commander";
import { Option } from "commander";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { addIpsecEdit } from "./ipsec-edit.js";
import { addIpsecGuard } from "./ipsec-guard.js";
import { addIpsecGatewayViews } from "./ipsec-gateway-views.js";
import { addIpsecPolicy } from "./ipsec-policy.js";
import { addIpsecSecrets } from "./ipsec-secrets.js";
import { addIpsecTests } from "./ipsec-tests.js";
import {
  eventsText,
  faultsText,
  overviewText,
  statusText,
  traceText,
  tunnelText,
} from "./ipsec-text.js";
import type {
  IpsecEventAnswer,
  TraceAnswer,
  TunnelFaultAnswer,
  TunnelOverviewAnswer,
  TunnelStatusAnswer,
} from "./ipsec-wire.js";
import { wholeNumber } from "./numbers.js";

export function addIpsec(ipsec: Command, host: CliHost): void {
  addShow(ipsec, host);
  addIpsecGatewayViews(ipsec, host);
  addFaults(ipsec, host);
  addTrace(ipsec, host);
  addOrders(ipsec, host);
  addIpsecTests(ipsec, host);
  addIpsecPolicy(ipsec, host);
  addIpsecSecrets(ipsec, host);
  addIpsecEdit(ipsec, host);
  addIpsecGuard(ipsec, host);
}

function addShow(ipsec: Command, host: CliHost): void {
  ipsec
    .command("show")
    .description("every tunnel with its state, or one in full")
    .argument("[tunnel]")
    .action(async (name: string | undefined, _options: object, command: Command) => {
      const answer = await clientOf(command, host).get<TunnelOverviewAnswer>("/v1/ipsec/tunnels");
      const one = answer.tunnels.find(({ tunnel }) => tunnel === name);
      if (name !== undefined && one === undefined) {
        throw new CliError(EXIT.notFound, `no tunnel "${name}" is installed here`);
      }
      if (wantsJson(command)) printJson(host, one ?? answer);
      else if (one === undefined) host.out(overviewText(answer, host.columns, host.now()));
      else host.out(tunnelText(one, host.columns, host.now()));
    });
  ipsec
    .command("status")
    .description("does each tunnel work, in words for everybody")
    .action(async (_options: object, command: Command) => {
      const answer = await clientOf(command, host).get<{
        readonly tunnels: readonly TunnelStatusAnswer[];
      }>("/v1/ipsec/status");
      if (wantsJson(command)) printJson(host, answer.tunnels);
      else host.out(statusText(answer.tunnels, host.columns, host.now()));
    });
}

function addFaults(ipsec: Command, host: CliHost): void {
  ipsec
    .command("faults")
    .description("what is wrong with tunnels, and what to do about it")
    .argument("[tunnel]")
    .option("--ended", "also those that are over")
    .action(async (tunnel: string | undefined, options: { ended?: true }, command: Command) => {
      const query = { tunnel, ended: options.ended === true ? "true" : undefined };
      const { faults } = await clientOf(command, host).get<{
        readonly faults: readonly TunnelFaultAnswer[];
      }>("/v1/ipsec/faults", query);
      if (wantsJson(command)) printJson(host, faults);
      else host.out(faultsText(faults, host.columns, host.now()));
    });
  ipsec
    .command("events")
    .description("what happened to tunnels, the newest last")
    .option("--tunnel <name>", "of this one alone")
    .option("--limit <number>", "the last so many", wholeNumber)
    .action(async (options: { tunnel?: string; limit?: number }, command: Command) => {
      const { events } = await clientOf(command, host).get<{
        readonly events: readonly IpsecEventAnswer[];
      }>("/v1/ipsec/events", { tunnel: options.tunnel, limit: options.limit });
      if (wantsJson(command)) printJson(host, events);
      else host.out(eventsText(events, host.columns));
    });
}

function addTrace(ipsec: Command, host: CliHost): void {
  const trace = ipsec
    .command("trace")
    .description("negotiations message by message; off until asked for");
  const print = (command: Command, answer: TraceAnswer): void => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(traceText(answer, host.columns, host.now()));
  };
  trace
    .command("show")
    .description("what was traced")
    .argument("<tunnel>")
    .action(async (tunnel: string, _options: object, command: Command) => {
      print(command, await clientOf(command, host).get<TraceAnswer>("/v1/ipsec/trace", { tunnel }));
    });
  const switches = [
    ["on", "trace this tunnel's negotiations for a while"],
    ["off", "trace no longer; what was traced stays"],
    ["clear", "forget what was traced"],
  ] as const;
  for (const [action, description] of switches) {
    const verb = trace.command(action).description(description).argument("<tunnel>");
    if (action === "on") verb.option("--seconds <seconds>", "goes off after so long", wholeNumber);
    verb.action(async (tunnel: string, options: { seconds?: number }, command: Command) => {
      const body = { tunnel, action, seconds: options.seconds };
      print(command, await clientOf(command, host).post<TraceAnswer>("/v1/ipsec/trace", {}, body));
    });
  }
}

function addOrders(ipsec: Command, host: CliHost): void {
  const orders = [
    ["initiate", "bring a tunnel up"],
    ["terminate", "end a tunnel; it stays down until it is initiated"],
    ["clear", "both phases from the beginning (clear ike)"],
  ] as const;
  const order = async (command: Command, tunnel: string, action: string): Promise<void> => {
    const answer = await clientOf(command, host).post<{ readonly text: string }>(
      "/v1/ipsec/control",
      {},
      { tunnel, action },
    );
    if (wantsJson(command)) printJson(host, answer);
    else host.out(`${tunnel}: ${answer.text}\n`);
  };
  for (const [action, description] of orders) {
    ipsec
      .command(action)
      .description(description)
      .argument("<tunnel>")
      .action((tunnel: string, _options: object, command: Command) =>
        order(command, tunnel, action),
      );
  }
  ipsec
    .command("rekey")
    .description("new keys beside the old ones")
    .argument("<tunnel>")
    .addOption(new Option("--phase <phase>", "whose keys").choices(["1", "2"]).default("2"))
    .action((tunnel: string, options: { phase: string }, command: Command) =>
      order(command, tunnel, options.phase === "1" ? "rekey-ike" : "rekey"),
    );
}
