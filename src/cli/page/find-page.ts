// Finds the page of the node of a state directory. The port is checked first: another program that has it by now could read
// the token from the link.
import { get } from 'node:http';
import { readDoorToken } from '../../state/door-token.ts';
import { devNodeHint } from '../dev/rendezvous.ts';
import { findOwnNode } from '../local-node/find.ts';
import { askReady, urlOf } from '../local-node/live.ts';
import { CommandError } from '../terminal/failure.ts';

const TIMEOUT_MS = 5_000;

export interface FoundPage {
  readonly url: string;
  /** The same with the token; undefined if the node takes no actions. */
  readonly link: string | undefined;
  readonly pid: number;
}

/** Throws a CommandError that says why there is no page. */
export async function findPage(stateDir: string): Promise<FoundPage> {
  const { node } = await findOwnNode(stateDir, 'page');
  if (node === undefined) {
    throw new CommandError(`no node runs with the state directory ${stateDir}`, {
      remedy: devNodeHint(stateDir) ?? 'Start one: coda start',
    });
  }
  const { pid, presence, isOriginal, elsewhere } = node;
  if (elsewhere !== undefined) {
    throw new CommandError(`the node runs elsewhere: ${elsewhere}`, { remedy: 'Run coda page there.' });
  }
  if (isOriginal) throw new CommandError(`the Python coda-node (PID ${pid}) runs here, and has no page`);
  if (presence === undefined || presence.address === null) {
    throw new CommandError(`the node (PID ${pid}) has no page: its plugin health is off`, {
      remedy: 'Switch it on in the configuration, then restart the node.',
    });
  }
  if ((await askReady({ pid }, presence.address)) === undefined) {
    throw new CommandError(`the node (PID ${pid}) does not answer`, { remedy: 'See its state: coda status' });
  }
  const url = `${urlOf(presence.address)}/`;
  if (!(await hasPage(`${url}page/state`))) {
    throw new CommandError(`the node (PID ${pid}) has no page: its plugin page is off`, {
      remedy: 'Switch it on in the configuration, then restart the node.',
    });
  }
  const token = readDoorToken(stateDir);
  return { url, link: token === undefined ? undefined : `${url}#token=${token}`, pid };
}

function hasPage(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    // node:http, not fetch: this must not go through a proxy.
    const request = get(url, { signal: AbortSignal.timeout(TIMEOUT_MS), agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
