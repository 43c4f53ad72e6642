/** A TPM 2.0 in a VNF's namespace (swtpm), used by what an operator would use: tpm2-tools and a script. */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DIST } from "../../lib/evpnd.js";
import type { Lab } from "../../lib/lab.js";
import { waitFor } from "../../lib/wait.js";

const PORT = 2321;
const TCTI = `swtpm:host=127.0.0.1,port=${String(PORT)}`;
export const CLI = join(DIST, "src", "cli", "main.js");

export class Tpm {
  /** Prints the document for the challenge that is its last argument: an agent's `root.command`. */
  readonly script: string;
  private readonly lab: Lab;
  private readonly label: string;
  private readonly directory: string;

  private constructor(lab: Lab, label: string, pcrs: readonly number[]) {
    this.lab = lab;
    this.label = label;
    this.directory = lab.makeDirectory("tpm");
    this.script = lab.writeFile(
      "quote.sh",
      [
        "#!/bin/sh -e",
        `export TPM2TOOLS_TCTI=${TCTI}`,
        `cd ${this.directory}`,
        `tpm2_quote -Q -c ak.ctx -l sha256:${pcrs.join(",")} -g sha256 -q "$1" -m message -s signature`,
        "tpm2_flushcontext -t",
        `exec ${process.execPath} ${CLI} asmn tpm document --attestation-key ak.pem ` +
          "--message message --signature signature",
        "",
      ].join("\n"),
    );
    chmodSync(this.script, 0o755);
  }

  /** @param pcrs that its quotes are over */
  static async start(lab: Lab, label: string, pcrs: readonly number[]): Promise<Tpm> {
    const tpm = new Tpm(lab, label, pcrs);
    const state = lab.makeDirectory("tpm-state");
    const end = (port: number): string => `type=tcp,port=${String(port)},bindaddr=127.0.0.1`;
    lab.start(label, "swtpm", "swtpm", [
      ...["socket", "--tpm2", "--tpmstate", `dir=${state}`, "--server", end(PORT)],
      ...["--ctrl", end(PORT + 1), "--flags", "not-need-init,startup-clear"],
    ]);
    await waitFor("the TPM to answer", () => tpm.run("tpm2_getcap", "properties-fixed"));
    await tpm.run("tpm2_createek", "-Q", "-G", "ecc", "-c", "ek.ctx");
    const kind = ["-G", "ecc", "-g", "sha256", "-s", "ecdsa", "-f", "pem", "-u", "ak.pem"];
    await tpm.run("tpm2_createak", "-Q", "-C", "ek.ctx", "-c", "ak.ctx", ...kind);
    return tpm;
  }

  /** @param digest hex */
  async extend(pcr: number, digest: string): Promise<void> {
    await this.run("tpm2_pcrextend", `${String(pcr)}:sha256=${digest}`);
  }

  /** Public half of its attestation key. */
  get pem(): string {
    return readFileSync(join(this.directory, "ak.pem"), "utf8");
  }

  /** As it is now. */
  async value(pcr: number): Promise<{ readonly pcr: number; readonly value: string }> {
    await this.run("tpm2_pcrread", "-Q", `sha256:${String(pcr)}`, "-o", "pcr");
    return { pcr, value: readFileSync(join(this.directory, "pcr")).toString("hex") };
  }

  /** Without a resource manager what a tool leaves in the TPM is taken out behind it. */
  private run(tool: string, ...args: readonly string[]): Promise<string> {
    const script = `cd "$0" && "$@" && tpm2_flushcontext -t`;
    return this.lab.run(this.label, "env", [
      ...[`TPM2TOOLS_TCTI=${TCTI}`, "sh", "-c", script, this.directory, tool, ...args],
    ]);
  }
}
