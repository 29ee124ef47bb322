// Checks that a tag can be released, and prints what CHANGELOG.md says of the version: the notes of the release.
//   node .ci/release.mjs v0.2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [tag = ''] = process.argv.slice(2);
const version = tag.replace(/^v/, '');

/** The folders of the packages, which are released together. */
for (const folder of ['.', 'templates']) {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) continue;
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  if (manifest.version !== version) {
    fail(
      `the tag is '${tag}', but ${path} has version ${manifest.version}.`,
      `Set it to ${version}, then tag again.`,
    );
  }
}
const notes = sectionOf(version);
if (notes === undefined) {
  fail(
    `CHANGELOG.md has no section for ${version}.`,
    `Rename "## [Unreleased]" to "## [${version}] - YYYY-MM-DD".`,
  );
}
process.stdout.write(`${notes}\n`);

function sectionOf(wanted) {
  const [, ...sections] = readFileSync('CHANGELOG.md', 'utf8').split(/^## /m);
  const found = sections.find((section) => section.startsWith(`[${wanted}] - `));
  return found?.split('\n').slice(1).join('\n').trim();
}

function fail(what, remedy) {
  process.stderr.write(`release: ${what}\n  → ${remedy}\n`);
  process.exit(1);
}
