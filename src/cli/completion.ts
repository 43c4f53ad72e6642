/** evpnctl completion SHELL: a completion script made from the verbs themselves. */
import { Argument } from "commander";
import type { Command, Option } from "commander";
import type { CliHost } from "./host.js";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

export function addCompletion(program: Command, host: CliHost): void {
  program
    .command("completion")
    .description(
      "completion script: source <(npx evpnctl completion bash), the same for zsh; npx evpnctl completion fish | source",
    )
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell: keyof typeof SCRIPTS) => host.out(SCRIPTS[shell](wordsOf(program))));
}

/** What may stand where. A star in a path stands for any one value. */
interface Words {
  /** By the words before, the longest first. */
  readonly nodes: readonly (readonly [path: string, next: readonly string[]])[];
  /** Options with a value behind them. */
  readonly valued: readonly string[];
  /** Of those, the ones that have a list of values. */
  readonly choices: readonly (readonly [option: string, values: readonly string[]])[];
}

function wordsOf(program: Command): Words {
  const all = allOptions(program);
  const choices = new Map<string, Set<string>>();
  for (const { long, argChoices } of all) {
    if (long === undefined || argChoices === undefined) continue;
    // Another verb may have other values for an option of the same name.
    choices.set(long, new Set([...(choices.get(long) ?? []), ...argChoices]));
  }
  return {
    nodes: nodes(program, []),
    valued: [...new Set(all.filter(takesValue).flatMap((option) => option.long ?? []))],
    choices: [...choices].map(([option, values]) => [option, [...values]]),
  };
}

function bashScript({ nodes: all, valued, choices }: Words): string {
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
${choices.map(([option, values]) => `    ${option}) words="${values.join(" ")}" ;;\n`).join("")}    *) words="" ;;
    esac
    COMPREPLY=($(compgen -o default -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  case "$here" in
${all.map(([path, next]) => `    "${pattern(path)}") words="${next.join(" ")}" ;;\n`).join("")}    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _evpnctl evpnctl
`;
}

/** Needs `compinit`, as completion in zsh does. Where an option takes anything, files are offered. */
function zshScript({ nodes: all, valued, choices }: Words): string {
  return `#compdef evpnctl
_evpnctl() {
  local here="" word option="" next=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $option ]]; then option=""; continue; fi
    case "$word" in
      (${valued.join("|")}) option="$word" ;;
      (-*) ;;
      (*) here="\${here:+$here }$word" ;;
    esac
  done
  if [[ -n $option ]]; then
    case "$option" in
${choices.map(([option, values]) => `      (${option}) next="${values.join(" ")}" ;;\n`).join("")}      (*) _files; return ;;
    esac
  else
    case "$here" in
${all.map(([path, next]) => `      ("${pattern(path)}") next="${next.join(" ")}" ;;\n`).join("")}    esac
  fi
  compadd -- \${=next}
}
compdef _evpnctl evpnctl
`;
}

/** Where an option takes anything, files are offered. */
function fishScript({ nodes: all, valued, choices }: Words): string {
  const line = (words: readonly string[]): string => `printf '%s\\n' ${words.join(" ")}`;
  return `function __evpnctl_next
  set -l here
  set -l option
  for word in (commandline -opc)[2..-1]
    if test -n "$option"
      set option
      continue
    end
    switch "$word"
      case ${valued.join(" ")}
        set option $word
      case '-*'
      case '*'
        set -a here $word
    end
  end
  if test -n "$option"
    switch "$option"
${choices.map(([option, values]) => `      case ${option}\n        ${line(values)}\n`).join("")}      case '*'
        __fish_complete_path (commandline -ct)
    end
    return
  end
  switch (string join ' ' -- $here)
${all
  .filter(([, next]) => next.length > 0)
  .map(([path, next]) => `    case '${path}'\n      ${line(next)}\n`)
  .join("")}  end
end
complete -c evpnctl -f -a '(__evpnctl_next)'
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
  return [...own, ...command.commands.flatMap((child) => nodes(child, [...path, child.name()]))];
}

/** A word that is a value stands for any: quotes are left and entered around the star. */
function pattern(words: string): string {
  return words.replaceAll("*", '"*"');
}
