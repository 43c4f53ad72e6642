/**
 * Values of fields: how each is written, and what of the octets read may stand for it. Every value has one
 * encoding; octets that are no value give undefined, never an exception.
 */
import { readU16, readU32, writeU16, writeU32 } from "../../util/bytes.js";
import { isName } from "../crypto/index.js";

export interface Kind<T> {
  /** What it has to be, for the sentence of a fault: "expected …". */
  readonly words: string;
  write(value: T): Uint8Array;
  read(octets: Uint8Array): T | undefined;
}

export const u8: Kind<number> = {
  words: "1 octet",
  write: (value) => Uint8Array.of(value),
  read: (octets) => (octets.length === 1 ? octets[0] : undefined),
};

export const u16: Kind<number> = {
  words: "2 octets",
  write(value) {
    const octets = new Uint8Array(2);
    writeU16(octets, 0, value);
    return octets;
  },
  read: (octets) => (octets.length === 2 ? readU16(octets, 0) : undefined),
};

export const u32: Kind<number> = {
  words: "4 octets",
  write(value) {
    const octets = new Uint8Array(4);
    writeU32(octets, 0, value);
    return octets;
  },
  read: (octets) => (octets.length === 4 ? readU32(octets, 0) : undefined),
};

/** Counters and times: 8 octets, below 2^53. */
export const u64: Kind<number> = {
  words: "8 octets, below 2^53",
  write(value) {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${value} is no counter`);
    const octets = new Uint8Array(8);
    writeU32(octets, 0, Math.floor(value / 2 ** 32));
    writeU32(octets, 4, value % 2 ** 32);
    return octets;
  },
  read(octets) {
    if (octets.length !== 8 || readU32(octets, 0) >= 2 ** 21) return undefined;
    return readU32(octets, 0) * 2 ** 32 + readU32(octets, 4);
  },
};

export const bool: Kind<boolean> = {
  words: "0 or 1",
  write: (value) => Uint8Array.of(value ? 1 : 0),
  read(octets) {
    if (octets.length !== 1 || (octets[0] ?? 2) > 1) return undefined;
    return octets[0] === 1;
  },
};

/** Exactly that many octets. */
export function octets(length: number): Kind<Uint8Array> {
  return {
    words: `${length} octets`,
    write(value) {
      if (value.length !== length) throw new Error(`${value.length} octets instead of ${length}`);
      return value;
    },
    read: (value) => (value.length === length ? Uint8Array.from(value) : undefined),
  };
}

export function octetsUpTo(most: number): Kind<Uint8Array> {
  return {
    words: `at most ${most} octets`,
    write(value) {
      if (value.length > most) throw new Error(`${value.length} octets instead of ${most} at most`);
      return value;
    },
    read: (value) => (value.length <= most ? Uint8Array.from(value) : undefined),
  };
}

function textKind(words: string, most: number, fits: (text: string) => boolean): Kind<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return {
    words,
    write(value) {
      const octets = new Uint8Array(Buffer.from(value, "utf8"));
      if (octets.length > most || !fits(value)) throw new Error(`not ${words}`);
      return octets;
    },
    read(octets) {
      if (octets.length > most) return undefined;
      try {
        const text = decoder.decode(octets);
        return fits(text) ? text : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

export const name = textKind("a name: 1 to 64 of A-Z a-z 0-9 . _ -", 64, isName);

const SENTENCE_OCTETS = 512;
const plain = textKind("text without control characters", SENTENCE_OCTETS, (text) =>
  /^[^\p{Cc}\p{Cf}\p{Cs}]*$/u.test(text),
);

/**
 * For people: no control characters, at most 512 octets. What an operator typed is made to fit when it is
 * written, so that no reason for a revocation can stop it.
 */
export const sentence: Kind<string> = {
  words: plain.words,
  write(value) {
    const clean = value.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, " ");
    const octets = Buffer.from(clean, "utf8");
    let end = Math.min(octets.length, SENTENCE_OCTETS);
    // Not in the middle of a character.
    while (end < octets.length && ((octets[end] ?? 0) & 0xc0) === 0x80) end--;
    return new Uint8Array(octets.subarray(0, end));
  },
  read: (octets) => plain.read(octets),
};

/** An IPv4 or IPv6 address as text; who uses it knows its form. */
export const address = textKind("an address", 45, (text) => /^[0-9a-f.:]{2,45}$/.test(text));

/** One octet for each of a few words. */
export function choice<W extends string>(codes: Readonly<Record<W, number>>): Kind<W> {
  const words = Object.keys(codes) as W[];
  const byCode = new Map(words.map((word) => [codes[word], word]));
  return {
    words: `one of ${words.map((word) => `${codes[word]} (${word})`).join(", ")}`,
    write: (value) => Uint8Array.of(codes[value]),
    read: (octets) => (octets.length === 1 ? byCode.get(octets[0] ?? 256) : undefined),
  };
}

/** Values one behind the other, each with its length in 2 octets. */
export function list<T>(of: Kind<T>, most: number): Kind<readonly T[]> {
  return {
    words: `at most ${most} times ${of.words}`,
    write(values) {
      if (values.length > most)
        throw new Error(`${values.length} items instead of ${most} at most`);
      const parts = values.flatMap((value) => {
        const item = of.write(value);
        return [u16.write(item.length), item];
      });
      return new Uint8Array(Buffer.concat(parts));
    },
    read(octets) {
      const values: T[] = [];
      for (let at = 0; at < octets.length;) {
        if (at + 2 > octets.length || values.length === most) return undefined;
        const end = at + 2 + readU16(octets, at);
        if (end > octets.length) return undefined;
        const value = of.read(octets.subarray(at + 2, end));
        if (value === undefined) return undefined;
        values.push(value);
        at = end;
      }
      return values;
    },
  };
}
