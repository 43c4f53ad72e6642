/**
 * Commands that stand inside comments. A printed configuration puts its remarks on the lines of the commands
 * they explain; the gateway takes the whole line for a comment, and so a copy of the page configures less than
 * the page says. Here they are found again:
 *
 * - a command behind words of prose, complete to the end of the comment: `remarked`;
 * - a command right behind the mark: somebody switched it off: `switched-off`;
 * - what begins like a command behind the end of a sentence, or behind the mark, and is none: `suspect`.
 */
export interface HiddenCommand {
  readonly kind: "remarked" | "switched-off" | "suspect";
  readonly text: string;
}

export interface HiddenGrammar {
  readonly begins: (text: string) => boolean;
  /** Whether it is a whole command that is understood. */
  readonly understood: (command: string) => boolean;
  /** Whether it looks like a command, understood or not. */
  readonly looks: (command: string) => boolean;
}

/** Of a comment that are looked at; a longer one is prose. */
const MOST_CHARACTERS = 1500;

export function hiddenCommand(comment: string, grammar: HiddenGrammar): HiddenCommand | undefined {
  const bare = comment.replace(/^[-=*#!\s]+/, "").slice(0, MOST_CHARACTERS);
  let suspect: string | undefined;
  for (let at = 0; at >= 0; at = nextWord(bare, at)) {
    const text = bare.slice(at);
    if (!grammar.begins(text)) continue;
    if (grammar.understood(text)) return { kind: at === 0 ? "switched-off" : "remarked", text };
    const fresh = at === 0 || /[.:;!?]/.test(bare[at - 2] ?? "");
    if (fresh && grammar.looks(text)) suspect ??= text;
  }
  return suspect === undefined ? undefined : { kind: "suspect", text: suspect };
}

/** Where the next word begins; -1 behind the last one. */
function nextWord(text: string, at: number): number {
  const blank = text.indexOf(" ", at);
  return blank < 0 ? -1 : blank + 1;
}
