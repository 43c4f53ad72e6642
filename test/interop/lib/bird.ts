/** BIRD 2: IPv4 and IPv6 unicast. */
import { join } from "node:path";
import type { Lab } from "./lab.js";
import { command } from "./command.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

export interface BirdOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  readonly name: string;
  readonly address: string;
  /** Its IPv6 next hop: the session runs over IPv4. */
  readonly address6: string;
  readonly neighbor: string;
  readonly as?: number;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** Further lines of the BGP protocol, and of the whole file. */
  readonly bgpLines?: readonly string[];
  /** Further words of both channels. */
  readonly channelWords?: string;
  readonly lines?: readonly string[];
  /** The neighbour is on the link. */
  readonly direct?: boolean;
}

export class Bird {
  readonly program: Program;
  private readonly socket: string;

  private constructor(program: Program, socket: string) {
    this.program = program;
    this.socket = socket;
  }

  static async start(options: BirdOptions): Promise<Bird> {
    const { lab, label, name, address, address6, neighbor, as = 65000 } = options;
    const routes = (list: readonly string[]): string =>
      list.map((prefix) => `  route ${prefix} blackhole;`).join("\n");
    const config = lab.writeFile(
      `${name}.conf`,
      `router id ${address};
log stderr all;
protocol device {}
${(options.lines ?? []).join("\n")}
protocol static static4 { ipv4;
${routes(options.ipv4)}
}
protocol static static6 { ipv6;
${routes(options.ipv6)}
}
protocol bgp reflector {
  local ${address} as ${String(as)};
  neighbor ${neighbor} as ${String(as)};
  strict bind yes;
  ${options.direct === true ? "direct" : "multihop"};
${(options.bgpLines ?? []).join("\n")}
  connect retry time 1;
  connect delay time 0;
  error wait time 1, 2;
  hold time 9;
  ipv4 { import all; export where source = RTS_STATIC; next hop self; gateway recursive; ${options.channelWords ?? ""} };
  ipv6 { import all; export where source = RTS_STATIC; next hop address ${address6}; gateway recursive; ${options.channelWords ?? ""} };
}
`,
    );
    const socket = join(lab.directory, `${name}.ctl`);
    const program = lab.start(label, name, "bird", ["-f", "-c", config, "-s", socket]);
    const bird = new Bird(program, socket);
    await waitFor("BIRD to answer", async () => {
      program.mustRun();
      return bird.birdc("show status");
    });
    return bird;
  }

  birdc(line: string): Promise<string> {
    return command("birdc", ["-s", this.socket, ...line.split(" ")]);
  }

  async waitEstablished(): Promise<void> {
    await waitFor("BIRD to be Established", async () => {
      const text = await this.birdc("show protocols reflector");
      if (!text.includes("Established")) throw new Error(text);
      return true;
    });
  }

  /** Prefixes it learned from the reflector, with its full text about each. */
  async learned(): Promise<Map<string, string>> {
    const text = await this.birdc("show route protocol reflector all");
    const found = new Map<string, string>();
    let current: string | undefined;
    for (const line of text.split("\n")) {
      const prefix = /^([0-9a-f.:]+\/\d+)\s/.exec(line)?.[1];
      if (prefix !== undefined) current = prefix;
      if (current !== undefined) found.set(current, `${found.get(current) ?? ""}${line}\n`);
    }
    return found;
  }
}
