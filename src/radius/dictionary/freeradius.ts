/**
 * Reads dictionaries in FreeRADIUS's text format: VENDOR, BEGIN-VENDOR, END-VENDOR, ATTRIBUTE, VALUE,
 * $INCLUDE. Numbers of nested attributes (`241.1`) and TLV blocks are passed over: such attributes
 * travel as octets. Unknown words are reported, not guessed.
 */
import type { AttributeSpec, Dictionary, Hiding, ValueType } from "./dictionary.js";

export interface DictionaryFault {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** @param readFile gives the text of an included file, by the name written there and the file it is in; undefined when there is none */
export function loadDictionary(
  text: string,
  file: string,
  into: Dictionary,
  readFile: (name: string, from: string) => string | undefined,
): DictionaryFault[] {
  const loader = new Loader(into, readFile);
  loader.load(text, file, 0);
  return loader.faults;
}

const INCLUDES_MAX = 16;

class Loader {
  readonly faults: DictionaryFault[] = [];
  private readonly into: Dictionary;
  private readonly readFile: (name: string, from: string) => string | undefined;
  private vendor = 0;
  private nested = 0;

  constructor(into: Dictionary, readFile: (name: string, from: string) => string | undefined) {
    this.into = into;
    this.readFile = readFile;
  }

  load(text: string, file: string, depth: number): void {
    for (const [index, raw] of text.split("\n").entries()) {
      const words = raw.replace(/#.*/, "").trim().split(/\s+/);
      const fault = this.take(words, file, depth);
      if (fault !== undefined) this.faults.push({ file, line: index + 1, message: fault });
    }
  }

  private take(words: readonly string[], file: string, depth: number): string | undefined {
    const [verb = "", name = "", third = "", fourth = ""] = words;
    switch (verb.toUpperCase()) {
      case "":
      case "FLAGS":
      case "PROTOCOL":
      case "ALIAS":
      case "DEFINE":
        return undefined;
      case "VENDOR":
        return this.takeVendor(name, third, fourth);
      case "BEGIN-VENDOR": {
        const vendor = this.into.vendorNamed(name);
        if (vendor === undefined) return `vendor ${name} is not defined`;
        this.vendor = vendor;
        return undefined;
      }
      case "END-VENDOR":
        this.vendor = 0;
        return undefined;
      case "BEGIN-TLV":
        this.nested++;
        return undefined;
      case "END-TLV":
        this.nested--;
        return undefined;
      case "ATTRIBUTE":
        return this.takeAttribute(name, third, fourth, words.slice(4));
      case "VALUE": {
        const value = Number(fourth);
        if (!Number.isInteger(value)) return `${fourth} is not a number`;
        this.into.addValue(name, third, value);
        return undefined;
      }
      case "$INCLUDE":
      case "$INCLUDE-": {
        if (depth >= INCLUDES_MAX) return "too many files within each other";
        const text = this.readFile(name, file);
        if (text !== undefined) this.load(text, name, depth + 1);
        return text === undefined && verb === "$INCLUDE" ? `${name} cannot be read` : undefined;
      }
      default:
        return `unknown word ${verb}`;
    }
  }

  private takeVendor(name: string, number: string, format: string): string | undefined {
    const id = Number(number);
    if (!Number.isInteger(id) || id < 1) return `${number} is not a vendor number`;
    const sizes = /^format=([124]),([012])/.exec(format);
    const typeSize = Number(sizes?.[1] ?? 1);
    const lengthSize = Number(sizes?.[2] ?? 1);
    this.into.addVendor(id, { name, typeSize, lengthSize });
    return undefined;
  }

  private takeAttribute(
    name: string,
    number: string,
    kind: string,
    rest: readonly string[],
  ): string | undefined {
    if (this.nested > 0 || number.includes(".")) return undefined;
    const type = Number(number);
    if (!Number.isInteger(type) || type < 0) return `${number} is not an attribute number`;
    const flags = rest.join("").toLowerCase().split(",");
    const hiding = hidingOf(flags);
    const spec: AttributeSpec = {
      name,
      vendor: this.vendor,
      type,
      valueType: valueType(kind),
      ...(hiding !== undefined && { hiding }),
      ...(flags.includes("has_tag") && { tagged: true }),
    };
    this.into.add(spec);
    return undefined;
  }
}

function hidingOf(flags: readonly string[]): Hiding | undefined {
  if (flags.includes("encrypt=1")) return "password";
  return flags.includes("encrypt=2") ? "salted" : undefined;
}

/** That format's words, in RFC 8044's. */
const TYPES: Readonly<Record<string, ValueType>> = {
  string: "text",
  octets: "string",
  integer: "integer",
  ipaddr: "ipv4addr",
  ipv6addr: "ipv6addr",
  ipv6prefix: "ipv6prefix",
  ifid: "ifid",
  date: "time",
  vsa: "vsa",
  integer64: "integer64",
  tlv: "tlv",
};

function valueType(word: string): ValueType {
  return TYPES[word.toLowerCase().replace(/\[\d+\]$/, "")] ?? "other";
}
