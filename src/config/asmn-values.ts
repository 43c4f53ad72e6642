/** Texts of the `asmn` block that passed the schema, to values. */
import type { AsmnEndpoint } from "../asmn/settings.js";
import { parseEndpoint } from "./address.js";
import type { ConfigPath, IssueList } from "./issue.js";

const BITS: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, Mbit: 1e6, Gbit: 1e9 };
const OCTETS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
/** What kernels take: octets per second in 32 bits would not do, and more is no limit. */
const RATE_MAX = 1e12;
const SIZE_MAX = 2 ** 50;

/** Bit/s of `10Mbit`. */
export function rateOf(text: string, path: ConfigPath, issues: IssueList): number {
  const [, number = "0", unit = "bit"] = /^(\d+)([A-Za-z]+)$/.exec(text) ?? [];
  const rate = Number(number) * (BITS[unit] ?? 1);
  if (rate > RATE_MAX) issues.error(path, `${text} is out of range`, "use at most 1000Gbit");
  return rate;
}

/** Octets of `64KiB`. */
export function sizeOf(text: string, path: ConfigPath, issues: IssueList): number {
  const [, number = "0", unit = "B"] = /^(\d+)([A-Za-z]+)$/.exec(text) ?? [];
  const size = Number(number) * (OCTETS[unit] ?? 1);
  if (size > SIZE_MAX) issues.error(path, `${text} is out of range`, "use at most 1000000GiB");
  return size;
}

/** What the schema calls an endpoint is one. */
export function endpointsOf(texts: readonly string[]): AsmnEndpoint[] {
  return texts.flatMap((text) => parseEndpoint(text) ?? []);
}

/** Names of a list, each once. */
export function uniqueNames(
  list: readonly { readonly name: string }[],
  path: ConfigPath,
  issues: IssueList,
): string[] {
  const seen = new Map<string, ConfigPath>();
  for (const [index, { name }] of list.entries()) {
    issues.once(name, `"${name}"`, [...path, index, "name"], seen);
  }
  return [...seen.keys()];
}
