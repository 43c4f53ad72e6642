/** evpnctl asmn vnfs: instances and why each is trusted or not; descriptors, registered and forgotten. */
import { Option, type Command } from "commander";
import { linesOf } from "./asmn-registry.js";
import { report, scopeOf, vnfOf } from "./asmn-scope.js";
import { instancesText, instanceText } from "./asmn-text.js";
import type { InstanceAnswer, VnfAnswer } from "./asmn-wire.js";
import { EXIT } from "./exit.js";
import { clientOf, printJson, safeJson, wantsJson, type CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { formatTable } from "./text.js";
import type { DoneAnswer } from "./wire.js";

interface ListOptions {
  readonly state?: string;
  readonly descriptors?: boolean;
}

interface AddOptions {
  readonly address: readonly string[];
  readonly role?: string;
  readonly as?: number;
  readonly routerId?: string;
  readonly binding?: string;
  readonly rootOfTrust?: string;
  readonly maxInstances?: number;
  readonly allowedChange?: readonly string[];
  readonly catalog?: string;
}

export function addAsmnVnfs(asmn: Command, host: CliHost): void {
  const vnfs = asmn
    .command("vnfs")
    .description("VNFs and their instances, and why each is trusted");
  vnfs
    .command("list", { isDefault: true })
    .description("instances of VNFs, what is known of each, and why; or one in full")
    .argument("[scope]", "TENANT, TENANT/VNF or TENANT/VNF/INSTANCE")
    .option("--state <state>", "only those: trusted, untrusted, unknown or stale")
    .option("--descriptors", "VNFs as they are registered, with their instances counted")
    .action(async (scope: string | undefined, options: ListOptions, command: Command) => {
      const where: Partial<ReturnType<typeof scopeOf>> = scope === undefined ? {} : scopeOf(scope);
      if (options.descriptors === true) {
        const path = "/v1/asmn/vnfs";
        const answer = await clientOf(command, host).get<{ readonly vnfs: readonly VnfAnswer[] }>(
          path,
          { tenant: where.tenant },
        );
        return descriptors(answer.vnfs, command, host);
      }
      const json = wantsJson(command);
      const rows: InstanceAnswer[] = [];
      const query = { ...where, state: options.state };
      for await (const line of clientOf(command, host).lines("/v1/asmn/instances", query)) {
        if (json) host.out(`${safeJson(line)}\n`);
        else rows.push(JSON.parse(line) as InstanceAnswer);
      }
      if (json) return;
      const [only] = rows;
      if (where.instance !== undefined && only !== undefined) {
        return host.out(instanceText(only, host.columns, host.now()));
      }
      if (scope !== undefined && rows.length === 0) host.code = EXIT.notFound;
      host.out(instancesText(rows, host.columns));
    });
  addAdd(vnfs, host);
  vnfs
    .command("remove")
    .description("forget a VNF that was added so; its instances are revoked")
    .argument("<vnf>", "TENANT/VNF")
    .action(async (vnf: string, _options: object, command: Command) => {
      const client = clientOf(command, host);
      const path = "/v1/asmn/vnfs/remove";
      report(await client.post<DoneAnswer>(path, {}, vnfOf(vnf)), command, host);
    });
}

function addAdd(vnfs: Command, host: CliHost): void {
  const word = (flags: string, description: string, choices: string[]): Option =>
    new Option(flags, description).choices(choices);
  vnfs
    .command("add")
    .description("register a VNF beyond those of the configuration, or change one added so")
    .argument("<vnf>", "TENANT/VNF")
    .requiredOption("--address <address...>", "addresses of its sessions, and of its agents")
    .addOption(
      word("--role <role>", "what it is; default: edge", ["reflector", "edge", "relay", "gateway"]),
    )
    .option("--as <number>", "AS of its sessions", wholeNumber)
    .option("--router-id <id>", "BGP identifier of its sessions")
    .addOption(
      word("--binding <kind>", "how its sessions are bound; default: address", [
        "tls-proxy",
        "tcp-md5",
        "address",
      ]),
    )
    .addOption(
      word("--root-of-trust <kind>", "what must vouch for its measurement; default: none", [
        "none",
        "platform",
        "tpm",
      ]),
    )
    .option("--max-instances <number>", "most instances; default: 1", wholeNumber)
    .option("--allowed-change <kind:name...>", "what its agents leave out of the manifest")
    .option("--catalog <file>", "its lines: YAML with catalog: […]; - = standard input")
    .action(async (vnf: string, options: AddOptions, command: Command) => {
      const { tenant, vnf: name } = vnfOf(vnf);
      const { address: addresses, role, as, routerId, binding, rootOfTrust } = options;
      const { maxInstances, allowedChange: allowedChanges, catalog: file } = options;
      const catalog = file === undefined ? undefined : await linesOf(file, host);
      const body = {
        ...{ tenant, name, role, addresses, as, routerId, binding, rootOfTrust },
        ...{ maxInstances, allowedChanges, catalog },
      };
      const client = clientOf(command, host);
      const answer = await client.post<VnfAnswer>("/v1/asmn/vnfs", {}, body);
      if (wantsJson(command)) printJson(host, answer);
      else descriptors([answer], command, host);
    });
}

function descriptors(vnfs: readonly VnfAnswer[], command: Command, host: CliHost): void {
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
