/** evpnctl ipsec check, diff, install, rollback, policy, vteps, risk. */
import type { Command } from "commander";
import { EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import {
  diffText,
  findingsText,
  installText,
  policyText,
  riskText,
  routesText,
} from "./ipsec-policy-text.js";
import type {
  FindingAnswer,
  InstallAnswer,
  PolicyDiffAnswer,
  PolicyStatusAnswer,
  TunnelRiskAnswer,
  TunnelRoutesAnswer,
} from "./ipsec-policy-wire.js";

export function addIpsecPolicy(ipsec: Command, host: CliHost): void {
  ipsec
    .command("check")
    .description("compare both ends of each configured tunnel, and name what is weak")
    .argument("[tunnel]")
    .action(async (tunnel: string | undefined, _options: object, command: Command) => {
      const answer = await clientOf(command, host).get<{
        readonly findings: readonly FindingAnswer[];
        readonly installable: boolean;
      }>("/v1/ipsec/check", { tunnel });
      if (wantsJson(command)) printJson(host, answer);
      else host.out(findingsText(answer.findings, host.columns));
      if (!answer.installable) host.code = EXIT.finding;
    });
  ipsec
    .command("diff")
    .description("what an install would change")
    .action(async (_options: object, command: Command) => {
      const answer = await clientOf(command, host).get<PolicyDiffAnswer>("/v1/ipsec/diff");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(diffText(answer, host.columns));
      if (!answer.installable) host.code = EXIT.finding;
    });
  ipsec
    .command("policy")
    .description("what is configured, what is installed, how an install goes on")
    .action(async (_options: object, command: Command) => {
      const answer = await clientOf(command, host).get<PolicyStatusAnswer>("/v1/ipsec/policy");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(policyText(answer, host.columns, host.now()));
    });
  const done = (command: Command, answer: InstallAnswer): void => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(installText(answer, host.columns));
    if (answer.state === "failed") host.code = EXIT.finding;
  };
  ipsec
    .command("install")
    .description("put what is configured into force, as one policy")
    .option("--expect <digest>", "only if this is still what is configured")
    .action(async (options: { expect?: string }, command: Command) => {
      const client = clientOf(command, host);
      done(command, await client.post<InstallAnswer>("/v1/ipsec/install", {}, options));
    });
  ipsec
    .command("rollback")
    .description("go back to the policy before")
    .action(async (_options: object, command: Command) => {
      const client = clientOf(command, host);
      done(command, await client.post<InstallAnswer>("/v1/ipsec/rollback", {}, {}));
    });
  ipsec
    .command("vteps")
    .description("tunnels with VTEPs behind them: routes, and MACs at risk")
    .action(async (_options: object, command: Command) => {
      const { tunnels } = await clientOf(command, host).get<{
        readonly tunnels: readonly TunnelRoutesAnswer[];
      }>("/v1/ipsec/vteps");
      if (wantsJson(command)) printJson(host, tunnels);
      else host.out(routesText(tunnels, host.columns));
    });
  ipsec
    .command("risk")
    .description("what hangs on one tunnel, MAC by MAC")
    .argument("<tunnel>")
    .action(async (tunnel: string, _options: object, command: Command) => {
      const client = clientOf(command, host);
      const answer = await client.get<TunnelRiskAnswer>("/v1/ipsec/risk", { tunnel });
      if (wantsJson(command)) printJson(host, answer);
      else host.out(riskText(answer, host.columns));
    });
}
