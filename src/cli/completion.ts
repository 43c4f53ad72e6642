/** evpnctl completion bash: a completion script made from the verbs themselves. */
import { Argument } from "commander";
import type { Command, Option } from "commander";
import type { CliHost } from "./host.js";

export function addCompletion(program: Command, host: CliHost): void {
  program
    .command("completion")
    .description("completion script for a shell: source <(npx evpnctl completion bash)")
    .addArgument(new Argument("<shell>").choices(["bash"]))
    .action(() => host.out(bashScript(program)));
}

function bashScript(program: Command): string {
  const cases = nodes(program, []).map(
    ([path, words]) => `    "${path}") words="${words.join(" ")}" ;;\n`,
  );
  const all = allOptions(program);
  const valued = [...new Set(all.filter(takesValue).flatMap((option) => option.long ?? []))];
  const choices = all.flatMap(({ long, argChoices }) =>
    argChoices === undefined ? [] : `    ${long}) words="${argChoices.join(" ")}" ;;\n`,
  );
  return `_evpnctl() {
  local here="" word words option=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ -n "$option" ]; then option=""; continue; fi
    case "$word" in
      ${valued.join("|")}) option="$word" ;;
      -*) ;;
      *) here="\${here:+$here }$word" ;;
    esac
  done
  if [ -n "$option" ]; then
    case "$option" in
${[...new Set(choices)].join("")}    *) words="" ;;
    esac
    COMPREPLY=($(compgen -o default -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  case "$here" in
${cases.join("")}    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _evpnctl evpnctl
`;
}

function allOptions(command: Command): readonly Option[] {
  return [...command.options, ...command.commands.flatMap(allOptions)];
}

/** The word behind it is its value, not a verb's argument. */
function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

/** Each command by its words, with what may follow: verbs or choices, and options. */
function nodes(command: Command, path: readonly string[]): [string, string[]][] {
  const verbs = command.commands.map((child) => child.name());
  const options = command.options.flatMap((option) => option.long ?? []);
  const here: [string, string[]] = [path.join(" "), [...verbs, ...options]];
  const behind = command.registeredArguments.map((argument, index): [string, string[]] => [
    [...path, ...Array<string>(index).fill("*")].join(" "),
    [...(argument.argChoices ?? []), ...options],
  ]);
  // Behind the last argument options may follow still.
  if (behind.length > 0) {
    behind.push([[...path, ...Array<string>(behind.length).fill("*")].join(" "), options]);
  }
  // A star matches several words too, so the longest comes first.
  const own = behind.length > 0 ? behind.reverse() : [here];
  return [
    ...own.map(([words, next]): [string, string[]] => [pattern(words), next]),
    ...command.commands.flatMap((child) => nodes(child, [...path, child.name()])),
  ];
}

/** A word that is a value stands for any: quotes are left and entered around the star. */
function pattern(words: string): string {
  return words.replaceAll("*", '"*"');
}
