/**
 * ExaBGP 4.2. It has no EVPN syntax, but sends any attribute as bytes: an EVPN route rides as
 * MP_REACH_NLRI on an IPv4 announcement, one UPDATE with both. What it receives it writes as JSON,
 * with the bytes.
 */
import { appendFileSync, chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandSync } from "./command.js";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";
import { bytesOf, WireTable } from "./wire.js";

export interface ExabgpOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  readonly name: string;
  readonly address: string;
  readonly neighbor: string;
  readonly as?: number;
  /** As ExaBGP names them: `l2vpn evpn`, `ipv4 unicast`. */
  readonly families: readonly string[];
}

interface Line {
  readonly type: string;
  readonly header?: string;
  readonly body?: string;
  readonly neighbor?: {
    readonly direction?: string;
    readonly state?: string;
    readonly message?: {
      readonly update?: { readonly announce?: Record<string, Record<string, object[]>> };
    };
  };
}

export class Exabgp {
  readonly program: Program;
  private readonly commands: string;
  private readonly output: string;

  private constructor(program: Program, commands: string, output: string) {
    this.program = program;
    this.commands = commands;
    this.output = output;
  }

  static start(options: ExabgpOptions): Exabgp {
    const { lab, label, name, address, neighbor, as = 65000 } = options;
    const directory = lab.makeDirectory(name);
    const commands = join(directory, "commands");
    const output = join(directory, "received.jsonl");
    commandSync("mkfifo", [commands]);
    const script = lab.writeFile(
      "exabgp-api.sh",
      `#!/bin/sh\ncat <> ${commands} &\nexec cat > ${output}\n`,
    );
    chmodSync(script, 0o755);
    const config = lab.writeFile(
      `${name}.conf`,
      `process api { run ${script}; encoder json; }
neighbor ${neighbor} {
  local-address ${address};
  router-id ${address};
  local-as ${String(as)};
  peer-as ${String(as)};
  hold-time 30;
  family { ${options.families.map((family) => `${family};`).join(" ")} }
  api { processes [ api ]; neighbor-changes; receive { parsed; packets; consolidate; open; update; notification; } }
}
`,
    );
    const program = lab.start(label, name, "exabgp", [config], {
      "exabgp.daemon.user": "root",
      "exabgp.daemon.drop": "false",
      "exabgp.api.ack": "false",
      "exabgp.api.cli": "false",
    });
    return new Exabgp(program, commands, output);
  }

  /** A command of its API. */
  say(line: string): void {
    appendFileSync(this.commands, `${line}\n`);
  }

  async waitEstablished(): Promise<void> {
    await waitFor("ExaBGP to be up", () => {
      this.program.mustRun();
      return this.lines().some((line) => line.type === "state" && line.neighbor?.state === "up");
    });
  }

  /** What it says it received, from the bytes it shows. */
  table(): WireTable {
    const table = new WireTable();
    for (const line of this.updates()) {
      table.apply(bytesOf(`${line.header?.slice(2) ?? ""}${line.body?.slice(2) ?? ""}`));
    }
    return table;
  }

  /** Hex of every EVPN NLRI it parsed and shows as announced. */
  parsedEvpn(): Set<string> {
    const raw = this.updates().flatMap((line) =>
      Object.values(line.neighbor?.message?.update?.announce?.["l2vpn evpn"] ?? {}).flat(),
    );
    return new Set(raw.map((each) => String((each as { raw?: string }).raw).toLowerCase()));
  }

  private updates(): Line[] {
    return this.lines().filter(
      (line) =>
        line.type === "update" &&
        line.neighbor?.direction === "receive" &&
        line.header !== undefined,
    );
  }

  private lines(): Line[] {
    if (!existsSync(this.output)) return [];
    const whole = readFileSync(this.output, "utf8").split("\n").slice(0, -1);
    return whole.map((line) => JSON.parse(line) as Line);
  }
}
