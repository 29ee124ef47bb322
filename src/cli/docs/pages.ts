// The pages of docs/ that are in the package. Their order and what each is about is in docs/README.md.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface Page {
  /** The name of the file, without `.md`. */
  readonly topic: string;
  readonly about: string;
}

export interface Chapter {
  readonly title: string;
  readonly pages: readonly Page[];
}

export function pathOf(topic: string): string {
  return join(folder(), `${topic}.md`);
}

/** In reading order. */
export function chapters(): Chapter[] {
  const [, ...parts] = readFileSync(pathOf('README'), 'utf8').split(/^## /m);
  return parts.map((part) => {
    const [title = ''] = part.split('\n', 1);
    const rows = part.matchAll(/^\| \[.*?\]\(([\w-]+)\.md\) +\| (.*?) +\|$/gm);
    const pages = [...rows].map(([, topic = '', about = '']) => ({ topic, about }));
    return { title, pages };
  });
}

function folder(): string {
  return join(dirname(createRequire(import.meta.url).resolve('coda-node/package.json')), 'docs');
}
