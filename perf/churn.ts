#!/usr/bin/env node
/**
 * evpnd-churn: plays many EVPN PEs against any BGP route reflector, checks what every one of them
 * receives, and reports how long it took. `docs/performance.md` says how to use it.
 */
import { tmpdir } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { compare, type CompareOptions } from "./compare/compare.js";
import { compareFib, type FibOptions } from "./compare/fib.js";
import { routeTargets, type RouteTargetsOptions } from "./compare/route-targets.js";
import { startTarget, TARGET_NAMES } from "./compare/targets.js";
import { versus, type VersusOptions } from "./compare/versus.js";
import { asmnTables, type AsmnOptions } from "./asmn/tables.js";
import { ipsecScale, type IpsecScaleOptions } from "./ipsec/scale.js";
import { besideBgp, type BesideOptions } from "./radius/beside-bgp.js";
import { compareRadius, type RadiusOptions } from "./radius/compare.js";
import { RELAY_NAMES } from "./radius/targets.js";
import { addressText, parseAddress } from "./fleet/universe.js";
import { formatRun } from "./report.js";
import { SCENARIOS } from "./scenario/index.js";
import { INTEREST_SOURCES, type Parameters, type Scenario } from "./scenario/lab.js";
import { GENERAL_DEFAULTS, runScenario, type TargetAddress } from "./scenario/run.js";

const DEFAULT_SOURCE = (127 * 256 + 1) * 65536 + 1;

function wholeNumber(text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError("a whole number is needed.");
  return value;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("a number is needed.");
  return value;
}

function share(text: string): number {
  const value = positiveNumber(text);
  if (value > 1) throw new InvalidArgumentError("a share from 0 to 1 is needed.");
  return value;
}

function sourceAddress(text: string): number | "none" {
  if (text === "none") return text;
  const address = parseAddress(text);
  if (address === undefined) throw new InvalidArgumentError("an IPv4 address or none is needed.");
  return address;
}

interface Row {
  readonly flags: string;
  readonly key: keyof Parameters;
  readonly text: string;
  readonly parse?: (text: string) => number;
  readonly choices?: readonly string[];
}

