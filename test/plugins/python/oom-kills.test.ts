// The kernel's own count of processes that it has killed for lack of memory. A test cannot have it kill one, so these are
// its files as they look.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { oomKills } from '../../../plugins/python/oom-kills.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const V2 = 'low 0\nhigh 0\nmax 7\noom 4\noom_kill 3\noom_group_kill 0\n';
const V1 = 'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n';
const V1_GROUPS = '9:name=systemd:/\n4:cpu,memory:/lab/qpu\n0::/\n';

const cases: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
  [
    'version 2',
    {
      'proc/self/cgroup': '0::/lab.slice/coda.service\n',
      'sys/fs/cgroup/lab.slice/coda.service/memory.events': V2,
    },
    3,
  ],
  ['version 2 in a container', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.events': V2 }, 3],
  ['version 1', { 'proc/self/cgroup': V1_GROUPS, 'sys/fs/cgroup/memory/lab/qpu/memory.oom_control': V1 }, 5],
  [
    'version 1 in a container',
    { 'proc/self/cgroup': V1_GROUPS, 'sys/fs/cgroup/memory/memory.oom_control': V1 },
    5,
  ],
  ['no count', { 'proc/self/cgroup': V1_GROUPS }, undefined],
  ['another system', {}, undefined],
];

describe('the number of kills for lack of memory', () => {
  for (const [what, files, expected] of cases) {
    it(`is read from the control group: ${what}`, async (t) => {
      const root = await temporaryFolder(t);
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
      assert.equal(oomKills(root), expected);
    });
  }

  it('is a number here, or unknown', () => {
    const kills = oomKills();
    assert.ok(kills === undefined || Number.isInteger(kills));
  });
});
