/**
 * Edits of a gateway's policies and address book in a configuration's text: clone, move, remove, add. The rest
 * of the text, comments included, stays as it is. What the model refuses is refused here: an entry in use
 * cannot be removed.
 */
import { isMap, isSeq, parseDocument, type Document, type Node } from "yaml";
import {
  addAddress,
  canonicalPrefix,
  clonePolicy,
  movePolicy,
  removeAddress,
  removePolicy,
  type AddressEntry,
  type ListEdit,
  type Policy,
} from "../ipsec/model/index.js";
import { parseYaml } from "./document.js";
import type { ConfigFile } from "./file.js";
import { canonical, policyOf } from "./ipsec-gateway.js";
import type { IpsecGatewayEntry } from "./ipsec-file.js";
import { formatIssue } from "./issue.js";

export type GatewayEdit =
  | { readonly kind: "clone-policy"; readonly id: number }
  | {
      readonly kind: "move-policy";
      readonly id: number;
      readonly place: "before" | "after";
      readonly other: number;
    }
  | { readonly kind: "remove-policy"; readonly id: number }
  | { readonly kind: "add-address"; readonly entry: AddressEntry }
  | { readonly kind: "remove-address"; readonly zone: string; readonly name: string };

export type EditResult =
  | { readonly ok: true; readonly text: string }
  /** Why not, and what to do. */
  | { readonly ok: false; readonly problem: string };

/** @param text a whole configuration that passes the check */
export function editGateway(text: string, name: string, edit: GatewayEdit): EditResult {
  const { data, issues } = parseYaml(text, "the file");
  if (issues[0] !== undefined) return { ok: false, problem: formatIssue(issues[0]) };
  const found = gatewayIn(data as ConfigFile | null, name);
  if (found === undefined) {
    return { ok: false, problem: `no gateway of the file is named "${name}"; check the name` };
  }
  const document = parseDocument(text, { uniqueKeys: false });
  const policies = (found.entry.policies ?? []).map(policyOf);
  const book = (found.entry["address-book"] ?? []).map((entry) => ({
    ...entry,
    prefix: canonical(entry.prefix),
  }));
  const { path } = found;
  switch (edit.kind) {
    case "clone-policy":
      return changed(document, path, "policies", policies, clonePolicy(policies, edit.id));
    case "move-policy":
      return changed(
        document,
        path,
        "policies",
        policies,
        movePolicy(policies, edit.id, edit.place, edit.other),
      );
    case "remove-policy":
      return changed(document, path, "policies", policies, removePolicy(policies, edit.id));
    case "add-address":
      if (canonicalPrefix(edit.entry.prefix) === undefined) {
        return { ok: false, problem: `"${edit.entry.prefix}" is no prefix; write 10.0.0.0/16` };
      }
      return changed(document, path, "address-book", book, addAddress(book, edit.entry));
    case "remove-address":
      return changed(
        document,
        path,
        "address-book",
        book,
        removeAddress(book, edit.zone, edit.name, policies),
      );
  }
}

interface Found {
  readonly entry: IpsecGatewayEntry;
  readonly path: readonly (string | number)[];
}

function gatewayIn(data: ConfigFile | null, name: string): Found | undefined {
  for (const [site, { gateways = [] }] of (data?.ipsec?.sites ?? []).entries()) {
    const index = gateways.findIndex((gateway) => gateway.name === name);
    const entry = gateways[index];
    if (entry !== undefined) return { entry, path: ["ipsec", "sites", site, "gateways", index] };
  }
  return undefined;
}

/** Puts the list's nodes into the edit's order; what is new becomes a node of its own. */
function changed<T extends Policy | AddressEntry>(
  document: Document,
  path: readonly (string | number)[],
  key: "policies" | "address-book",
  before: readonly T[],
  edit: ListEdit<T>,
): EditResult {
  if (!edit.ok) return edit;
  const list = document.getIn([...path, key]);
  if (!isSeq(list)) {
    document.setIn([...path, key], document.createNode(edit.list));
    return { ok: true, text: textOf(document) };
  }
  const nodes = new Map(before.map((item, index) => [item, list.items[index] as Node]));
  list.items = edit.list.map((item, index) => {
    const known = nodes.get(item);
    if (known !== undefined) return known;
    // A clone stands behind its original.
    const original = edit.list[index - 1];
    const copied = key === "policies" && original && nodes.get(original)?.clone();
    if (!isMap(copied)) return document.createNode(item, { flow: true });
    copied.set("id", (item as Policy).id);
    return copied;
  });
  return { ok: true, text: textOf(document) };
}

function textOf(document: Document): string {
  return document.toString({ lineWidth: 0 });
}
