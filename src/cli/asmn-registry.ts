/** evpnctl asmn catalog, image, token: what the Sec-EM is told before anybody proves anything. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { Option } from "commander";
import { catalogsText, diffText, scopeText } from "./asmn-text.js";
import type {
  CatalogAnswer,
  CatalogDiffAnswer,
  ImageAnswer,
  LineAnswer,
  TokenAnswer,
} from "./asmn-wire.js";
import { instanceOf, report, scopeOf, vnfOf } from "./asmn-scope.js";
import { durationSeconds } from "./duration.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson, type CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { formatAge, formatTable, shorten } from "./text.js";
import type { DoneAnswer } from "./wire.js";

const NAME = 24;
/** Of a digest, enough to tell two apart. */
const DIGITS = 16;

export function addAsmnRegistry(asmn: Command, host: CliHost): void {
  addCatalog(asmn, host);
  addImage(asmn, host);
  addToken(asmn, host);
}

export async function linesOf(file: string, host: CliHost): Promise<readonly LineAnswer[]> {
  let text: string;
  try {
    text =
      file === "-"
        ? Buffer.from(await host.readStdin()).toString("utf8")
        : readFileSync(file, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${file} cannot be read (${code}); check the path`);
  }
  const { formatIssue, readCatalogFile } = await import("../config/index.js");
  const result = readCatalogFile(text, file === "-" ? "standard input" : file);
  // What is undefined is not sent.
  if (result.ok) return result.entries as readonly LineAnswer[];
  throw new CliError(EXIT.finding, result.issues.map(formatIssue).join("\n"));
}

function addCatalog(asmn: Command, host: CliHost): void {
  const catalog = asmn
    .command("catalog")
    .description("Sec-catalogs: what may pass between the VNFs of a tenant");
  catalog
    .command("show")
    .description("catalogs in force")
    .argument("[tenant]")
    .action(async (tenant: string | undefined, _options: object, command: Command) => {
      const { catalogs } = await clientOf(command, host).get<{
        readonly catalogs: readonly CatalogAnswer[];
      }>("/v1/asmn/catalogs", { tenant });
      if (wantsJson(command)) printJson(host, catalogs);
      else host.out(catalogsText(catalogs, host.columns));
    });
  catalog
    .command("diff")
    .description("what applying a file would change")
    .argument("<tenant>")
    .argument("<file>", "YAML with catalog: […]; - = standard input")
    .action(async (tenant: string, file: string, _options: object, command: Command) => {
      const body = { tenant, entries: await linesOf(file, host) };
      const client = clientOf(command, host);
      const answer = await client.post<CatalogDiffAnswer>("/v1/asmn/catalogs/diff", {}, body);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(diffText(answer, host.columns));
    });
  catalog
    .command("apply")
    .description("lines beyond those of the configuration, in place of those applied before")
    .argument("<tenant>")
    .argument("<file>", "YAML with catalog: […]; - = standard input")
    .action(async (tenant: string, file: string, _options: object, command: Command) => {
      const body = { tenant, entries: await linesOf(file, host) };
      const client = clientOf(command, host);
      const answer = await client.post<CatalogAnswer>("/v1/asmn/catalogs", {}, body);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(catalogsText([answer], host.columns));
    });
}

interface ImageOptions {
  readonly release: string;
  readonly manifest?: string;
  readonly signer?: string;
  readonly signature?: string;
  readonly overlap?: number;
}

function addImage(asmn: Command, host: CliHost): void {
  const image = asmn.command("image").description("images that VNFs may run");
  const show = (rows: readonly ImageAnswer[], command: Command): void => {
    if (wantsJson(command)) printJson(host, rows);
    else host.out(imagesText(rows, host.columns, host.now()));
  };
  image
    .command("list")
    .description("images of a VNF, and until when each is good")
    .argument("<vnf>", "TENANT/VNF")
    .action(async (vnf: string, _options: object, command: Command) => {
      const { images } = await clientOf(command, host).get<{
        readonly images: readonly ImageAnswer[];
      }>("/v1/asmn/images", vnfOf(vnf));
      show(images, command);
    });
  image
    .command("register")
    .description("register an image; those before stay good for the overlap")
    .argument("<vnf>", "TENANT/VNF")
    .argument("<digest>", "as evpnctl asmn measure prints it")
    .requiredOption("--release <text>", "its version, for people")
    .option("--manifest <digest>", "of the run-time manifest that it starts with")
    .option("--signer <name>", "package key that signed it")
    .option("--signature <hex>", "its signature")
    .option("--overlap <time>", "how long those before stay good: 0, 2h, 7d", durationSeconds)
    .action(async (vnf: string, digest: string, options: ImageOptions, command: Command) => {
      const { release: version, manifest, signer, signature, overlap: overlapSeconds } = options;
      const body = { ...vnfOf(vnf), digest, version, manifest, signer, signature, overlapSeconds };
      const client = clientOf(command, host);
      show([await client.post<ImageAnswer>("/v1/asmn/images", {}, body)], command);
    });
  image
    .command("withdraw")
    .description("an image is good no more: who runs it is untrusted at once")
    .argument("<vnf>", "TENANT/VNF")
    .argument("<digest>")
    .action(async (vnf: string, digest: string, _options: object, command: Command) => {
      const body = { ...vnfOf(vnf), digest };
      const client = clientOf(command, host);
      report(await client.post<DoneAnswer>("/v1/asmn/images/withdraw", {}, body), command, host);
    });
}

function imagesText(rows: readonly ImageAnswer[], width: number, now: number): string {
  if (rows.length === 0) return "No images.\n";
  return formatTable(
    rows,
    [
      { title: "Digest", value: ({ digest }) => digest.slice(0, DIGITS) },
      { title: "Version", value: ({ version }) => version, flexible: true },
      { title: "Signed by", value: ({ signer = "nobody" }) => shorten(signer, NAME) },
      { title: "Registered", value: (row) => formatAge(now - row.registeredAt), right: true },
      { title: "Good", value: (row) => goodText(row, now), right: true },
    ],
    width,
  );
}

function goodText({ valid, validUntil }: ImageAnswer, now: number): string {
  if (!valid) return "no more";
  return validUntil === undefined ? "yes" : `for ${formatAge(validUntil - now)}`;
}

interface TokenOptions {
  readonly image: string;
  readonly publicKey?: string;
  readonly address?: string[];
  readonly as?: number;
  readonly routerId?: string;
  readonly binding?: string;
  readonly lifetime?: number;
  readonly replace?: boolean;
}

function addToken(asmn: Command, host: CliHost): void {
  const token = asmn.command("token").description("one-time tokens with which instances enrol");
  token
    .command("list")
    .description("tokens, without their secrets")
    .argument("[scope]", "TENANT, TENANT/VNF or TENANT/VNF/INSTANCE")
    .action(async (scope: string | undefined, _options: object, command: Command) => {
      const { tokens } = await clientOf(command, host).get<{
        readonly tokens: readonly TokenAnswer[];
      }>("/v1/asmn/tokens", scope === undefined ? {} : scopeOf(scope));
      if (wantsJson(command)) printJson(host, tokens);
      else host.out(tokensText(tokens, host.columns, host.now()));
    });
  token
    .command("issue")
    .description("make a token: it goes to standard output, this once and never again")
    .argument("<instance>", "TENANT/VNF/INSTANCE")
    .requiredOption("--image <digest>", "image that the instance must run")
    .option(
      "--public-key <hex>",
      "key that it must enrol with (evpnctl asmn agent key); default: any",
    )
    .option("--address <address...>", "addresses of its sessions; default: its descriptor's")
    .option("--as <number>", "AS of its sessions", wholeNumber)
    .option("--router-id <id>", "BGP identifier of its sessions")
    .addOption(
      new Option("--binding <kind>", "how its sessions are bound").choices([
        "tls-proxy",
        "tcp-md5",
        "address",
      ]),
    )
    .option("--lifetime <time>", "how long it is good: 10m, 2h", durationSeconds)
    .option("--replace", "the instance is known, and begins anew")
    .action(async (name: string, options: TokenOptions, command: Command) => {
      const { image, publicKey, address: addresses, as, routerId, binding } = options;
      const { lifetime: lifetimeSeconds, replace = false } = options;
      const body = {
        ...instanceOf(name),
        ...{ image, publicKey, addresses, as, routerId, binding, lifetimeSeconds, replace },
      };
      const answer = await clientOf(command, host).post<{
        readonly id: string;
        readonly token: string;
        readonly expires: number;
      }>("/v1/asmn/tokens", {}, body);
      if (wantsJson(command)) return printJson(host, answer);
      host.out(`${answer.token}\n`);
      const left = formatAge(answer.expires - host.now());
      host.err(`token ${answer.id} for ${name}, good for ${left}\n`);
    });
  token
    .command("withdraw")
    .description("a token is good for nothing any more")
    .argument("<id>")
    .action(async (id: string, _options: object, command: Command) => {
      const client = clientOf(command, host);
      report(await client.post<DoneAnswer>("/v1/asmn/tokens/withdraw", {}, { id }), command, host);
    });
}

function tokensText(rows: readonly TokenAnswer[], width: number, now: number): string {
  if (rows.length === 0) return "No tokens.\n";
  return formatTable(
    rows,
    [
      { title: "Token", value: ({ id }) => id },
      { title: "Instance", value: (row) => scopeText(row), flexible: true },
      { title: "State", value: ({ state }) => state },
      { title: "By", value: ({ issuedBy }) => shorten(issuedBy, NAME) },
      {
        title: "Left",
        value: ({ state, expires }) => (state === "open" ? formatAge(expires - now) : ""),
        right: true,
      },
    ],
    width,
  );
}
