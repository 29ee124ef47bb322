// A running `coda dev`, whose runs a test can hold and let fail, for tests of the page.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectToSession, type DevClient } from '../../../src/cli/dev/client.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { coda, type CodaProcess } from '../../cli/process.ts';

/** A ladder of eight qubits. While the file `hold` is there, a run waits; with 13 shots it fails. */
const CONFIG = `
import { existsSync } from 'node:fs';
import { defineConfig, type Executor } from 'coda-node';

const executor: Executor = {
  device: { logicalEdges: [[0, 1], [1, 2], [2, 3], [4, 5], [5, 6], [6, 7], [0, 4], [1, 5], [2, 6], [3, 7]] },
  async run(ir, shots, { signal }) {
    if (shots === 13) throw new Error('the readout of q1 did not lock');
    while (existsSync(new URL('./hold', import.meta.url))) {
      if (signal.aborted) throw new Error('the run was stopped');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const width = ir.measurements.length;
    const ones = Math.floor(shots / 4);
    const counts = { ['0'.repeat(width)]: shots - ones, ['1'.repeat(width)]: ones };
    return { counts, executionTimeMs: 1, shotsCompleted: shots };
  },
};
export default defineConfig({ executor: () => executor });
`;

export interface DevSession {
  readonly folder: string;
  readonly process: CodaProcess;
  /** The link to the page that it has printed. */
  readonly link: string;
  readonly client: DevClient;
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

export async function startDevSession(): Promise<DevSession> {
  const folder = mkdtempSync(join(tmpdir(), 'coda-page-'));
  const [config, held] = ['coda.config.ts', 'hold'].map((name) => join(folder, name)) as [string, string];
  writeFileSync(config, CONFIG);
  const process = coda(['dev', '--verbose', '--shots', '400', '--qubits', '8', '--config', config], {
    cwd: folder,
    env: { XDG_RUNTIME_DIR: folder },
  });
  const link = await waitUntil('a link to the page', () => /^page +(\S+)$/m.exec(process.output())?.[1]);
  await process.says('Ctrl-C ends everything');
  const client = connectToSession({ XDG_RUNTIME_DIR: folder });
  return {
    folder,
    process,
    link,
    client,
    hold: () => writeFileSync(held, ''),
    release: () => rmSync(held, { force: true }),
    close: async () => {
      await client.close();
      process.child.kill('SIGKILL');
      await process.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
