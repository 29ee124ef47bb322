// `coda stop-vpn`: stops the OpenVPN that the node has started; the credentials stay.
import type { CAC } from 'cac';
import { CONFIG_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

export function addStopVpn(cli: CAC): void {
  cli
    .command('stop-vpn', "Stop the node's OpenVPN; the credentials stay")
    .option(...CONFIG_OPTION)
    .example('  coda stop-vpn   run coda stop first: a running node starts OpenVPN again')
    .action(stopVpn);
}

async function stopVpn(options: ConfigOption): Promise<number> {
  const out = terminal(process.stdout);
  const { operatorSettings } = await import('../local-node/settings.ts');
  const { findNode } = await import('../local-node/find.ts');
  const { stopOpenvpn } = await import('../local-node/stop-openvpn.ts');
  const { stateDir, nodeVpnProfilePath } = await operatorSettings(options.config);
  const stopped = await stopOpenvpn(stateDir, nodeVpnProfilePath);
  if (stopped === undefined) {
    out.error(`no OpenVPN of a node runs with the state directory ${stateDir}`);
    return 1;
  }
  out.write(`stopped OpenVPN, PID ${stopped.pid}`);
  const { node } = await findNode(stateDir);
  if (node !== undefined) out.error(`the node (PID ${node.pid}) still runs, and may start it again`);
  return 0;
}