/** Options that set a parameter; their defaults come from the scenario. */
const PARAMETER_OPTIONS: readonly Row[] = [
  { flags: "--peers <n>", key: "peers", text: "PEs to play", parse: wholeNumber },
  {
    flags: "--routes <n>",
    key: "routes",
    text: "type 2 routes at the start, each of a MAC of its own",
    parse: wholeNumber,
  },
  {
    flags: "--senders <n>",
    key: "senders",
    text: "PEs that announce them; 0 = all",
    parse: wholeNumber,
  },
  {
    flags: "--vnis <n>",
    key: "vnis",
    text: "VNIs, each with a route target of its own",
    parse: wholeNumber,
  },
  {
    flags: "--nlri <n>",
    key: "nlri",
    text: "NLRI per UPDATE of the initial tables",
    parse: wholeNumber,
  },
  {
    flags: "--attr-sets <n>",
    key: "attrSets",
    text: "attribute sets per PE and VNI",
    parse: wholeNumber,
  },
  {
    flags: "--mac-ip-share <x>",
    key: "macIpShare",
    text: "share of routes that carry an IP address",
    parse: share,
  },
  {
    flags: "--shared-rd",
    key: "sharedRd",
    text: "one RD per VNI for all PEs: a MAC that moves keeps its NLRI",
  },
  { flags: "--as <n>", key: "as", text: "AS of everyone (iBGP)", parse: wholeNumber },
  { flags: "--hold <s>", key: "hold", text: "hold time offered", parse: wholeNumber },
  { flags: "--rate <n>", key: "rate", text: "moves per second", parse: positiveNumber },
  { flags: "--seconds <s>", key: "seconds", text: "how long", parse: positiveNumber },
  {
    flags: "--moves <n>",
    key: "moves",
    text: "moves: how many; 0 = every MAC once",
    parse: wholeNumber,
  },
  {
    flags: "--loss-routes <n>",
    key: "lossRoutes",
    text: "pe-loss: routes of the PE that dies",
    parse: wholeNumber,
  },
  {
    flags: "--times <n>",
    key: "times",
    text: "late-joiner, pe-loss: so many PEs, one after the other; api: so many pairs",
    parse: wholeNumber,
  },
  {
    flags: "--goodbye <how>",
    key: "goodbye",
    text: "pe-loss: how it dies",
    choices: ["fin", "rst", "cease"],
  },
  {
    flags: "--before <s>",
    key: "before",
    text: "slow-pe: seconds of churn before it stops reading",
    parse: positiveNumber,
  },
  {
    flags: "--fresh-share <x>",
    key: "freshShare",
    text: "slow-pe: share of churn that is MACs never seen before",
    parse: share,
  },
  {
    flags: "--fresh-life <s>",
    key: "freshLife",
    text: "slow-pe: seconds until such a MAC is withdrawn; 0 = never",
    parse: positiveNumber,
  },
  {
    flags: "--slack <KiB>",
    key: "slack",
    text: "slow-pe: what the target may hold between table and kernel",
    parse: positiveNumber,
  },
  {
    flags: "--enhanced",
    key: "enhanced",
    text: "offer enhanced route refresh (RFC 7313), and want it in refresh",
  },
  {
    flags: "--settle <s>",
    key: "settle",
    text: "longest wait for End-of-RIB before the clock starts",
    parse: positiveNumber,
  },
  {
    flags: "--vnis-per-peer <n>",
    key: "vnisPerPeer",
    text: "VNIs each PE is in; 0 = all",
    parse: wholeNumber,
  },
  {
    flags: "--interest <how>",
    key: "interest",
    text: "interest: how the target knows what a PE wants",
    choices: INTEREST_SOURCES,
  },
  {
    flags: "--changes <n>",
    key: "changes",
    text: "interest: memberships that come and go, one at a time",
    parse: wholeNumber,
  },
  {
    flags: "--audit-url <url>",
    key: "auditUrl",
    text: "soak: address that answers an audit as {ok, findings}",
  },
  {
    flags: "--api-url <url>",
    key: "apiUrl",
    text: "served, api: origin of the target's HTTP API",
  },
  {
    flags: "--grpc <host:port>",
    key: "grpc",
    text: "api: the target's gRPC API",
  },
  {
    flags: "--lookups <n>",
    key: "lookups",
    text: "served: MAC lookups a second meanwhile",
    parse: wholeNumber,
  },
  {
    flags: "--dumps",
    key: "dumps",
    text: "served: the whole FIB is dumped meanwhile, again and again",
  },
];

function parameterOption(row: Row, scenario: Scenario): Option {
  const value = { ...GENERAL_DEFAULTS, ...scenario.defaults }[row.key];
  const shown = typeof value === "boolean" || value === "" ? "" : ` (default: ${value})`;
  const option = new Option(row.flags, row.text + shown);
  if (row.parse !== undefined) option.argParser(row.parse);
  if (row.choices !== undefined) option.choices(row.choices);
  return option;
}

interface CommonOptions extends Partial<Parameters> {
  target: string;
  pid?: number;
  source: number | "none";
  extendedMessage?: boolean;
  patience: number;
  json?: boolean;
  quiet?: boolean;
  evpnd?: string;
  evpndConfig?: string;
  fib?: boolean;
}

function scenarioCommand(scenario: Scenario): Command {
  const command = new Command(scenario.name).description(scenario.summary);
  command.requiredOption(
    "--target <address:port>",
    `the reflector, or one to start for this run: ${TARGET_NAMES.join(", ")}`,
  );
  command.option(
    "--pid <n>",
    "its process id when it runs here: CPU and memory are reported",
    wholeNumber,
  );
  for (const row of PARAMETER_OPTIONS) command.addOption(parameterOption(row, scenario));
  command.option(
    "--source <address|none>",
    `address of the first PE, the others follow (default: ${addressText(DEFAULT_SOURCE)})`,
    sourceAddress,
    DEFAULT_SOURCE,
  );
  command.option("--extended-message", "offer extended messages (RFC 8654)");
  command.option("--patience <s>", "give up after so long without progress", positiveNumber, 20);
  command.option("--evpnd <file>", "with --target evpnd: another build's main.js");
  command.option("--evpnd-config <file>", "with --target evpnd: a configuration file to add");
  command.option("--fib", "with --target evpnd: the MAC FIB is on");
  command.option("--json", "one JSON line instead of a table");
  command.option("--quiet", "no progress line on stderr");
  command.action(async (options: CommonOptions) => {
    process.exitCode = (await runOne(scenario, options)) ? 0 : 1;
  });
  return command;
}

