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
  /** The one column that gives way when the table is too wide. */
  readonly flexible?: boolean;
}

export function formatTable<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  width: number,
): string {
  const cells = rows.map((row) => columns.map((column) => clean(column.value(row))));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const total = widths.reduce((sum, each) => sum + each + 2, -2);
  const flexible = columns.findIndex((column) => column.flexible === true);
  const excess = total - width;
  if (flexible >= 0 && excess > 0) {
    widths[flexible] = Math.max(8, (widths[flexible] ?? 0) - excess);
  }
  const line = (values: readonly string[]) =>
    values
      .map((value, index) =>
        pad(shorten(value, widths[index] ?? 0), widths[index] ?? 0, columns[index]),
      )
      .join("  ")
      .trimEnd();
  return [columns.map((column) => column.title), ...cells].map((row) => `${line(row)}\n`).join("");
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

function pad<T>(text: string, width: number, column: Column<T> | undefined): string {
  return column?.right === true ? text.padStart(width) : text.padEnd(width);
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
