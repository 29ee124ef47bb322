// `coda reset`, also `coda --reset`: puts the machine back to how it was before the first start.
import type { CAC } from 'cac';
import { ask } from '../terminal/ask.ts';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface ResetOptions extends ConfigOption {
  readonly json?: boolean;
  readonly yes?: boolean;
}

export function addReset(cli: CAC): void {
  cli
    .command('reset', 'Stop the node and its VPN, and remove every file that it made')
    .option('-y, --yes', 'Do not ask, even if undelivered results are lost')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda reset   afterwards start again with a new token: coda start --token -')
    .action(reset);
}

export async function reset(options: ResetOptions): Promise<number> {
  const out = terminal(process.stdout);
  const { operatorSettings } = await import('../local-node/settings.ts');
  const { resetNode } = await import('./reset-node.ts');
  const { trustedOwners: ownersOf } = await import('../../state/trust.ts');
  const { stateDir, nodeVpnProfilePath, trustedOwners } = await operatorSettings(options.config);
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && options.json !== true;
  const done = await resetNode({
    stateDir,
    owners: ownersOf(trustedOwners),
    vpnProfile: nodeVpnProfilePath,
    out: options.json === true ? { ...out, write: () => {} } : out,
    ask: isTerminal ? ask : undefined,
    yes: options.yes === true,
  });
  if (done === undefined) {
    out.write('nothing is removed');
    return 1;
  }
  if (options.json === true) {
    out.json({ ...done, left: done.left.map(({ path }) => path) }, 2);
    return 0;
  }
  if (done.stopped !== null) out.write(`stopped PID ${done.stopped}`);
  for (const path of done.removed) out.write(`removed ${path}`);
  for (const { path, why } of done.left) out.write(`left ${path}: ${why}`);
  if (done.removed.length === 0) out.write(`nothing to remove in ${stateDir}`);
  return 0;
}