async function runOne(scenario: Scenario, options: CommonOptions): Promise<boolean> {
  const named = TARGET_NAMES.find((name) => name === options.target);
  const running =
    named &&
    (await startTarget(named, {
      evpndMain: options.evpnd,
      evpndConfig: options.evpndConfig,
      fib: options.fib,
    }));
  try {
    const target: TargetAddress = running ?? parseTarget(options.target, options.pid);
    const given = Object.fromEntries(
      PARAMETER_OPTIONS.map(({ key }) => [key, options[key]]).filter(
        ([, value]) => value !== undefined,
      ),
    ) as Partial<Parameters>;
    if (running?.apiUrl !== undefined) {
      given.apiUrl ??= running.apiUrl;
      given.auditUrl ??= `${running.apiUrl}/v1/audit`;
    }
    if (running?.grpc !== undefined) given.grpc ??= running.grpc;
    const record = await runScenario(scenario, given, {
      target: { host: target.host, port: target.port, pid: target.pid },
      sourceBase: options.source === "none" ? undefined : options.source,
      extendedMessage: options.extendedMessage === true,
      patienceSeconds: options.patience,
      progress: options.quiet !== true,
    });
    console.log(options.json === true ? JSON.stringify(record) : formatRun(record));
    return record.passed;
  } finally {
    await running?.stop();
  }
}

function parseTarget(text: string, pid: number | undefined): TargetAddress {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined)
    throw new InvalidArgumentError(
      `--target ${text}: an address with a port is needed, as 192.0.2.1:179, or one of ${TARGET_NAMES.join(", ")}.`,
    );
  return { host, port: Number(match[3]), pid };
}

function compareCommand(): Command {
  return new Command("compare")
    .description("starts evpnd and FRR in turn, several rounds, and prints medians and ratios")
    .option("--rounds <n>", "rounds; every target runs once in each", wholeNumber, 5)
    .option("--only <cases...>", "only cases whose name begins so")
    .option("--quick", "a tenth of the routes and one round: does everything work?")
    .option("--targets <names...>", "who takes part", ["evpnd", "frr", "null"])
    .option("--evpnd <file>", "another build's main.js")
    .option("--json", "JSON lines as the runs end, and one with the result")
    .action(async (options: CompareOptions) => {
      process.exitCode = (await compare(options)) ? 0 : 1;
    });
}

function routeTargetsCommand(): Command {
  return new Command("route-targets")
    .description("evpnd with clients that want few routes: what constraint and lists save")
    .option("--rounds <n>", "rounds; every way runs once in each", wholeNumber, 3)
    .option("--peers <n>", "clients (default: 200)", wholeNumber)
    .option("--routes <n>", "routes (default: 200000)", wholeNumber)
    .option("--vnis <n>", "VNIs (default: 1000), ten for each client", wholeNumber)
    .option("--evpnd <file>", "another build's main.js")
    .option("--json", "JSON lines as the runs end, and one with the result")
    .action(async (options: RouteTargetsOptions) => {
      process.exitCode = (await routeTargets(options)) ? 0 : 1;
    });
}

function fibCommand(): Command {
  return new Command("fib")
    .description("what the MAC FIB and its API cost and give")
    .option("--rounds <n>", "rounds", wholeNumber, 3)
    .option("--evpnd <file>", "another build's main.js")
    .option("--quick", "a tenth of the work and one round: does everything run?")
    .option("--json", "JSON lines as the runs end, and one with the result")
    .action(async (options: FibOptions) => {
      process.exitCode = (await compareFib(options)) ? 0 : 1;
    });
}

