/** evpnctl ipsec sa, cookies, isakmp, crypto: what gateways show of tunnels, in their form. */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { cookieText, cryptoText, isakmpText, saText } from "./ipsec-gateway-text.js";
import type {
  CookieListAnswer,
  CryptoSaAnswer,
  IsakmpListAnswer,
  SaListAnswer,
} from "./ipsec-wire.js";

export function addIpsecGatewayViews(ipsec: Command, host: CliHost): void {
  ipsec
    .command("sa")
    .description("phase-2 SAs as ScreenOS shows them (get sa)")
    .option("--active", "without tunnels that have none")
    .action(async (options: { active?: true }, command: Command) => {
      const query = { active: options.active === true ? "true" : undefined };
      const answer = await clientOf(command, host).get<SaListAnswer>("/v1/ipsec/sa", query);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(saText(answer));
    });
  ipsec
    .command("cookies")
    .description("phase-1 SAs as ScreenOS shows them (get ike cookies)")
    .action(async (_options: object, command: Command) => {
      const answer = await clientOf(command, host).get<CookieListAnswer>("/v1/ipsec/cookies");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(cookieText(answer));
    });
  ipsec
    .command("isakmp")
    .description("phase-1 SAs as PIX shows them (show crypto isakmp sa)")
    .action(async (_options: object, command: Command) => {
      const answer = await clientOf(command, host).get<IsakmpListAnswer>("/v1/ipsec/isakmp");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(isakmpText(answer, host.columns));
    });
  ipsec
    .command("crypto")
    .description("phase-2 SAs as PIX shows them (show crypto ipsec sa)")
    .argument("[tunnel]")
    .action(async (tunnel: string | undefined, _options: object, command: Command) => {
      const { rows } = await clientOf(command, host).get<{
        readonly rows: readonly CryptoSaAnswer[];
      }>("/v1/ipsec/crypto", { tunnel });
      if (wantsJson(command)) printJson(host, rows);
      else host.out(cryptoText(rows));
    });
}
