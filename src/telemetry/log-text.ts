/** A pino line as people like to read it: `09:14:03.120 info  session established peer=10.0.0.1`. */
export function formatLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, msg, ...fields } = entry;
  const clock = typeof time === "string" ? time.slice(11, 23) : "";
  const rest = Object.entries(fields)
    .map(([key, value]) => ` ${key}=${show(value)}`)
    .join("");
  return `${escape(`${clock} ${String(level).padEnd(5)} ${String(msg)}${rest}`)}\n`;
}

function show(value: unknown): string {
  if (typeof value === "string") {
    return /^[\x21-\x7e]+$/.test(value) && !value.includes('"') ? value : JSON.stringify(value);
  }
  return JSON.stringify(value) ?? "undefined";
}

/** What a peer sent may be in a message: no control character reaches the terminal. */
function escape(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
