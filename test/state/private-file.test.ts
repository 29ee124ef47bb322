import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readPrivateFile, shellQuoted, writeFileAtomic, writeRemedy } from '../../src/state/private-file.ts';
import { nameOfUser } from '../../src/state/users.ts';
import { ConfigError } from '../../src/errors.ts';
import { asNobody, folder, put } from '../config/folder.ts';

describe('writing a file', () => {
  it('gives it mode 0600 with any umask, and leaves nothing else behind', async (t) => {
    const path = folder(t);
    for (const umask of [0, 0o777]) {
      const before = process.umask(umask);
      try {
        await writeFileAtomic(join(path, 'a'), `text ${umask}`);
      } finally {
        process.umask(before);
      }
      assert.equal(statSync(join(path, 'a')).mode & 0o777, 0o600);
      assert.equal(readFileSync(join(path, 'a'), 'utf8'), `text ${umask}`);
    }
    assert.deepEqual(readdirSync(path), ['a']);
  });

  it('replaces a symbolic link and leaves alone what it points to', async (t) => {
    const path = folder(t, { victim: 'precious' });
    symlinkSync(join(path, 'victim'), join(path, 'a'));
    await writeFileAtomic(join(path, 'a'), 'new');
    assert.equal(readFileSync(join(path, 'victim'), 'utf8'), 'precious');
    assert.ok(lstatSync(join(path, 'a')).isFile());
  });

  it('shows a reader either the old text or the new one', async (t) => {
    const file = join(folder(t), 'a');
    const texts = ['a'.repeat(50_000), 'b'.repeat(50_000)];
    await writeFileAtomic(file, String(texts[0]));
    const write = (_: unknown, index: number): Promise<void> =>
      writeFileAtomic(file, String(texts[index % 2]));
    const read = async (): Promise<void> => {
      for (let looks = 0; looks < 300; looks += 1) {
        assert.ok(texts.includes(readFileSync(file, 'utf8')));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([read(), ...Array.from({ length: 40 }, write)]);
  });

  it('that fails names the file and the remedy, and leaves nothing behind', async (t) => {
    const path = folder(t);
    mkdirSync(join(path, 'taken'));
    await assert.rejects(
      writeFileAtomic(join(path, 'taken'), 'x'),
      /^ConfigError: .*taken cannot be written/,
    );
    assert.deepEqual(readdirSync(path), ['taken']);
    await assert.rejects(writeFileAtomic(join(path, 'no', 'a'), 'x'), /ENOENT[^]*CODA_STATE_DIR/);
  });

  it('into a folder of others says that it must be writable', async (t) => {
    const path = folder(t);
    chmodSync(path, 0o555);
    await assert.rejects(
      asNobody(() => writeFileAtomic(join(path, 'a'), 'x')),
      /EACCES[^]*must be able to write to/,
    );
    chmodSync(path, 0o755);
    assert.deepEqual(readdirSync(path), []);
  });

  it('on a full disk says so', () => {
    assert.match(writeRemedy({ code: 'ENOSPC' }, '/state'), /The disk of \/state is full/);
  });
});

describe('reading a private file', () => {
  it('returns its text, or nothing if there is none', (t) => {
    const path = folder(t, { a: 'text' });
    assert.equal(readPrivateFile(join(path, 'a')), 'text');
    assert.equal(readPrivateFile(join(path, 'b')), undefined);
    chmodSync(join(path, 'a'), 0o400);
    assert.equal(readPrivateFile(join(path, 'a')), 'text');
  });

  it('refuses every mode that lets others in, with the command that repairs it', (t) => {
    const path = folder(t, { 'it is': 'text' });
    const file = join(path, 'it is');
    for (const mode of [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o777]) {
      chmodSync(file, mode);
      assert.throws(
        () => readPrivateFile(file),
        (thrown: unknown) => {
          assert.ok(thrown instanceof ConfigError);
          assert.ok(thrown.message.includes(`has mode 0${mode.toString(8)}`), thrown.message);
          assert.equal(thrown.remedy, `Run: chmod 600 '${file}'`);
          return true;
        },
      );
    }
    execFileSync('sh', ['-c', `chmod 600 ${shellQuoted(file)}`]);
    assert.equal(readPrivateFile(file), 'text');
  });

  it('refuses a file of another user', (t) => {
    const isRoot = process.geteuid?.() === 0;
    // Only root can give a file away; everybody else finds one of root's.
    const file = isRoot ? put(folder(t), 'a', 'text') : '/etc/passwd';
    if (isRoot) chownSync(file, 65_534, 65_534);
    const owner = nameOfUser(isRoot ? 65_534 : 0);
    assert.throws(
      () => readPrivateFile(file),
      (thrown: unknown) => {
        assert.ok(thrown instanceof ConfigError);
        assert.match(thrown.message, new RegExp(`belongs to user ${owner}, but the node runs as user`));
        assert.match(String(thrown.remedy), /look at what it is, then remove it/);
        return true;
      },
    );
  });

  it('refuses links, folders, pipes and huge files, without waiting', (t) => {
    const path = folder(t, { a: 'text', giant: 'x'.repeat(1024 * 1024 + 1) });
    symlinkSync(join(path, 'a'), join(path, 'link'));
    execFileSync('mkfifo', ['-m', '600', join(path, 'pipe')]);
    assert.throws(() => readPrivateFile(join(path, 'link')), /link is a symbolic link[^]*rm .*link/);
    assert.throws(() => readPrivateFile(path), /is not a regular file/);
    assert.throws(() => readPrivateFile(join(path, 'pipe')), /is not a regular file/);
    assert.throws(() => readPrivateFile(join(path, 'giant')), /has 1048577 bytes/);
    assert.throws(() => readPrivateFile(join(path, 'a', 'b')), /^ConfigError: .*cannot be read: ENOTDIR/);
  });
});
