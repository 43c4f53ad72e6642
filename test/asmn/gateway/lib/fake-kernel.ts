/**
 * nft and tc as far as the gateway's scripts go: tables with rules and open sets, all or nothing. What is said
 * to the real ones, and what they do with it, is shown by the interop tests.
 */
import { GatewayError } from "../../../../src/asmn/gateway/index.js";
import type { Ip, Nft, Tc } from "../../../../src/asmn/gateway/nft.js";

interface FakeTable {
  rules: string[];
  sets: Map<string, Map<string, string>>;
  /** Elements with octets that they counted. */
  counted: Map<string, number>;
}

export class FakeKernel {
  tables = new Map<string, FakeTable>();
  readonly scripts: string[] = [];
  /** What nft was asked, in order. */
  readonly calls: string[] = [];
  /** Each call rejects with this while it is set. */
  problem: string | undefined;
  /** Scripts with this in them are not taken. */
  lacks = "";
  readonly queues = new Map<string, string>();

  /** How long each call takes. */
  pace: (() => Promise<void>) | undefined;

  readonly nft: Nft = async (args, script) => {
    this.calls.push(args.join(" "));
    await this.pace?.();
    if (this.problem !== undefined) {
      return Promise.reject(new GatewayError("refused", this.problem));
    }
    const line = script.split("\n").find((one) => this.lacks !== "" && one.includes(this.lacks));
    if (line !== undefined) {
      const why = `nft failed: Error: Could not process rule: No such file or directory, in: ${line}`;
      return Promise.reject(new GatewayError("refused", why));
    }
    if (args[0] === "-f") return this.load(script);
    const [table = "", set] = args.slice(args.indexOf("inet") + 1);
    const found = this.tables.get(table);
    if (found === undefined) {
      return Promise.reject(
        new GatewayError("refused", "nft failed: Error: No such file or directory"),
      );
    }
    return Promise.resolve(
      JSON.stringify({
        nftables: set === undefined ? listing(found) : [{ set: listed(found, set) }],
      }),
    );
  };

  readonly tc: Tc = (args, batch) => {
    const name = args[args.indexOf("dev") + 1] ?? "";
    if (args.includes("show")) {
      const handle = this.queues.get(name);
      return Promise.resolve(
        handle === undefined ? "[]" : JSON.stringify([{ kind: "htb", handle, root: true }]),
      );
    }
    if (args.includes("del")) this.queues.delete(name);
    for (const match of batch.matchAll(/^qdisc replace dev (\S+) root handle (\S+)/gm)) {
      this.queues.set(match[1] ?? "", match[2] ?? "");
    }
    return Promise.resolve("");
  };

  /** Interface -> its bridge. */
  readonly bridges = new Map<string, string>();

  /** As iproute2 lists them: an empty object for what is left out. */
  readonly ip: Ip = () =>
    Promise.resolve(
      JSON.stringify([{}, ...[...this.bridges].map(([ifname, master]) => ({ ifname, master }))]),
    );

  table(name = "evpnd_asmn"): FakeTable | undefined {
    return this.tables.get(name);
  }

  /** Addresses and prefixes that are let in. */
  open(name = "evpnd_asmn"): string[] {
    const sets = this.table(name)?.sets ?? new Map<string, Map<string, string>>();
    return ["open4", "open6", "open_wide4", "open_wide6"].flatMap((set) => [
      ...(sets.get(set)?.keys() ?? []),
    ]);
  }

  private load(script: string): Promise<string> {
    this.scripts.push(script);
    const tables = structuredClone(this.tables);
    const joined = script.replaceAll(
      /\{\n([^}]*)\n\}/g,
      (_, body: string) => `{ ${body.replaceAll("\n", " ")} }`,
    );
    for (const line of joined.split("\n")) {
      const [verb, what, , table = "", ...rest] = line.split(" ");
      const entry = tables.get(table);
      if (what === "table") {
        if (verb === "delete") tables.delete(table);
        else if (entry === undefined) {
          tables.set(table, { rules: [], sets: new Map(), counted: new Map() });
        }
      } else if (what === "rule") entry?.rules.push(rest.join(" "));
      else if (what === "element") change(entry, verb === "add", rest);
    }
    this.tables = tables;
    return Promise.resolve("");
  }
}

function change(
  table: FakeTable | undefined,
  isAdd: boolean,
  [name = "", ...rest]: string[],
): void {
  if (table === undefined) return;
  const set = table.sets.get(name) ?? new Map<string, string>();
  table.sets.set(name, set);
  const text = rest.join(" ").replace(/^\{ | \}$/g, "");
  for (const element of text.split(", ")) {
    const [key = "", timeout = ""] = element.split(" timeout ");
    if (isAdd) set.set(key, timeout);
    else if (!set.delete(key)) throw new Error(`deleted what is not there: ${key}`);
  }
}

function listing(table: FakeTable): object[] {
  return table.rules.map((rule) => ({ rule: { chain: rule.split(" ")[0], expr: rule } }));
}

function listed(table: FakeTable, set: string): object {
  const elements = [...(table.sets.get(set)?.keys() ?? [])];
  return {
    name: set,
    elem: elements.map((key) => ({
      elem: {
        val: key.includes(" . ") ? { concat: key.split(" . ") } : key,
        counter: { packets: 0, bytes: table.counted.get(key) ?? 0 },
      },
    })),
  };
}
