// The disk below the state directory or the log is full or read-only, and the log is taken away.
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../../../src/errors.ts';
import { waitUntil } from '../../../../src/testing/index.ts';
import { Skip } from '../../scenario.ts';
import { NOTHING, type Fault } from '../fault.ts';
import { EVERYWHERE } from '../place.ts';
import type { Night } from '../night.ts';

const DISK_MB = 8;
const JOBS_ON_FULL_DISK = 30;
const BLOCK = Buffer.alloc(4096, 1);
const FULL = /ENOSPC|no space|disk[^\n]*full|full disk|\b0 MB are free/i;
const ROOM = /space|room|free/i;
/** The message about a folder without rights. */
const WRONG_REMEDY = /writable for this user|coda reset/i;

const disk = ({ node }: Night): string => node.stateDir;
const filler = (night: Night): string => join(disk(night), 'filler');

/** A small disk for the state directory. */
function mountDisk(night: Night): void {
  mount(['-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=700`, 'tmpfs', disk(night)]);
  night.world.onClose(() => void spawnSync('umount', ['--lazy', disk(night)]));
}

function mount(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Skip(`a small disk cannot be mounted here (needs root): ${(error?.message ?? stderr).trim()}`);
}

/** Fills the disk to its last block. */
function fillUp(night: Night): void {
  for (;;) {
    try {
      writeFileSync(filler(night), BLOCK, { flag: 'a' });
    } catch (thrown) {
      if (errorCode(thrown) === 'ENOSPC') return;
      throw thrown;
    }
  }
}

/** Nothing is left, not even the rest of a block that is in use. */
async function fillUpAtWork(night: Night): Promise<void> {
  fillUp(night);
  for (let i = 0; i < JOBS_ON_FULL_DISK; i++) await night.job();
}

const asDaemon = ({ node }: Night): void => void (node.isDaemon = true);

/** The log is there again and in use: a pause is written to it at once. */
async function logGoesOn({ node }: Night): Promise<void> {
  await node.must('pause');
  await waitUntil('a new log', () => existsSync(node.logPath) && /pause/.test(node.heard()), {
    timeoutMs: 10_000,
  });
}

const resume = ({ node }: Night): Promise<string> => node.must('resume');

export const DISK_FAULTS: readonly Fault[] = [
  {
    name: 'the disk of the results is full',
    prepare: mountDisk,
    inject: fillUpAtWork,
    heal: (night) => rmSync(filler(night)),
    cause: FULL,
    remedy: ROOM,
    never: WRONG_REMEDY,
    where: EVERYWHERE,
  },
  {
    name: "the disk of a daemon's log and results is full",
    prepare(night) {
      mountDisk(night);
      asDaemon(night);
    },
    inject: fillUpAtWork,
    heal: (night) => rmSync(filler(night)),
    cause: FULL,
    remedy: ROOM,
    never: WRONG_REMEDY,
    where: ['ready', 'status', 'doctor'],
    // Written once there is room.
    after: ['log'],
  },
  {
    name: 'standard error on a full disk',
    prepare: ({ node, world }) => node.startOnFullDisk(() => world.cloud.issueToken()),
    inject: () => {},
    heal: () => {},
    cause: NOTHING,
    remedy: NOTHING,
    where: [],
    flows: true,
  },
  {
    name: 'the state directory is read-only',
    // A disk with files that are open for writing cannot be made so.
    node: 'refuses',
    async prepare(night) {
      mountDisk(night);
      await night.provision();
    },
    inject: (night) => mount(['-o', 'remount,ro', disk(night)]),
    heal: (night) => mount(['-o', 'remount,rw', disk(night)]),
    cause: /EROFS|read-only/i,
    remedy: /mount/i,
    never: WRONG_REMEDY,
    where: ['doctor', 'log'],
  },
  {
    name: 'the log is moved away',
    prepare: asDaemon,
    inject: ({ node }) => renameSync(node.logPath, `${node.logPath}.kept`),
    heal: resume,
    cause: NOTHING,
    remedy: NOTHING,
    where: [],
    flows: true,
    meanwhile: logGoesOn,
  },
  {
    name: 'the log is deleted',
    prepare: asDaemon,
    inject: ({ node }) => rmSync(node.logPath),
    heal: resume,
    cause: NOTHING,
    remedy: NOTHING,
    where: [],
    flows: true,
    meanwhile: logGoesOn,
  },
];
