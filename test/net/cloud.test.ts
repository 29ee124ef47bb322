// What an answer of the cloud means, and which answers are not the cloud's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTransient, pageText, retryAfterMs } from '../../src/net/cloud.ts';
import type { HttpAnswer } from '../../src/net/http.ts';

function answer(text: string, headers: HttpAnswer['headers'] = {}, status = 200): HttpAnswer {
  return { status, headers, text };
}

describe('an answer that is a web page', () => {
  it('is known by its type, or by how it begins', () => {
    const login = '<!DOCTYPE html><html><head><title>Guest Wi-Fi</title></head></html>';
    assert.match(
      pageText(answer(login)) ?? '',
      /^200 with a web page \("Guest Wi-Fi"\), so not from the cloud/,
    );
    for (const page of [
      answer('anything', { 'content-type': 'text/html; charset=utf-8' }),
      answer('', { 'content-type': 'application/xhtml+xml' }),
      answer('\n  <html lang="en">'),
      answer('<HTML>', {}, 204),
    ]) {
      assert.ok(pageText(page)?.includes('a web page, so'), JSON.stringify(page));
    }
  });

  it('is nothing else', () => {
    for (const other of [
      answer(''),
      answer('{"ok":true}', { 'content-type': 'application/json' }),
      answer('{"hint":"<html>"}'),
      answer('<html>', {}, 503),
      answer('ok', { 'content-type': 'text/plain' }),
    ]) {
      assert.equal(pageText(other), undefined, JSON.stringify(other));
    }
  });

  it('has no control characters in its title, and a short one', () => {
    const text = pageText(answer(`<html><title>a\u001b[2J${'b'.repeat(500)}</title>`)) ?? '';
    assert.equal(text.includes('\u001b'), false);
    assert.ok(text.length < 250);
  });
});

describe('a status', () => {
  it('is transient if the same request may succeed later', () => {
    assert.deepEqual(
      [408, 425, 429, 500, 503, 999].filter((status) => !isTransient(status)),
      [],
    );
    assert.deepEqual([200, 301, 400, 401, 403, 404, 410, 422].filter(isTransient), []);
  });
});

describe('Retry-After', () => {
  it('is read in seconds and as a date, and nothing else', () => {
    const ms = (text: string): number | undefined => retryAfterMs(answer('', { 'retry-after': text }));
    assert.equal(ms('2'), 2_000);
    assert.equal(ms(' 0 '), 0);
    assert.equal(ms('Wed, 21 Oct 2015 07:28:00 GMT'), 0);
    assert.ok((ms(new Date(Date.now() + 60_000).toUTCString()) ?? 0) > 50_000);
    for (const wrong of ['', 'soon', '-1', '1.5', '2026-01-01']) assert.equal(ms(wrong), undefined, wrong);
    assert.equal(retryAfterMs(answer('')), undefined);
  });
});
