// `coda stop-vpn`: ends the OpenVPN that the node has started; the credentials stay.
import type { CAC } from 'cac';
import { terminal, type ConfigOption } from '../terminal/options.ts';

export function addStopVpn(cli: CAC): void {
  cli
    .command('stop-vpn', "Stop the node's OpenVPN; the credentials stay")
    .option('-c, --config <file>', 'Config file, instead of the one in this folder')
    .example('  coda stop-vpn   a node that still runs starts it again: stop that first')
    .action(stopVpn);
}

async function stopVpn(options: ConfigOption): Promise<number> {
  const out = terminal(process.stdout);
  const { operatorConfig } = await import('../local-node/settings.ts');
  const { findNode } = await import('../local-node/find.ts');
  const { stopVpnProcess } = await import('../local-node/stop-vpn-process.ts');
  const { stateDir } = (await operatorConfig(options.config)).settings;
  const stopped = await stopVpnProcess(stateDir);
  if (stopped === undefined) {
    out.error(`no OpenVPN of a node runs with the state directory ${stateDir}`);
    return 1;
  }
  out.write(`stopped OpenVPN, PID ${stopped.pid}`);
  const { node } = findNode(stateDir);
  if (node !== undefined) out.error(`the node (PID ${node.pid}) still runs, and may start it again`);
  return 0;
}
