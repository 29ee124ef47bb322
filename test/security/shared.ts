// What the tests of a prepared state directory share.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bench } from '../cli/workbench.ts';

/** In the operator's folder. */
export const path = (name: string): string => join(bench.folder, name);
export const inState = (name: string): string => join(bench.stateDir, name);

export function put(file: string, text = '', mode = 0o600): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(file, text, { mode });
  return file;
}

/** Makes the state directory one in which every user may make files, and only change their own: like /tmp. */
export function shareState(): void {
  mkdirSync(bench.stateDir, { recursive: true });
  chmodSync(bench.stateDir, 0o1777);
}
