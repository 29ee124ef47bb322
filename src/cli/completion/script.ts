// The completion of each shell. The scripts hold all words, so that no key press has to wait for a Node.js to start. They
// evaluate nothing that was typed.
import type { CAC } from 'cac';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import type { SHELLS } from './shells.ts';
import { wordsOf } from './words.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

export function completionScript(cli: CAC, shell: (typeof SHELLS)[number]): string {
  return SCRIPTS[shell](wordsOf(cli));
}
