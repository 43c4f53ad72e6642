/** Words of a command line, with quotes as ScreenOS and Junos have them; and the way back. */

export interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

/** undefined: a quote is not closed, or stands within a word. */
export function splitWords(line: string): readonly Word[] | undefined {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    const character = line[at];
    if (character === " " || character === "\t") {
      at += 1;
    } else if (character === '"') {
      const end = line.indexOf('"', at + 1);
      if (end < 0 || !/^([ \t]|$)/.test(line.slice(end + 1, end + 2))) return undefined;
      words.push({ text: line.slice(at + 1, end), quoted: true });
      at = end + 1;
    } else {
      let end = at;
      while (end < line.length && line[end] !== " " && line[end] !== "\t") end += 1;
      const text = line.slice(at, end);
      if (text.includes('"')) return undefined;
      words.push({ text, quoted: false });
      at = end;
    }
  }
  return words;
}

/** In quotes, always: a name with a blank and one without look alike. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', "'")}"`;
}

/** What is wrong with a command, in words; the line's number is added by whoever reads lines. */
export class WordFault extends Error {}

/** Reads a command from the left. */
export class WordReader {
  private readonly words: readonly Word[];
  private at = 0;

  constructor(words: readonly Word[]) {
    this.words = words;
  }

  get done(): boolean {
    return this.at >= this.words.length;
  }

  /** Words that are left. */
  get left(): readonly string[] {
    return this.words.slice(this.at).map(({ text }) => text);
  }

  peek(ahead = 0): string | undefined {
    return this.words[this.at + ahead]?.text;
  }

  /** Takes the word if it is one of these, whatever its case. */
  took(...choices: readonly string[]): string | undefined {
    const word = this.words[this.at];
    if (word === undefined || word.quoted) return undefined;
    const found = choices.find((choice) => choice.toLowerCase() === word.text.toLowerCase());
    if (found !== undefined) this.at += 1;
    return found;
  }

  /** @param what for the sentence: "a zone" */
  word(what: string): string {
    const word = this.words[this.at];
    if (word === undefined) throw new WordFault(`${what} is missing at the end`);
    this.at += 1;
    return word.text;
  }

  /** A word that may stand without quotes. */
  plain(what: string): string {
    const word = this.word(what);
    if (/^[^\s"]+$/.test(word)) return word;
    throw new WordFault(`${what} is one word, not "${word}"`);
  }

  number(what: string, least = 0, most = 0xffff_ffff): number {
    const text = this.word(what);
    const value = Number(text);
    if (/^\d{1,10}$/.test(text) && value >= least && value <= most) return value;
    throw new WordFault(`${what} must be a number from ${least} to ${most}, not "${text}"`);
  }

  expect(...choices: readonly string[]): string {
    const found = this.took(...choices);
    if (found !== undefined) return found;
    const seen = this.peek();
    const wanted = choices.map((choice) => `"${choice}"`).join(" or ");
    throw new WordFault(
      seen === undefined
        ? `${wanted} is missing at the end`
        : `${wanted} is expected, not "${seen}"`,
    );
  }

  /** Throws when words are left. */
  end(): void {
    const left = this.peek();
    if (left !== undefined) throw new WordFault(`"${left}" and what follows is not understood`);
  }
}
