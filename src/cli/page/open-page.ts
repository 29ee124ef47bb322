// Opens a link in the browser of this user. The browser is given a file that leads to it: the arguments of a program are seen
// by all users of a machine, and the link has a token.
import { spawn } from 'node:child_process';
import { messageOf } from '../../errors.ts';
import { nodeFolder, pageLinkPath } from '../../state/layout.ts';
import { writeFileAtomic } from '../../state/private-file.ts';

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

/** Why it could not, if so. */
export async function openPage(stateDir: string, link: string): Promise<string | undefined> {
  const path = pageLinkPath(nodeFolder(stateDir));
  await writeFileAtomic(path, `<!doctype html><meta http-equiv="refresh" content="0;url=${link}">\n`);
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const opener = spawn(program, [...args, path], { stdio: 'ignore' });
  return new Promise((resolve) => {
    opener.on('error', (thrown) => resolve(messageOf(thrown)));
    // explorer.exe ends with 1 in any case.
    opener.on('close', (code) =>
      resolve(code === 0 || process.platform === 'win32' ? undefined : `${program} failed with code ${code}`),
    );
  });
}
