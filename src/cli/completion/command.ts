// `coda completion`: a script that completes commands, options and their values in a shell.
import type { CAC } from 'cac';
import { oneOf } from '../terminal/options.ts';
import { textOutput } from '../terminal/output.ts';
import { SHELLS } from './shells.ts';

export function addCompletion(cli: CAC): void {
  cli
    .command('completion <shell>', `Print a script that completes commands and options: ${SHELLS.join(', ')}`)
    .example('  coda completion bash > ~/.local/share/bash-completion/completions/coda')
    .example('  coda completion zsh > "${fpath[1]}/_coda"    a folder of zsh that you may write to')
    .example('  coda completion fish > ~/.config/fish/completions/coda.fish')
    .example('  eval "$(coda completion bash)"               in bash or zsh, for this shell only')
    .action(async (given: string) => {
      const shell = oneOf('the shell', given, SHELLS);
      const { completionScript } = await import('./script.ts');
      textOutput()(completionScript(cli, shell));
      return 0;
    });
}
