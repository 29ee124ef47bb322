// The scripts of `coda completion` in the shells that they are for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';

const MAIN = resolve('dist', 'bundle', 'coda.cjs');
const COMMANDS =
  'dev submit cancel run executor show convert start stop status top page jobs stats logs log-level pause resume service ' +
  'doctor config results stop-vpn reset docs completion';

/** What is offered behind what was typed; the word that is completed is the last, and may be empty. */
const OFFERED: Readonly<Record<string, string>> = {
  'coda ': COMMANDS,
  'coda res': 'resume results reset',
  'coda-node stat': 'status stats',
  'coda start --to': '--token --token-file',
  'coda pause --': '--reason --config --json --help',
  'coda run bell.qasm --no': '--no-compile',
  'coda results re': 'replay',
  'coda executor ': 'check list',
  'coda jobs ': 'show',
  'coda jobs --outcome c': 'completed cancelled',
  'coda service ': 'install uninstall print',
  'coda completion ': 'bash zsh fish',
  'coda docs conf': 'configuration',
  'coda dev --target ': 'cz iswap pcz cnot',
  'coda dev --shots 5 --target c': 'cz cnot',
};
/** Where the names of files are offered. */
const FILES = [
  'coda run ',
  'coda show be',
  'coda start --config ',
  'coda start -c be',
  'coda convert bell.qasm ',
];
/** Where there is nothing to offer. */
const NOTHING = ['coda start ', 'coda start --port ', 'coda cancel ', 'coda results show ', 'coda strat '];

/** Where the words are typed. */
let folder: string;
let scripts: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'coda-completion-'));
  scripts = mkdtempSync(join(tmpdir(), 'coda-scripts-'));
  writeFileSync(join(folder, 'bell.qasm'), '');
});
after(() => {
  for (const path of [folder, scripts]) rmSync(path, { recursive: true, force: true });
});

function scriptFor(shell: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'completion', shell], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const path = join(scripts, shell);
  writeFileSync(path, stdout);
  return path;
}

function skipWithout(shell: string): string | false {
  return spawnSync(shell, ['--version']).error === undefined ? false : `${shell} is not installed`;
}

/** What a shell prints for a program; its lines. */
function printed(shell: string, program: string): string[] {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', program], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8', TERM: 'dumb' },
    timeout: 60_000,
  });
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stderr, '');
  return stdout.split('\n').slice(0, -1);
}

describe('the completion', () => {
  it('of bash offers commands, options, words and files', () => {
    // As bash calls it. An empty answer has bash offer files, unless compopt was told otherwise.
    const ask = (typed: string): string => {
      // bash takes a = as a word.
      const words = typed
        .replaceAll('=', ' = ')
        .split(' ')
        .filter((word, i, all) => word !== '' || i === all.length - 1);
      const last = typed.endsWith('=') ? words.slice(0, -1) : words;
      return `files=files; COMP_WORDS=(${last.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${last.length - 1}
        _coda; if [ \${#COMPREPLY[@]} -gt 0 ]; then echo "\${COMPREPLY[@]}"; else echo "($files)"; fi\n`;
    };
    const cases = {
      ...OFFERED,
      ...Object.fromEntries(FILES.map((typed) => [typed, '(files)'])),
      ...Object.fromEntries(NOTHING.map((typed) => [typed, '(nothing)'])),
      'coda --': '--help --version',
      'coda dev --target=': 'cz iswap pcz cnot',
      'coda dev --target=i': 'iswap',
      'coda show --svg=': '(files)',
      // The value of an option is no operand.
      'coda results --origin https://cloud re': 'replay',
      // Nothing that was typed is run.
      'coda docs $(touch ran)': '(nothing)',
    };
    const script = scriptFor('bash');
    const program = `source ${script}\ncompopt() { files=nothing; }\n${Object.keys(cases).map(ask).join('')}`;
    assert.deepEqual(printed('bash', program), Object.values(cases));
    assert.deepEqual(printed('bash', 'ls'), ['bell.qasm']);
    assert.match(
      printed('bash', `source ${script}; complete -p coda-node`).join(),
      /-o default -F _coda coda-node/,
    );
  });

  it('of fish offers the same', { skip: skipWithout('fish') }, () => {
    const ask = (typed: string): string => `echo (complete -C '${typed}' | string replace -r '\\t.*' '')\n`;
    const cases = {
      ...OFFERED,
      'coda run ': 'bell.qasm',
      'coda start --config be': 'bell.qasm',
      'coda show --svg=be': '--svg=bell.qasm',
      'coda start ': '',
      'coda cancel ': '',
    };
    const program = `source ${scriptFor('fish')}\n${Object.keys(cases).map(ask).join('')}`;
    // fish has an order of its own.
    const sorted = (words: string): string[] => words.split(' ').toSorted();
    assert.deepEqual(
      printed('fish', program).map(sorted),
      Object.values(cases).map((words) => sorted(words)),
    );
  });

  it('of zsh completes what is typed', { skip: skipWithout('zsh') }, () => {
    const cases = {
      'coda statu': 'status',
      'coda dev --targ': 'dev --target',
      'coda dev --target pc': 'dev --target pcz',
      'coda start --token-f': 'start --token-file',
      'coda results rep': 'results replay',
      'coda-node completion f': 'completion fish',
      'coda show bel': 'show bell.qasm',
      'coda show bell.qasm --asc': 'show bell.qasm --ascii',
    };
    // A terminal in which the line is typed, with the tab key and return. The command itself prints what it got.
    const program = `zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell "autoload -U compinit; compinit -D -u; source ${scriptFor('zsh')}; coda() { print -r - '<''<'\\$*'>''>' }
        coda-node() { coda \\$* }; print REA''DY"
      zpty -r shell out '*READY*'
      for typed in ${Object.keys(cases)
        .map((typed) => `'${typed}'`)
        .join(' ')}; do
        zpty -w -n shell "$typed"$'\\t\\n'
        zpty -r shell out '*>>*'
        print -r - \${\${out#*<<}%>>*}
      done
      zpty -d shell`;
    assert.deepEqual(printed('zsh', program), Object.values(cases));
  });
});
