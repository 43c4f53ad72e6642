/** evpnctl asmn dry-run, gateway: where trust takes effect. */
import type { Command } from "commander";
import { gatedText, trafficText } from "./asmn-text.js";
import type { GatedPeersAnswer, TrafficGatewayAnswer } from "./asmn-wire.js";
import { report } from "./asmn-scope.js";
import { clientOf, printJson, wantsJson, type CliHost } from "./host.js";
import type { DoneAnswer } from "./wire.js";

export function addAsmnGate(asmn: Command, host: CliHost): void {
  asmn
    .command("dry-run")
    .description("peers that are gated, or would be, and why")
    .action(async (_options: object, command: Command) => {
      const client = clientOf(command, host);
      const answer = await client.get<GatedPeersAnswer>("/v1/asmn/gate/peers");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(gatedText(answer, host.columns));
    });
  const gateway = asmn.command("gateway").description("what passes between VNFs on this machine");
  gateway
    .command("show", { isDefault: true })
    .description("instances, flows, and what is wrong")
    .action(async (_options: object, command: Command) => {
      const client = clientOf(command, host);
      const answer = await client.get<TrafficGatewayAnswer>("/v1/asmn/gateway");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(trafficText(answer, host.columns, host.now()));
    });
  gateway
    .command("rules")
    .description("its rules, for nft")
    .action(async (_options: object, command: Command) => {
      const client = clientOf(command, host);
      const answer = await client.get<{ readonly script: string }>("/v1/asmn/gateway/rules");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(answer.script);
    });
  const control = (action: string, description: string): void => {
    gateway
      .command(action)
      .description(description)
      .action(async (_options: object, command: Command) => {
        const path = "/v1/asmn/gateway/control";
        report(await clientOf(command, host).post<DoneAnswer>(path, {}, { action }), command, host);
      });
  };
  control("repair", "look whether the kernel has what it should, and put it back");
  control("remove", "take rules and queues out of the kernel: everything passes");
  control("install", "begin anew behind remove: closed until the feed has told everything");
}