function versusCommand(): Command {
  return new Command("versus")
    .description("two builds of evpnd in turn: CPU medians and their ratio")
    .option("--base <dir>", "the old build: a directory with src/main.js in it (default: this one)")
    .option("--dir <dir>", "the new build (default: this one)")
    .option("--rounds <n>", "rounds; both builds run once in each", wholeNumber, 7)
    .option("--rules", "ten policy rules per peer in the new build's configuration")
    .option("--config <file>", "the new build's clients and whatever else, instead of --rules")
    .option("--fib", "the MAC FIB on in the new build")
    .option("--only <cases...>", "only cases whose name begins so")
    .option("--quick", "a tenth of the work and one round: does everything run?")
    .option("--json", "JSON lines as the runs end, and one with the result")
    .action(async (options: VersusOptions) => {
      process.exitCode = (await versus(options)) ? 0 : 1;
    });
}

function radiusCommand(): Command {
  return new Command("radius")
    .description(
      "evpnd's RADIUS relay, FreeRADIUS as a proxy, radsecproxy and a bare forwarder in turn",
    )
    .option("--rounds <n>", "rounds; every relay runs once in each", wholeNumber, 3)
    .option("--only <cases...>", "only cases whose name begins so")
    .option("--targets <names...>", "who takes part", [...RELAY_NAMES])
    .option("--evpnd <file>", "another build's main.js")
    .option("--quick", "a tenth of the requests and one round: does everything run?")
    .option("--json", "JSON lines as the runs end, and one with the result")
    .action(async (options: RadiusOptions) => {
      process.exitCode = (await compareRadius(options)) ? 0 : 1;
    });
}

function ipsecCommand(): Command {
  return new Command("ipsec")
    .description("a thousand tunnels beside a strongSwan: check, load, change ten, render, return")
    .option("--tunnels <n>", "tunnels, to distinct addresses", wholeNumber, 1000)
    .option("--evpnd <file>", "another build's main.js")
    .option("--quick", "fifty tunnels: does everything run?")
    .option("--json", "one JSON line instead of a table")
    .action(async (options: IpsecScaleOptions) => {
      process.exitCode = (await ipsecScale(options)) ? 0 : 1;
    });
}

function radiusBesideBgpCommand(): Command {
  return new Command("radius-beside-bgp")
    .description(
      "MAC moves while RADIUS requests are relayed: by evpnd, or by radsecproxy beside it",
    )
    .option("--rounds <n>", "rounds; every way runs once in each", wholeNumber, 3)
    .option("--evpnd <file>", "another build's main.js")
    .option("--quick", "a second and one round: does everything run?")
    .option("--json", "JSON lines as the runs end, and one with the result")
    .action(async (options: BesideOptions) => {
      process.exitCode = (await besideBgp(options)) ? 0 : 1;
    });
}

function asmnCommand(): Command {
  return new Command("asmn")
    .description("the tables of the ASMN paper beside ours: hashing, traffic, trust")
    .option("--only <parts...>", "only these parts")
    .option("--quick", "small sizes, and no limits: does everything run?")
    .option("--directory <dir>", "where large files go, for as long as it runs", tmpdir())
    .option("--evpnd <file>", "another build's main.js")
    .option("--json", "one JSON line instead of tables")
    .action(async (options: AsmnOptions) => {
      process.exitCode = (await asmnTables(options)) ? 0 : 1;
    });
}

const program = new Command("evpnd-churn")
  .description("plays EVPN PEs against a BGP route reflector and checks what each of them receives")
  .showHelpAfterError("(--help lists the options)");
for (const scenario of SCENARIOS) program.addCommand(scenarioCommand(scenario));
program.addCommand(compareCommand());
program.addCommand(routeTargetsCommand());
program.addCommand(fibCommand());
program.addCommand(versusCommand());
program.addCommand(ipsecCommand());
program.addCommand(radiusCommand());
program.addCommand(radiusBesideBgpCommand());
program.addCommand(asmnCommand());

// an exit by our own hand runs the handlers that stop started targets
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

try {
  await program.parseAsync();
} catch (error) {
  console.error(`evpnd-churn: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
