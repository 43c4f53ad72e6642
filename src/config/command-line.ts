/** evpnd's command line: which file, and options laid over it. */
import { Command, CommanderError } from "commander";
import { VERSION } from "../util/version.js";
import type { Overlay } from "./overlay.js";

export interface DaemonArguments {
  readonly file: string | undefined;
  readonly overlay: Overlay;
}

export type ParsedArguments =
  | { readonly kind: "run"; readonly arguments: DaemonArguments }
  /** `--help`, `--version` or a mistake; the text went out already. */
  | { readonly kind: "exit"; readonly code: 0 | 2 };

interface Options {
  config?: string;
  as?: string;
  routerId?: string;
  clusterId?: string;
  listen?: string[];
  clients?: string[];
  family?: string[];
  fib?: boolean;
  http?: string;
  logLevel?: string;
  user?: string;
  group?: string;
}

export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** @param words the command line without the interpreter and the script */
export function parseDaemonArguments(words: readonly string[], output: Output): ParsedArguments {
  const command = daemonCommand(output);
  try {
    command.parse([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      return { kind: "exit", code: error.exitCode === 0 ? 0 : 2 };
    }
    throw error;
  }
  const options = command.opts<Options>();
  return { kind: "run", arguments: { file: options.config, overlay: toOverlay(options) } };
}

function daemonCommand(output: Output): Command {
  return new Command("evpnd")
    .description("BGP EVPN route reflector. Without options it starts on loopback, port 1790.")
    .option("-c, --config <file>", "configuration file (YAML)")
    .option("--as <number>", "own AS number")
    .option("--router-id <ip>", "BGP identifier; default: the first IPv4 address listened on")
    .option("--cluster-id <id>", "reflection cluster; default: the router id")
    .option("--listen <address:port>", "where to accept sessions; may be repeated", gather)
    .option("--clients <prefix>", "prefixes whose peers become clients; comma or repeated", gather)
    .option("--family <name>", "families of those clients; default l2vpn-evpn", gather)
    .option("--fib", "keep a MAC FIB, for evpnctl show mac")
    .option("--http <address:port>", "address of the HTTP door, or off")
    .option("--log-level <level>", "debug, info, warn, error or silent")
    .option("--user <name>", "user to become once every port is bound")
    .option("--group <name>", "group to become")
    .version(VERSION, "-V, --version")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
    });
}

const EPILOGUE = `
Options replace what the file says; --clients replaces its dynamic peers.
Exit codes: 0 stopped as asked, 1 a bug, 2 usage or configuration, 3 environment
(port in use, no permission). SIGHUP reads the file again, SIGTERM stops.`;

function gather(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(",").map((part) => part.trim())];
}

function toOverlay(options: Options): Overlay {
  const values: Overlay["values"][number][] = [];
  const put = (option: string, path: string[], value: unknown) => {
    if (value !== undefined) values.push({ option, path, value });
  };
  put("--as", ["as"], numeric(options.as));
  put("--router-id", ["router-id"], options.routerId);
  put("--cluster-id", ["cluster-id"], numeric(options.clusterId));
  put("--listen", ["listen"], options.listen);
  const families = options.family ?? ["l2vpn-evpn"];
  put(
    options.family === undefined ? "--clients" : "--clients, --family",
    ["dynamic-peers"],
    options.clients?.map((prefix) => ({ prefix, client: true, families })),
  );
  if (options.clients === undefined && options.family !== undefined) {
    // No range of its own to put them on: say so by a key the schema knows to be wrong there.
    put("--family (it needs --clients)", ["dynamic-peers"], [{ families }]);
  }
  put("--fib", ["fib", "enabled"], options.fib);
  put("--http", ["http", "listen"], options.http);
  put("--log-level", ["log", "level"], options.logLevel);
  put("--user", ["user"], options.user);
  put("--group", ["group"], options.group);
  const listenAlone = options.listen !== undefined && options.routerId === undefined;
  return { values, drop: listenAlone && options.config === undefined ? ["router-id"] : [] };
}

/** Digits become a number; anything else stays text for the schema to refuse in its own words. */
function numeric(text: string | undefined): string | number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}
