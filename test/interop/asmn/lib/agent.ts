/** `evpnctl asmn agent`, started as an operator starts it, with its own directory and file. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIST } from "../../lib/evpnd.js";
import type { Lab } from "../../lib/lab.js";
import type { Program } from "../../lib/processes.js";
import { waitFor } from "../../lib/wait.js";
import type { AgentStatus } from "../../../../src/asmn/agent/status.js";

const CLI = join(DIST, "src", "cli", "main.js");

export interface AgentOptions {
  readonly lab: Lab;
  /** Namespace label. */
  readonly label: string;
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  /** ADDRESS:PORT of Sec-EMs. */
  readonly secEms: readonly string[];
  readonly rootKeys: readonly string[];
  /** Path of its image. */
  readonly image: string;
  readonly token?: string;
  /** A directory to go on with, for restarts and clones; else a new one. */
  readonly directory?: string;
  readonly renewSeconds?: number;
  /** Further keys of its file, as YAML lines. */
  readonly lines?: readonly string[];
  readonly name?: string;
}

export class AgentProgram {
  readonly directory: string;
  readonly file: string;
  program: Program | undefined;
  private readonly options: AgentOptions;
  private readonly name: string;

  constructor(options: AgentOptions) {
    const { lab, instance } = options;
    this.options = options;
    this.name = options.name ?? `agent-${instance}`;
    this.directory = options.directory ?? lab.makeDirectory(`${this.name}-state`);
    const token = join(lab.directory, `${this.name}.token`);
    if (options.token !== undefined) writeFileSync(token, `${options.token}\n`, { mode: 0o600 });
    this.file = lab.writeFile(
      `${this.name}.yaml`,
      [
        `tenant: ${options.tenant}`,
        `vnf: ${options.vnf}`,
        `instance: ${instance}`,
        `state-dir: ${this.directory}`,
        `sec-em: [${options.secEms.map((each) => JSON.stringify(each)).join(", ")}]`,
        `root-keys: [${options.rootKeys.map((each) => JSON.stringify(each)).join(", ")}]`,
        `token-file: ${token}`,
        `image: {path: ${JSON.stringify(options.image)}}`,
        ...(options.renewSeconds === undefined
          ? []
          : [`renew-seconds: ${String(options.renewSeconds)}`]),
        ...(options.lines ?? []),
        "",
      ].join("\n"),
    );
  }

  /** What the VIM puts into the token. */
  async publicKey(): Promise<string> {
    return (await this.cli("key")).trim();
  }

  /** Writes the token that it enrols with. */
  giveToken(token: string): void {
    writeFileSync(join(this.options.lab.directory, `${this.name}.token`), `${token}\n`, {
      mode: 0o600,
    });
  }

  cli(...words: readonly string[]): Promise<string> {
    const { lab, label } = this.options;
    const [verb = "", ...rest] = words;
    return lab.run(label, process.execPath, [
      ...[CLI, "asmn", "agent", verb, "--config", this.file],
      ...rest,
    ]);
  }

  start(...words: readonly string[]): Program {
    const { lab, label } = this.options;
    this.program = lab.start(label, this.name, process.execPath, [
      ...[CLI, "asmn", "agent", "run", "--config", this.file],
      ...words,
    ]);
    return this.program;
  }

  status(): AgentStatus | undefined {
    const path = join(this.directory, "status.json");
    if (!existsSync(path)) return undefined;
    return JSON.parse(readFileSync(path, "utf8")) as AgentStatus;
  }

  /** Of this run of the program, not of the one before. */
  waitFor(what: string, is: (status: AgentStatus) => boolean): Promise<AgentStatus> {
    return waitFor(`${this.name} ${what}`, () => {
      this.program?.mustRun();
      const status = this.status();
      if (status === undefined || status.pid !== this.program?.pid) return undefined;
      if (!is(status)) throw new Error(`${status.state} (${status.reason}): ${status.sentence}`);
      return status;
    });
  }

  waitTrusted(): Promise<AgentStatus> {
    return this.waitFor("to be trusted", ({ state }) => state === "trusted");
  }
}
