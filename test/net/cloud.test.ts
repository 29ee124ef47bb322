// What an answer means: a yes, a trouble that goes away by itself, or a no.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { verdictOf, type Verdict } from '../../src/net/cloud.ts';

const URL = 'https://cloud.example/hook';

function verdict(status: number, text: string, headers: Record<string, string> = {}): Verdict {
  return verdictOf({ status, text, headers }, URL, { authorization: 'Bearer planted-token' });
}

function reason(given: Verdict): string {
  assert.ok(given.kind !== 'yes');
  return given.reason;
}

describe('an answer', () => {
  it('that is a page is never a yes', () => {
    for (const [text, type] of [
      ['Please log in', 'text/html'],
      ['', 'Text/HTML; charset=utf-8'],
      ['<x/>', 'application/xhtml+xml'],
      ['<!DOCTYPE html>', 'application/json'],
      ['<html lang="de">', ''],
      [' \n\ufeff<HTML>', ''],
      ['<?xml version="1.0"?>\n<!-- login -->\n<!doctype  html>', ''],
      ['<head><meta http-equiv="refresh">', 'text/plain'],
    ] as const) {
      const given = verdict(200, text, type === '' ? {} : { 'content-type': type });
      assert.equal(given.kind, 'transient', `${type} ${text}`);
      assert.equal(
        reason(given),
        '200 with a web page, so not from the cloud: perhaps the login page of this network',
      );
    }
  });

  it('that is none is a yes', () => {
    for (const [status, text] of [
      [200, ''],
      [200, '{}'],
      [201, '"<html>"'],
      [204, ''],
      [202, 'ok'],
      [200, '<result/>'],
    ] as const)
      assert.deepEqual(verdict(status, text, { 'content-type': 'application/json' }), { kind: 'yes' });
    assert.deepEqual(verdict(204, '', { 'content-type': 'text/html' }), { kind: 'yes' });
  });

  it('shows the title of a page, if it is short, printable, and no secret', () => {
    const page = (title: string): string =>
      reason(verdict(403, `<!doctype html><head><title id="t">${title}</title>`));
    assert.equal(page(' Campus\n  WiFi '), '403 with a web page ("Campus WiFi")');
    assert.equal(page('a\u001b[2Jb'), '403 with a web page ("a\\u001b[2Jb")');
    assert.equal(page('x'.repeat(80)), '403 with a web page');
    assert.doesNotMatch(page('no: planted-token'), /planted/);
  });

  it('is read in little time, whatever it is', () => {
    const started = performance.now();
    for (const text of ['<!---->', '<!--', '<?', '<title', '<', ' ']) verdict(200, text.repeat(150_000));
    assert.ok(performance.now() - started < 2_000);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        assert.doesNotMatch(JSON.stringify(verdict(503, `<html><title>${text}`)), /[\p{Cc}]/u);
      }),
    );
  });

  it('of 401 or 403 says so if the clock of this machine is wrong', () => {
    const at = (ms: number): Record<string, string> => ({ date: new Date(Date.now() + ms).toUTCString() });
    assert.match(
      reason(verdict(401, '', at(7_200_000))),
      /\(this machine's clock is 2 h behind the cloud\)$/,
    );
    assert.match(
      reason(verdict(403, '', at(-600_000))),
      /\(this machine's clock is 10 min ahead of the cloud\)$/,
    );
    assert.equal(reason(verdict(401, '', at(0))), '401');
    assert.equal(reason(verdict(404, '', at(7_200_000))), '404');
  });
});
