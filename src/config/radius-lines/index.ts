/**
 * A RADIUS relay in the configuration lines that operators of edge routers have: read (`parse.ts`), turned into
 * a `radius` block (`convert.ts`), printed (`format.ts`). `commands.ts` says which commands there are, in
 * which mode, and which have a `no` form.
 *
 * Only the relay's commands: a whole router's configuration is not understood, and other lines are errors.
 */
export { COMMANDS, type CommandRow, type Mode } from "./commands.js";
export { convertLines, type ConvertedLines } from "./convert.js";
export { formatLines } from "./format.js";
export {
  LINE_SECRET_MAX,
  newRouter,
  type LineIssue,
  type LineKey,
  type LineRouter,
} from "./model.js";
export { parseLines, type ParsedLines } from "./parse.js";
