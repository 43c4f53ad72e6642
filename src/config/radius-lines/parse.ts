/**
 * Configuration lines of an edge router's RADIUS relay, read: modes, `no` forms and limits as there. Prompts
 * (`host1(config-radius-relay)#`), comments (`!`) and `exit`, `end`, `configure terminal` are understood.
 * No issue quotes a secret.
 */
import { isIPv4 } from "node:net";
import { matchCommand, type CommandRow, type Mode } from "./commands.js";
import {
  DEFAULT_ROUTER,
  LINE_SECRET_MAX,
  newRouter,
  type LineIssue,
  type LineRelay,
  type LineRouter,
  type LineServer,
  type RelayKind,
  type ServerKind,
} from "./model.js";

export interface ParsedLines {
  readonly routers: readonly LineRouter[];
  readonly issues: readonly LineIssue[];
}

export function parseLines(text: string): ParsedLines {
  const parser = new Parser();
  for (const [index, line] of text.split(/\r?\n/).entries()) parser.take(line, index + 1);
  return parser.done();
}

class Parser {
  private readonly routers = new Map<string, LineRouter>();
  private readonly issues: LineIssue[] = [];
  private mode: Mode = "global";
  private router: LineRouter;
  private relay: LineRelay | undefined;
  private server: LineServer | undefined;
  private line = 0;

  constructor() {
    this.router = this.routerOf(DEFAULT_ROUTER);
  }

  take(text: string, line: number): void {
    this.line = line;
    const plain = text.replace(/^\s*[\w.:-]+(\([\w-]+\))?[#>]\s*/, "").trim();
    if (plain === "" || plain.startsWith("!")) return;
    const all = plain.split(/\s+/);
    if (this.changesMode(all.join(" "))) return;
    const isNo = all[0] === "no";
    const words = isNo ? all.slice(1) : all;
    const found = matchCommand(words, isNo, this.mode);
    if (found === undefined) {
      this.error(`no such command in ${MODES[this.mode]}: "${words[0] ?? ""}…"`);
    } else if (isNo && !found.row.hasNo) {
      this.error(`"${found.row.words}" has no "no" form`);
    } else if (found.row.mode === "exec") {
      const verb = found.row.evpnctl ?? "";
      this.error(`"${found.row.words}" is no configuration; use evpnctl ${verb}`);
    } else this.run(found.row, found.values, isNo);
  }

  done(): ParsedLines {
    const routers = [...this.routers.values()].filter(
      ({ relays, servers }) => relays.size > 0 || servers.length > 0,
    );
    return { routers, issues: this.issues };
  }

  private changesMode(plain: string): boolean {
    if (plain === "exit" || plain === "end") this.mode = "global";
    else if (!/^(configure( terminal)?|enable)$/.test(plain)) return false;
    return true;
  }

  private run(row: CommandRow, values: Readonly<Record<string, string>>, isNo: boolean): void {
    switch (row.id) {
      case "virtual-router":
        // It becomes part of the names of files.
        if (!NAME.test(values["name"] ?? "")) {
          this.error("a virtual router's name has letters, digits, dots, dashes and underscores");
          return;
        }
        this.router = this.routerOf(values["name"] ?? "");
        this.mode = "global";
        return;
      case "relay":
        this.runRelay(values["choice"] as RelayKind | undefined, isNo);
        return;
      case "server":
        this.runServer(values["choice"] as ServerKind, values["address"] ?? "", isNo);
        return;
      case "client-key":
        this.runClientKey(values, isNo);
        return;
      case "relay-port":
        if (this.relay !== undefined) this.setPort(this.relay, values["port"], isNo);
        return;
      case "server-port":
        if (this.server !== undefined) this.setPort(this.server, values["port"], isNo);
        return;
      case "server-key":
        if (this.server !== undefined) this.server.secret = isNo ? undefined : values["secret"];
        return;
      case "disconnect":
        this.runDisconnect(isNo);
    }
  }

  private runRelay(kind: RelayKind | undefined, isNo: boolean): void {
    this.mode = "global";
    if (isNo) {
      const { relays } = this.router;
      const gone = kind === undefined ? [...relays.keys()] : relays.has(kind) ? [kind] : [];
      if (gone.length === 0) this.error("there is no such server to remove");
      for (const one of gone) relays.delete(one);
      return;
    }
    if (kind === undefined) return;
    let relay = this.router.relays.get(kind);
    if (relay === undefined) this.router.relays.set(kind, (relay = { keys: [], port: undefined }));
    this.relay = relay;
    this.mode = "relay";
  }

  private runServer(kind: ServerKind, address: string, isNo: boolean): void {
    this.mode = "global";
    if (!isIPv4(address)) return this.error(`"${address}" is no IPv4 address`);
    const { servers } = this.router;
    const at = servers.findIndex((one) => one.kind === kind && one.address === address);
    if (isNo) {
      if (at < 0) this.error(`there is no ${kind} server ${address} to remove`);
      else servers.splice(at, 1);
      return;
    }
    let server = servers[at];
    if (server === undefined) {
      server = { kind, address, secret: undefined, port: undefined, disconnect: false };
      servers.push(server);
    }
    this.server = server;
    this.mode = "radius";
  }

  private runClientKey(values: Readonly<Record<string, string>>, isNo: boolean): void {
    const { address = "", mask = "", secret = "" } = values;
    const { relay } = this;
    if (relay === undefined) return;
    // Not quoted: with the words in another order it may be the secret.
    if (!isIPv4(address)) return this.error("the first word behind key is no IPv4 address");
    if (maskLength(mask) === undefined) return this.error("the second word behind key is no mask");
    const at = relay.keys.findIndex((key) => key.address === address && key.mask === mask);
    if (isNo) {
      if (at < 0) this.error(`there is no key for ${address} ${mask} to remove`);
      else relay.keys.splice(at, 1);
      return;
    }
    if (Buffer.byteLength(secret) > LINE_SECRET_MAX) {
      return this.error(`the secret has more than ${LINE_SECRET_MAX} characters`);
    }
    const key = { address, mask, secret };
    if (at < 0) relay.keys.push(key);
    else relay.keys[at] = key;
  }

  private setPort(of: LineRelay | LineServer, text: string | undefined, isNo: boolean): void {
    const port = Number(text);
    if (isNo) of.port = undefined;
    else if (/^\d{1,5}$/.test(text ?? "") && port >= 1 && port <= 65535) of.port = port;
    else this.error(`"${text ?? ""}" is no port; use 1 to 65535`);
  }

  private runDisconnect(isNo: boolean): void {
    const { server } = this;
    if (server === undefined) return;
    if (server.kind !== "dynamic-request") {
      this.error("subscriber disconnect belongs to a dynamic-request server");
    } else server.disconnect = !isNo;
  }

  private routerOf(name: string): LineRouter {
    let router = this.routers.get(name);
    if (router === undefined) this.routers.set(name, (router = newRouter(name)));
    return router;
  }

  private error(message: string): void {
    this.issues.push({ line: this.line, severity: "error", message });
  }
}

/** As the file's schema has it. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

const MODES: Readonly<Record<Mode, string>> = {
  exec: "privileged exec mode",
  global: "global configuration mode",
  relay: "RADIUS relay configuration mode",
  radius: "RADIUS configuration mode",
};

/** Bits of a dotted mask; undefined when they are not all in front. */
export function maskLength(mask: string): number | undefined {
  if (!isIPv4(mask)) return undefined;
  const bits = mask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) ? bits.replaceAll("0", "").length : undefined;
}

/** The reverse of `maskLength`. */
export function maskOf(length: number): string {
  const mask = length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join(".");
}
