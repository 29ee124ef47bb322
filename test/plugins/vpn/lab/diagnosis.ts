// What to look at after a test in the lab has failed: the lab is gone by then, so its state goes into the error.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../../../../src/testing/index.ts';
import type { Lab } from './lab.ts';
import type { VpnNode } from './node-process.ts';

const TAIL = 3_000;

/** As `waitUntil`; its error has the state of the nodes, of Redis and of the network. */
export async function until<T>(
  lab: Lab,
  nodes: readonly VpnNode[],
  what: string,
  check: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  try {
    return await waitUntil(what, check);
  } catch (thrown) {
    throw new Error(`${String(thrown)}\n${await diagnosis(lab, nodes)}`, { cause: thrown });
  }
}

async function diagnosis(lab: Lab, nodes: readonly VpnNode[]): Promise<string> {
  const ofNodes = nodes.flatMap((node, i) => [
    [`node ${i}`, node.output()],
    [`OpenVPN of node ${i}`, readOr(join(node.stateDir, 'coda-node-openvpn.log'))],
  ]);
  const ofNetwork = [lab.client, lab.server].flatMap((namespace) =>
    [
      ['-brief', 'address'],
      ['route', 'show', 'table', 'all'],
      ['-statistics', 'link'],
    ].map((words) => [
      `ip ${words.join(' ')} in ${namespace}`,
      spawnSync('ip', ['-n', namespace, ...words], { encoding: 'utf8' }).stdout,
    ]),
  );
  const deliveries = await lab.cloud.deliveries().catch(String);
  const all = [
    ...ofNodes,
    ['Redis', await lab.cloud.redisState().catch(String)],
    ['posts', String(deliveries)],
    ['the OpenVPN server', lab.serverLog()],
    ...ofNetwork,
  ];
  return all.map(([name, text = '']) => `--- ${name}:\n${text.slice(-TAIL)}`).join('\n');
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    return String(thrown);
  }
}
