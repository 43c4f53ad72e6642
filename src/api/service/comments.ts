/** What the comments of `proto/` say: protobufjs drops them, and the OpenAPI document wants them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { protoFiles, protoFolder } from "./proto.js";

/** By `Message`, `Message.member` (as in JSON), `Service` and `Service.Rpc`. */
export function protoComments(): ReadonlyMap<string, string> {
  const folder = protoFolder();
  const found = new Map<string, string>();
  for (const name of protoFiles(folder)) {
    readComments(readFileSync(join(folder, name), "utf8"), found);
  }
  return found;
}

/** Of the plain style that our files are written in: a comment stands in lines above what it is about. */
export function readComments(text: string, found: Map<string, string>): void {
  let block: string | undefined;
  let comment: string[] = [];
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line.startsWith("//")) {
      comment.push(line.slice(2).trim());
      continue;
    }
    const [, opened] = /^(?:message|service) (\w+)/.exec(line) ?? [];
    const [, rpc] = /^rpc (\w+)/.exec(line) ?? [];
    const [, member] =
      /^(?:optional |repeated )?(?:map<[^>]*>|[\w.]+) (\w+) = \d+/.exec(line) ?? [];
    const inside = rpc ?? (member === undefined ? undefined : camelCase(member));
    const name =
      opened ?? (block === undefined || inside === undefined ? undefined : `${block}.${inside}`);
    if (name !== undefined && comment.length > 0) found.set(name, comment.join(" "));
    if (opened !== undefined && !line.endsWith("}")) block = opened;
    if (line === "}") block = undefined;
    comment = [];
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/_+([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}
