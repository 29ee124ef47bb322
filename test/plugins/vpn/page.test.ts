// docs/vpn.md says what a profile may say: the same as the code, directive by directive.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DIRECTIVES, LEFT_OUT } from '../../../plugins/vpn/directives.ts';
import { parseProfile } from '../../../plugins/vpn/profile.ts';
import { GOOD } from './samples.ts';

const page = readFileSync(new URL('../../../../docs/vpn.md', import.meta.url), 'utf8');

/** The part of the page between two lines that begin so. */
function between(start: string, end: string): string {
  const from = page.indexOf(`\n${start}`);
  const to = page.indexOf(`\n${end}`, from);
  assert.ok(from !== -1 && to !== -1, `${start} … ${end}`);
  return page.slice(from, to);
}

/** The names in backticks, without their values. */
function names(text: string): string[] {
  return [...text.matchAll(/`([a-z][\w-]*)[^`]*`/g)].map(([, name = '']) => name);
}

/** Each directive of a table with what its row says. */
function rows(text: string): [name: string, why: string][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const [, first = '', why = ''] = line.split('|');
      return names(first).map((name): [string, string] => [name, why.trim()]);
    });
}

describe('docs/vpn.md', () => {
  it('lists every directive that is taken, and no other', () => {
    const taken = new Set(names(between('- Role and server', '- `<connection>`')));
    assert.deepEqual([...taken].toSorted(), [...DIRECTIVES.keys()].toSorted());
  });

  it('lists every directive that is left out, with the reason', () => {
    const said = rows(between('Left out', '`setenv opt X`'));
    assert.equal(said.length, LEFT_OUT.size);
    assert.deepEqual(new Map(said), LEFT_OUT);
  });

  it('gives the reasons of the directives that are refused', () => {
    const said = rows(between('Refused', 'The values are'));
    assert.ok(said.length > 20);
    for (const [name, why] of said) {
      assert.throws(
        () => parseProfile(`${name} x\n${GOOD}`),
        ({ message }: Error) =>
          message.startsWith(`line 1 of the VPN profile: '${name}' is refused: `) &&
          message.replace(` <${name}>`, '').includes(why),
        name,
      );
    }
  });
});
