// The licence of every package whose code is in a bundle.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `bundled`: the paths of everything in `files`. */
export function licences(bundled, files) {
  const folders = new Set(
    bundled
      .toSorted((a, b) => a.localeCompare(b))
      .flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  const texts = [...folders].map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const file = readdirSync(path).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(path, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  const verb = files.includes(' and ') ? 'contain' : 'contains';
  return `${files} ${verb} code of these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
