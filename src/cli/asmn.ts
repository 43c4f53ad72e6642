/** evpnctl asmn: trust checks shown and steered. Each group of verbs has a file of its own (`asmn-….ts`). */
import type { Command } from "commander";
import { addAsmnGate } from "./asmn-gate.js";
import { addAsmnKeys } from "./asmn-keys.js";
import { addAsmnMeasure } from "./asmn-measure.js";
import { addAsmnRegistry } from "./asmn-registry.js";
import { instanceOf, report, scopeOf } from "./asmn-scope.js";
import { instanceText, isUnwell, statusText } from "./asmn-text.js";
import { addAsmnTpm } from "./asmn-tpm.js";
import { addAsmnVnfs } from "./asmn-vnfs.js";
import type { InstanceAnswer, TrustStatusAnswer } from "./asmn-wire.js";
import { EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson, type CliHost } from "./host.js";
import type { DoneAnswer } from "./wire.js";

/** @param asmn the command `evpnctl asmn` */
export function addAsmn(asmn: Command, host: CliHost): void {
  addStatus(asmn, host);
  addAsmnVnfs(asmn, host);
  addTrust(asmn, host);
  addAsmnRegistry(asmn, host);
  addAsmnTpm(asmn, host);
  addAsmnMeasure(asmn, host);
  addAsmnGate(asmn, host);
  addAsmnKeys(asmn, host);
}

function addStatus(asmn: Command, host: CliHost): void {
  asmn
    .command("status")
    .description("Sec-EM, gate and gateway of this evpnd; exit code 1 while something is wrong")
    .action(async (_options: object, command: Command) => {
      const answer = await clientOf(command, host).get<TrustStatusAnswer>("/v1/asmn/status");
      if (isUnwell(answer)) host.code = EXIT.finding;
      if (wantsJson(command)) printJson(host, answer);
      else host.out(statusText(answer, host.columns, host.now()));
    });
}

interface VerifyAnswer {
  readonly outcome: string;
  readonly tookMs: number;
  readonly instance: InstanceAnswer;
}

interface ScopeAnswer {
  readonly changed: number;
  readonly kept: boolean;
}

const OUTCOMES: Readonly<Record<string, string>> = {
  proven: "has proved itself anew",
  refused: "was refused",
  silent: "did not answer in time",
  absent: "is not connected",
};

function addTrust(asmn: Command, host: CliHost): void {
  asmn
    .command("verify")
    .description("ask an instance for a fresh proof; exit code 1 unless it gives one")
    .argument("<instance>", "TENANT/VNF/INSTANCE")
    .action(async (name: string, _options: object, command: Command) => {
      const client = clientOf(command, host);
      const answer = await client.post<VerifyAnswer>("/v1/asmn/verify", {}, instanceOf(name));
      if (answer.outcome !== "proven") host.code = EXIT.finding;
      if (wantsJson(command)) return printJson(host, answer);
      const { outcome, tookMs, instance } = answer;
      host.out(`${name} ${OUTCOMES[outcome] ?? outcome} (${tookMs.toFixed(0)} ms)\n`);
      host.out(instanceText(instance, host.columns, host.now()));
    });
  const scoped = (verb: string, path: string, description: string, done: string): void => {
    asmn
      .command(verb)
      .description(description)
      .argument("<scope>", "TENANT, TENANT/VNF or TENANT/VNF/INSTANCE")
      .requiredOption("--reason <text>", "why: for the audit log, and for whoever asks")
      .action(async (scope: string, { reason }: { reason: string }, command: Command) => {
        const client = clientOf(command, host);
        const body = { ...scopeOf(scope), reason };
        const answer = await client.post<ScopeAnswer>(path, {}, body);
        if (wantsJson(command)) return printJson(host, answer);
        const { changed, kept } = answer;
        host.out(`${scope}: ${changed} instance${changed === 1 ? "" : "s"} ${done}\n`);
        if (!kept) host.err("the disk did not take it: it is lost at a restart\n");
      });
  };
  scoped("revoke", "/v1/asmn/revoke", "take the trust back, at once", "revoked");
  scoped(
    "restore",
    "/v1/asmn/restore",
    "take a revocation, or a clone's stop, back; trusted after the next proof",
    "may prove themselves again",
  );
  asmn
    .command("remove")
    .description("forget an instance")
    .argument("<instance>", "TENANT/VNF/INSTANCE")
    .action(async (name: string, _options: object, command: Command) => {
      const client = clientOf(command, host);
      const path = "/v1/asmn/instances/remove";
      report(await client.post<DoneAnswer>(path, {}, instanceOf(name)), command, host);
    });
}
