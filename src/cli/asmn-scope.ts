/** What a verb of `evpnctl asmn` is about: a tenant, a VNF, an instance; and how it says what was done. */
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import { printJson, wantsJson, type CliHost } from "./host.js";
import type { DoneAnswer } from "./wire.js";

/** `tenant/vnf/instance`, or what is in front of it. */
export function scopeOf(text: string): { tenant: string; vnf?: string; instance?: string } {
  const [tenant = "", vnf, instance, ...more] = text.split("/");
  if (tenant !== "" && vnf !== "" && instance !== "" && more.length === 0) {
    return {
      tenant,
      ...(vnf !== undefined && { vnf }),
      ...(instance !== undefined && { instance }),
    };
  }
  throw new CliError(EXIT.usage, `"${text}" is not TENANT, TENANT/VNF or TENANT/VNF/INSTANCE`);
}

export function vnfOf(text: string): { tenant: string; vnf: string } {
  const { tenant, vnf, instance } = scopeOf(text);
  if (vnf !== undefined && instance === undefined) return { tenant, vnf };
  throw new CliError(EXIT.usage, `"${text}" is not TENANT/VNF`);
}

export function instanceOf(text: string): { tenant: string; vnf: string; instance: string } {
  const { tenant, vnf, instance } = scopeOf(text);
  if (vnf !== undefined && instance !== undefined) return { tenant, vnf, instance };
  throw new CliError(EXIT.usage, `"${text}" is not TENANT/VNF/INSTANCE`);
}

export function report(answer: DoneAnswer, command: Command, host: CliHost): void {
  if (wantsJson(command)) printJson(host, answer);
  else host.out(answer.done.map((line) => `${line}\n`).join(""));
}
