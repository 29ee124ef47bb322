// The completion of bash; it needs no package, and runs in the bash 3.2 of macOS.
import type { CommandWords, Value } from './words.ts';

export function bashScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name);
  return `# Completion of coda for bash. Made by: coda completion bash
_coda() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= operands=0 words= i
  # bash takes the = of --option=value as a word.
  if [ "$cur" = '=' ]; then
    prev=$prev= cur=
  elif [ "$prev" = '=' ]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}=
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command:\${COMP_WORDS[i-1]}" in
      *:= | ${commands.flatMap(optionsWithValue).join(' | ')}) continue ;;
    esac
    case "$command:\${COMP_WORDS[i]}" in
      *:-* | *:=) ;;
      ${names.map((name) => `:${name}`).join(' | ')}) command=\${COMP_WORDS[i]} ;;
      :*) command=unknown ;;
      *) operands=$((operands + 1)) ;;
    esac
  done
  # No words: bash completes the names of files. A dash alone: there is nothing to offer.
  case "$command:$prev" in
${commands.flatMap(valueCases).join('\n')}
    *)
      case "$command:$cur" in
        :-*) words='--help --version' ;;
        :*) words='${names.join(' ')}' ;;
${commands.map(optionCase).join('\n')}
        *)
          case "$command:$operands" in
${commands.flatMap(operandCases).join('\n')}
            *) words=- ;;
          esac
          ;;
      esac
      ;;
  esac
  COMPREPLY=()
  if [ "$words" = - ]; then
    # bash 3.2 cannot be told so.
    type compopt > /dev/null 2>&1 && compopt +o default
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -o default -F _coda coda coda-node
`;
}

/** After these, the next word is a value. */
function optionsWithValue({ name, options }: CommandWords): string[] {
  return options
    .filter(({ value, isOptional }) => value !== undefined && !isOptional)
    .flatMap(({ long, short }) => [`${name}:${long}`, ...(short === undefined ? [] : [`${name}:${short}`])]);
}

function valueCases({ name, options }: CommandWords): string[] {
  return options.flatMap(({ long, short, value, isOptional }) => {
    if (value === undefined) return [];
    const given = isOptional ? [] : [long, ...(short === undefined ? [] : [short])];
    const pattern = [...given, `${long}=`].map((option) => `${name}:${option}`).join(' | ');
    return [`    ${pattern}) words='${wordsFor(value)}' ;;`];
  });
}

function optionCase({ name, options }: CommandWords): string {
  return `        ${name}:-*) words='${options.map(({ long }) => long).join(' ')}' ;;`;
}

function operandCases({ name, operands }: CommandWords): string[] {
  return operands.map((value, index) => `            ${name}:${index}) words='${wordsFor(value)}' ;;`);
}

function wordsFor(value: Value): string {
  if (value === 'file') return '';
  return value === 'unknown' ? '-' : value.join(' ');
}
