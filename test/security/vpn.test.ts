// A profile and an OpenVPN that would take all the time, or all the disk.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Openvpn } from '../../plugins/vpn/openvpn.ts';
import { parseProfile } from '../../plugins/vpn/profile.ts';
import { createLogger } from '../../src/log.ts';
import { waitUntil } from '../../src/testing/index.ts';

const MIB = 1024 * 1024;

describe('a VPN profile', () => {
  it('with as many different lines as fit is read to its end', () => {
    for (const line of [
      (index: number) => `route 10.${index >> 8}.${index % 256}.0`,
      (index: number) => `remote a${index} 1 udp`,
      (index: number) => `pull-filter ignore ${index}`,
    ]) {
      const lines = Array.from({ length: 10_000 }, (_, index) => line(index));
      const text = ['client', ...lines, ...lines.slice(0, 100), 'up x'].join('\n');
      // In a moment, since each line is looked up and not searched for.
      assert.throws(() => parseProfile(text), /line 10102\b.*'up' is refused/);
    }
  });
});

describe(
  'an OpenVPN that logs megabytes a second',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  () => {
    let folder: string;
    before(() => (folder = mkdtempSync(join(tmpdir(), 'coda-openvpn-'))));
    after(() => rmSync(folder, { recursive: true, force: true }));

    it('fills no disk: the end of its log stays, and what is dropped is counted', async () => {
      const bin = join(folder, 'bin');
      mkdirSync(bin);
      // A stand-in: no real one says so much on demand.
      writeFileSync(
        join(bin, 'openvpn'),
        `#!/bin/sh\nblock=$(head -c 60000 /dev/zero | tr '\\0' x)\nn=0\nwhile :; do n=$((n+1)); echo "$block"; echo "line $n"; sleep 0.001; done\n`,
        { mode: 0o755 },
      );
      const paths = { profile: join(folder, 'p.ovpn'), pid: join(folder, 'pid'), log: join(folder, 'log') };
      const lines: string[] = [];
      const openvpn = new Openvpn(paths, { PATH: bin }, createLogger({ write: (line) => lines.push(line) }));
      try {
        await openvpn.ensure('');
        await waitUntil('the log to be cut', () => lines.some((line) => line.includes('were dropped')));
        assert.match(lines.join('\n'), /OpenVPN logs very much: \d+ MiB of \S+ were dropped/);
        // It still writes while this looks.
        await waitUntil('a small log', () => statSync(paths.log).size < 10 * MIB);
        const kept = readFileSync(paths.log, 'latin1');
        assert.match(kept, /^\(\d+ bytes dropped by coda-node\)\n/);
        assert.match(kept, /line \d+/);
        assert.equal(openvpn.isRunning, true);
      } finally {
        await openvpn.stop();
      }
      assert.equal(openvpn.isRunning, false);
    });
  },
);
