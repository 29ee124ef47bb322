// A service has a state directory of its own. Who has started the node by hand before has the credentials in another one,
// and their token is used up: says how to take along what lies there.
import { existsSync } from 'node:fs';
import { nodeFolder, stateConfigPath, stateKeyPath } from '../../state/layout.ts';
import { shellQuoted } from '../../state/private-file.ts';

/**
 * `to`: the state directory of the service; undefined if only its service manager knows. No lines if there is nothing to
 * take, or if the service has credentials.
 */
export function takeAlongText(stateDir: string, to: string | undefined): string[] {
  if (!existsSync(stateConfigPath(stateDir))) return [];
  if (to !== undefined && existsSync(stateConfigPath(to))) return [];
  const found = [stateConfigPath, stateKeyPath, nodeFolder].map((path) => path(stateDir)).filter(existsSync);
  const target = to === undefined ? '<that directory>' : shellQuoted(to);
  return [
    `the credentials in ${stateDir} are not those of the service, which keeps its own in ` +
      (to ?? 'a directory that this shows: systemctl --user show --property=Environment coda-node'),
    'to take them along, with the results that wait there, instead of a new token, stop that node, then:',
    `  mkdir -p -m 700 ${target}`,
    `  mv ${found.map(shellQuoted).join(' ')} ${target}/`,
  ];
}
