// What people read of it.
import type { Action, Step } from './plan.ts';
import type { Project } from './project.ts';
import { command } from './render.ts';

const SIGNS: Readonly<Record<Action, string>> = {
  create: '+',
  change: '~',
  overwrite: '!',
  same: '=',
  keep: '=',
};
const WORDS: Readonly<Record<Action, string>> = {
  create: '',
  change: '  (lines are added)',
  overwrite: '  (is replaced)',
  same: '  (is there already)',
  keep: '  (yours stays)',
};

export interface Report {
  readonly folder: string;
  readonly project: Project;
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
  readonly next: readonly string[];
  readonly isWritten: boolean;
}

export function showPlan({ folder, project, steps, notes, next, isWritten }: Report): string {
  const lines = steps.map(({ path, action }) => `  ${SIGNS[action]} ${path}${WORDS[action]}`);
  const noteLines = notes.length === 0 ? [] : ['', 'To do by hand:', ...notes.map((note) => `  ${note}`)];
  const head = isWritten
    ? `made ${project.name} in the folder ${folder}`
    : `would make ${project.name} in the folder ${folder}; nothing was written`;
  const nextLines = isWritten ? ['', 'Next:', ...next.map((step) => `  ${step}`)] : [];
  return `${[head, '', ...lines, ...noteLines, ...nextLines].join('\n')}\n`;
}

export function showConflicts(folder: string, conflicts: readonly string[]): string {
  const lines = conflicts.map((conflict) => `  ${conflict}`);
  return `create-coda-executor: nothing was written; in the way in ${folder}:\n${lines.join('\n')}
  → Move or rename it, choose another folder, or replace files: --overwrite\n`;
}

/** The commands that go on from here. */
export function nextSteps(folder: string, project: Project): string[] {
  const isPython = project.kind === 'executor' && project.language === 'python';
  const venv = ['python3 -m venv .venv', 'source .venv/bin/activate', "pip install --editable '.[test]'"];
  const npm = ['npm install', 'npm test', 'npm run dev'].map((step) => command(step, project));
  return [...(folder === '' ? [] : [`cd ${quoted(folder)}`]), ...(isPython ? venv : []), ...npm];
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./@-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
