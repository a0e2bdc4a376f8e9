import type { Argument, Command, Option } from 'commander';
import type { Io } from './io.ts';
import { oneOf } from './one-of.ts';
import { recipes } from './recipes.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export function completionCommand(program: Command, io: Io): void {
  program
    .command('completion')
    .summary('a script that completes cq in your shell')
    .description('Prints a script for bash, zsh or fish that completes commands, options, recipes, files and folders.')
    .argument('<SHELL>', 'bash, zsh or fish', oneOf('completion', 'SHELL', shells))
    .addHelpText(
      'after',
      `
Example:
  cq completion bash > ~/.local/share/bash-completion/completions/cq
  cq completion zsh  > ~/.zfunc/_cq       # with fpath+=~/.zfunc before compinit in ~/.zshrc
  cq completion fish > ~/.config/fish/completions/cq.fish

For this shell alone: source <(cq completion bash)`,
    )
    .action((shell: (typeof shells)[number]) => void io.stdout.write(scripts[shell](program)));
}

/** Each takes all that it completes from the commands' own declarations. */
const scripts: Readonly<Record<(typeof shells)[number], (program: Command) => string>> = { bash, zsh, fish };

function bash(program: Command): string {
  const lines = program.commands.flatMap((command) => [
    ...optionsOf(command)
      .filter(takesValue)
      .map((option) => `    '${command.name()} ${option.long}') words='${wordsOf(option)}' ;;`),
    `    '${command.name()} '*) [[ $word == -* ]] && words='${longNames(command)}' || words='${command.registeredArguments.map(wordsOf).join(' ')}' ;;`,
  ]);
  return `# bash completion of cq; where this knows no words, bash completes files and folders
_cq() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=''
  [[ $before == '=' ]] && before=\${COMP_WORDS[COMP_CWORD-2]} # --recipe=int8 is three words
  [[ $word == '=' ]] && word=''
  ((COMP_CWORD == 1)) && words='help ${namesOf(program)} ${longNames(program)}' || case "\${COMP_WORDS[1]} $before" in
    'help '*) words='${namesOf(program)}' ;;
${lines.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _cq cq
`;
}

function zsh(program: Command): string {
  const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
  const plain = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&');
  const places = { files: '_files', folders: '_files -/', nothing: ' ' };
  const completes = (value: Option | Argument) => (wordsOf(value) ? `(${wordsOf(value)})` : places[placeOf(value)]);
  const cases = program.commands.map((command) => {
    const options = optionsOf(command).map((option) =>
      quoted(`${option.long}[${plain(option.description)}]${takesValue(option) ? `: :${completes(option)}` : ''}`),
    );
    const values = command.registeredArguments.map((value) =>
      quoted(`${value.variadic ? '*' : ''}: :${completes(value)}`),
    );
    return `    ${command.name()}) _arguments ${[...options, ...values].join(' ')} ;;`;
  });
  return `#compdef cq
_cq() {
  local -a commands=(${program.commands.map((command) => quoted(`${command.name()}:${plain(command.summary())}`)).join(' ')})
  ((CURRENT == 2)) && { _describe command commands; return; }
  shift words; ((CURRENT--))
  case $words[1] in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _cq ]]; then _cq "$@"; else compdef _cq cq; fi
`;
}

function fish(program: Command): string {
  const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
  const places = { files: ' -r -F', folders: " -x -a '(__fish_complete_directories)'", nothing: ' -x' };
  const lines = program.commands.flatMap((command) => {
    const within = `complete -c cq -n '__fish_seen_subcommand_from ${command.name()}'`;
    const value = (option: Option) => (wordsOf(option) ? ` -x -a '${wordsOf(option)}'` : places[placeOf(option)]);
    return [
      `complete -c cq -n __fish_use_subcommand -a ${command.name()} -d ${quoted(command.summary())}`,
      ...optionsOf(command).map(
        (option) =>
          `${within} -l ${option.long!.slice(2)}${takesValue(option) ? value(option) : ''} -d ${quoted(option.description)}`,
      ),
      ...command.registeredArguments.map((argument) =>
        wordsOf(argument) ? `${within} -a '${wordsOf(argument)}'` : `${within} -F`,
      ),
    ];
  });
  const help = `complete -c cq -n '__fish_seen_subcommand_from help' -a '${namesOf(program)}'`;
  return `# fish completion of cq\ncomplete -c cq -f\n${help}\n${lines.join('\n')}\n`;
}

const namesOf = (program: Command): string => program.commands.map((command) => command.name()).join(' ');
const optionsOf = (command: Command): readonly Option[] => command.createHelp().visibleOptions(command);
const longNames = (command: Command): string =>
  optionsOf(command)
    .map(({ long }) => long!)
    .join(' ');
const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** The words that a value must be one of, if it must. */
function wordsOf(value: Option | Argument): string {
  if ('long' in value && value.long === '--recipe') return Object.keys(recipes).join(' ');
  return (value.parseArg as Partial<ReturnType<typeof oneOf>> | undefined)?.words?.join(' ') ?? '';
}

/** What a value that is no word names, as its placeholder in the help says. */
function placeOf(value: Option | Argument): 'files' | 'folders' | 'nothing' {
  const name = 'flags' in value ? value.flags.replace(/^.*<|>$/g, '') : value.name();
  if (name === 'DIR') return 'folders';
  return ['MODEL', 'DATA', 'FILE', 'CONFIG'].includes(name) ? 'files' : 'nothing';
}
