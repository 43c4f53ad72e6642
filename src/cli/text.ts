/** Tables and values for people; 80 columns unless the terminal has more. */

/** What peers sent may hold anything: no control character reaches the terminal. */
export function clean(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly right?: boolean;
  /** Is cut when that makes the table fit: only what stands elsewhere in full. */
  readonly flexible?: boolean;
}

/** A column as wide as a MAC stays as it is while others can give way. */
const KEPT_WIDTH = 17;
const LEAST_WIDTH = 8;
/** Text is broken within its column when that is at least so wide. */
const TEXT_WIDTH = 24;
/** Where a row goes on below, at least. */
const ROW_INDENT = 2;

/** A row that does not fit goes on in the next line, under the same titles: nothing but `flexible` is cut. */
export function formatTable<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  width: number,
): string {
  const cells = rows.map((row) => columns.map((column) => clean(column.value(row))));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const excess = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  const cut = columns.findIndex(
    ({ flexible }, index) =>
      flexible === true && excess > 0 && (widths[index] ?? 0) - excess >= LEAST_WIDTH,
  );
  if (cut >= 0) widths[cut] = (widths[cut] ?? 0) - excess;
  else narrow(widths, columns, width);
  const line = (values: readonly string[]) =>
    formatRow(
      values.map((value, index) => (index === cut ? shorten(value, widths[index] ?? 0) : value)),
      columns.map(({ right = false }, index) => ({ right, width: widths[index] ?? 0 })),
      width,
    );
  return [columns.map((column) => column.title), ...cells].map(line).join("");
}

/** Takes from the widest columns until all fit, or none can give more. */
function narrow(widths: number[], columns: readonly Column<never>[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  for (; excess > 0; excess--) {
    const widest = widths.reduce((best, each, index) => {
      const least = Math.max(LEAST_WIDTH, columns[index]?.title.length ?? 0);
      return each > KEPT_WIDTH && each > least && each > (widths[best] ?? 0) ? index : best;
    }, -1);
    const each = widths[widest];
    if (each === undefined) return;
    widths[widest] = each - 1;
  }
}

function formatRow(
  values: readonly string[],
  columns: readonly { readonly right: boolean; readonly width: number }[],
  width: number,
): string {
  const lines: string[] = [];
  let line = "";
  let start = 0;
  for (const [index, { right, width: room }] of columns.entries()) {
    const value = values[index] ?? "";
    const own = width - start;
    const last = index === columns.length - 1 && own >= TEXT_WIDTH && longestWord(value) <= own;
    const most = last ? own : Math.max(LEAST_WIDTH, width - ROW_INDENT);
    for (const text of pieces(right ? value.padStart(room) : value, most)) {
      const place = Math.min(start, Math.max(ROW_INDENT, width - text.length));
      if (line !== "" && line.length + 2 > place) {
        lines.push(line);
        line = "";
      }
      line = line.padEnd(place) + text;
    }
    start += room + 2;
  }
  return [...lines, line].map((each) => `${each}\n`).join("");
}

function longestWord(text: string): number {
  return Math.max(...text.split(" ").map((word) => word.length));
}

/** Parts of at most `width` characters, at spaces where there are some. */
function pieces(text: string, width: number): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > 0 ? space : width;
    parts.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return rest.trim() === "" ? parts : [...parts, rest];
}

/** `Name:  value` lines, long values wrapped under themselves; undefined values are left out. */
export function formatFields(
  fields: readonly (readonly [string, string | undefined])[],
  columns = Infinity,
): string {
  const shown = fields.filter(([, value]) => value !== undefined && value !== "");
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + 1;
  return shown
    .map(([name, value]) =>
      wrap(value ?? "", columns, " ".repeat(width + 1), `${`${name}:`.padEnd(width)} `),
    )
    .join("");
}

/** At most `width` characters; what was cut shows as an ellipsis. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Lines of at most `width` characters, broken at spaces, each behind `indent`, the first behind `first`. */
export function wrap(text: string, width: number, indent: string, first = indent): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of clean(text).split(" ")) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].map((each) => `${each}\n`).join("");
}

/** `00:04:12`, `3d04h`, `12w3d`: as routers show it. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  if (days >= 7) return `${Math.floor(days / 7)}w${days % 7}d`;
  if (days > 0) return `${days}d${String(hours).padStart(2, "0")}h`;
  const part = (value: number) => String(value % 60).padStart(2, "0");
  return `${String(hours).padStart(2, "0")}:${part(Math.floor(seconds / 60))}:${part(seconds)}`;
}
