/** evpnctl asmn: trust checks shown and steered. Each group of verbs has a file of its own (`asmn-….ts`). */
import type { Command } from "commander";
import { addAsmnGate } from "./asmn-gate.js";
import { addAsmnKeys } from "./asmn-keys.js";
import { addAsmnMeasure } from "./asmn-measure.js";
import { addAsmnRegistry } from "./asmn-registry.js";
import { instanceOf, report, scopeOf } from "./asmn-scope.js";
import { instancesText, instanceText, isUnwell, statusText } from "./asmn-text.js";
import type { InstanceAnswer, TrustStatusAnswer, VnfAnswer } from "./asmn-wire.js";
import { EXIT } from "./exit.js";
import { clientOf, printJson, safeJson, wantsJson, type CliHost } from "./host.js";
import { formatTable } from "./text.js";
import type { DoneAnswer } from "./wire.js";

/** @param asmn the command `evpnctl asmn` */
export function addAsmn(asmn: Command, host: CliHost): void {
  addStatus(asmn, host);
  addInstances(asmn, host);
  addTrust(asmn, host);
  addAsmnRegistry(asmn, host);
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

interface ListOptions {
  readonly state?: string;
  readonly descriptors?: boolean;
}

function addInstances(asmn: Command, host: CliHost): void {
  asmn
    .command("vnfs")
    .description("instances of VNFs, what is known of each, and why; or one in full")
    .argument("[scope]", "TENANT, TENANT/VNF or TENANT/VNF/INSTANCE")
    .option("--state <state>", "only those: trusted, untrusted, unknown or stale")
    .option("--descriptors", "VNFs as they are registered, with their instances counted")
    .action(async (scope: string | undefined, options: ListOptions, command: Command) => {
      const where = scope === undefined ? {} : scopeOf(scope);
      if (options.descriptors === true) return descriptors(where, command, host);
      const json = wantsJson(command);
      const rows: InstanceAnswer[] = [];
      const query = { ...where, state: options.state };
      for await (const line of clientOf(command, host).lines("/v1/asmn/instances", query)) {
        if (json) host.out(`${safeJson(line)}\n`);
        else rows.push(JSON.parse(line) as InstanceAnswer);
      }
      if (json) return;
      const [only] = rows;
      if ("instance" in where && only !== undefined) {
        return host.out(instanceText(only, host.columns, host.now()));
      }
      if (scope !== undefined && rows.length === 0) host.code = EXIT.notFound;
      host.out(instancesText(rows, host.columns));
    });
}

async function descriptors(
  { tenant }: { readonly tenant?: string },
  command: Command,
  host: CliHost,
): Promise<void> {
  const { vnfs } = await clientOf(command, host).get<{ readonly vnfs: readonly VnfAnswer[] }>(
    "/v1/asmn/vnfs",
    { tenant },
  );
  if (wantsJson(command)) return printJson(host, vnfs);
  if (vnfs.length === 0) return host.out("No VNFs.\n");
  host.out(
    formatTable(
      vnfs,
      [
        { title: "VNF", value: (row) => `${row.tenant}/${row.descriptor.name}`, flexible: true },
        { title: "Role", value: (row) => row.descriptor.role },
        { title: "Bound by", value: (row) => row.descriptor.binding },
        { title: "From", value: (row) => row.source },
        { title: "Images", value: (row) => String(row.images), right: true },
        { title: "Trusted", value: (row) => `${row.trusted} of ${row.instances}`, right: true },
      ],
      host.columns,
    ),
  );
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
