// The files of the page, as the build makes them.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const FOLDER = join('dist', 'bundle', 'page');
const MOST_BYTES = 150_000;

it('the page is one document, one script and one style sheet, of 150 KB in all', () => {
  const files = readdirSync(FOLDER).toSorted();
  assert.deepEqual(files, ['app.css', 'app.js', 'index.html']);
  const bytes = files.reduce((sum, file) => sum + statSync(join(FOLDER, file)).size, 0);
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
});

it('the page has nothing inline, and names no other origin', () => {
  const html = readFileSync(join(FOLDER, 'index.html'), 'utf8');
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
  const links = [...html.matchAll(/\s(?:src|href)="([^"]*)"/g)].map(([, link = '']) => link);
  assert.ok(links.length >= 3);
  assert.deepEqual(
    links.filter((link) => !/^(?:\/page\/assets\/|#|data:,)/.test(link)),
    [],
  );
  const css = readFileSync(join(FOLDER, 'app.css'), 'utf8');
  assert.doesNotMatch(css, /url\(|@import/);
});
