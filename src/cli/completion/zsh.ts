// The completion of zsh, with its own `_arguments`.
import { HELP, type CommandWords, type OptionWords, type Value } from './words.ts';

export function zshScript(commands: readonly CommandWords[]): string {
  return `#compdef coda coda-node
# Completion of coda for zsh. Made by: coda completion zsh
_coda() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`).join('\n')}
  )
  _arguments -C ${optionSpec(HELP)} '--version[Display version number]' '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${commands.map(commandCase).join('\n')}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _coda ]; then
  _coda "$@"
else
  compdef _coda coda coda-node
fi
`;
}

function commandCase({ name, options, operands }: CommandWords): string {
  const specs = [
    ...options.map(optionSpec),
    ...operands.map((value, index) => quoted(`${index + 1}: :${action(value)}`)),
  ];
  return `        ${name}) _arguments ${specs.join(' ')} ;;`;
}

function optionSpec({ long, short, about, value, isOptional }: OptionWords): string {
  const text = `[${about.replaceAll(/[[\]\\:]/g, '\\$&')}]`;
  const argument = value === undefined ? '' : `:${isOptional ? ':' : ''} :${action(value)}`;
  // With `=-` the value has to stand behind the `=`; with `=` it may also be the next word.
  const joint = value === undefined ? '' : isOptional ? '=-' : '=';
  const spec = quoted(`${long}${joint}${text}${argument}`);
  if (short === undefined) return spec;
  const exclusive = quoted(`(${short} ${long})`);
  return `${exclusive}${spec} ${exclusive}${quoted(`${short}${value === undefined ? '' : '+'}${text}${argument}`)}`;
}

function action(value: Value): string {
  if (value === 'file') return '_files';
  return value === 'unknown' ? ' ' : `(${value.join(' ')})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
