// Whether a process that was ended by SIGKILL was ended by the kernel, because there was no memory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How many processes of this one's control group the kernel has killed so far for lack of memory; undefined if it does not
 *  say. `root` is that of the file system. */
export function oomKills(root = '/'): number | undefined {
  for (const line of read(join(root, 'proc/self/cgroup')).split('\n')) {
    // `0::/path` in version 2, `4:memory:/path` in version 1.
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const isMemory = controllers.split(',').includes('memory');
    if (controllers !== '' && !isMemory) continue;
    const [folder, file] = isMemory ? ['memory', 'memory.oom_control'] : ['', 'memory.events'];
    // In a container, the group's own folder may be the only one that is seen.
    for (const place of [path, '']) {
      const [, kills] =
        /^oom_kill (\d+)$/m.exec(read(join(root, 'sys/fs/cgroup', folder, place, file))) ?? [];
      if (kills !== undefined) return Number(kills);
    }
  }
  return undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
