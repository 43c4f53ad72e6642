/** evpnctl inject mac|imet|es|ad|prefix, list, withdraw: routes that evpnd announces for us. */
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { addLife, addOptions, routeOf, TYPES, type TypeRow } from "./inject-options.js";
import type { InjectAnswer, InjectedAnswer, WithdrawAnswer } from "./inject-wire.js";
import { formatAge, formatFields, formatTable } from "./text.js";

interface Life {
  readonly owner: string;
  readonly ttl?: number;
  readonly persist?: boolean;
}

export function addInject(program: Command, host: CliHost): void {
  const inject = program
    .command("inject")
    .description("have evpnd announce EVPN routes of types 1 to 5, and withdraw them again");
  for (const row of TYPES) addType(inject, row, host);

  inject
    .command("list")
    .description("what is injected, by whom, and whether peers are sent it")
    .option("--owner <name>", "of this owner only")
    .option("--type <type>", "mac, imet, es, ad or prefix")
    .action(async (options: { owner?: string; type?: string }, command: Command) => {
      const lines = clientOf(command, host).lines("/v1/injected", { ...options });
      const json = wantsJson(command);
      const rows: InjectedAnswer[] = [];
      for await (const line of lines) {
        if (json) host.out(`${safeJson(line)}\n`);
        else rows.push(JSON.parse(line) as InjectedAnswer);
      }
      if (!json) host.out(formatInjected(rows, host.columns, host.now()));
    });

  inject
    .command("withdraw")
    .description("withdraw injected routes: those named, or with --all every one of an owner")
    .argument("[route...]", "as inject list names them")
    .option("--owner <name>", "whose routes", "evpnctl")
    .option("--all", "all of the owner's")
    .action(
      async (
        routes: readonly string[],
        { owner, all }: { owner: string; all?: boolean },
        command: Command,
      ) => {
        if ((routes.length === 0) !== (all === true)) {
          throw new CliError(EXIT.usage, "name routes, or say --all");
        }
        const body = { owner, ...(routes.length > 0 && { routes }) };
        const client = clientOf(command, host);
        const answer = await client.post<WithdrawAnswer>("/v1/injected/withdraw", {}, body);
        if (wantsJson(command)) printJson(host, answer);
        else host.out(`${answer.withdrawn} withdrawn\n`);
      },
    );
}

function addType(inject: Command, row: TypeRow, host: CliHost): void {
  const command = inject.command(row.type).description(row.summary);
  if (row.argument !== undefined) command.argument(row.argument[0], row.argument[2]);
  addLife(addOptions(command, row)).action(async (...given: unknown[]) => {
    const self = given.pop() as Command;
    const options = given.pop() as Life & Record<string, unknown>;
    const argument = given[0] as string | undefined;
    const { owner, ttl, persist } = options;
    const body = {
      owner,
      routes: [routeOf(row, argument, options)],
      ...(ttl !== undefined && { ttlSeconds: ttl }),
      ...(persist === true && { persist }),
    };
    const answer = await clientOf(self, host).post<InjectAnswer>("/v1/injected", {}, body);
    if (wantsJson(self)) printJson(host, answer);
    else for (const one of answer.routes) host.out(formatOne(one, host.now(), host.columns));
  });
}

function formatOne(row: InjectedAnswer, now: number, width: number): string {
  return formatFields(
    [
      ["Route", row.route],
      ["Next hop", row.spec.nextHop],
      ["Route targets", row.spec.routeTargets?.join(" ")],
      ["Owner", row.owner],
      ["Expires", row.expires === undefined ? undefined : `in ${formatAge(row.expires - now)}`],
      ["Kept", row.persist ? "over a restart" : undefined],
      ["Sent", row.best ? "yes" : `no: ${row.reason}`],
    ],
    width,
  );
}

export function formatInjected(
  rows: readonly InjectedAnswer[],
  width: number,
  now: number,
): string {
  if (rows.length === 0) return "Nothing is injected.\n";
  return formatTable(
    rows,
    [
      { title: "Owner", value: (row) => row.owner },
      { title: "Route", value: (row) => row.route },
      { title: "Sent", value: (row) => (row.best ? "yes" : "no") },
      { title: "Left", value: (row) => left(row, now), right: true },
    ],
    width,
  );
}

/** Kept ones stay over a restart. */
function left({ expires, persist }: InjectedAnswer, now: number): string {
  if (expires !== undefined) return formatAge(expires - now);
  return persist ? "kept" : "";
}
