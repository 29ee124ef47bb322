// A profile must not lead the machine's traffic into the tunnel, and must protect what it carries.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseProfile } from '../../plugins/vpn/profile.ts';
import { renderProfile } from '../../plugins/vpn/render.ts';
import { GOOD } from '../plugins/vpn/samples.ts';

const written = (text: string): string => renderProfile(parseProfile(text), 'coda1').text;

describe('a profile', () => {
  for (const line of [
    'route 0.0.0.0 128.0.0.0',
    'route 128.0.0.0 128.0.0.0 vpn_gateway',
    'route 0.0.0.0 0.0.0.0',
    'route 32.0.0.0 224.0.0.0',
    'route 10.0.0.0 255.0.255.0',
    'route 169.254.169.254',
    'route 127.0.0.0 255.0.0.0',
    'route-ipv6 ::/0',
    'route-ipv6 ::/1',
    'route-ipv6 2000::/3',
    'route-ipv6 fe80::/10',
    'redirect-gateway def1',
    'redirect-private',
    'setenv opt redirect-gateway ipv6',
    'cipher none',
    'auth none',
    'auth MD5',
    'data-ciphers AES-256-GCM:none',
    'tls-cert-profile insecure',
    'compress lz4',
  ]) {
    it(`is refused with ${line}`, () => {
      const text = GOOD.replace(/^(cipher|auth) .*$/m, '');
      assert.throws(() => parseProfile(`${line}\n${text}`), /line 1 of the VPN profile: /);
    });
  }

  it('is refused if its routes are narrow, and cover the internet together', () => {
    const routes = Array.from({ length: 256 }, (_, i) => `route ${i}.0.0.0 255.0.0.0`).filter(
      (route) => !/^route (0|10|127|169|2[2-5]\d)\./.test(route),
    );
    assert.throws(() => parseProfile([...routes, GOOD].join('\n')), /together with the others/);
  });

  it('may lead to private networks, and to a few others', () => {
    const routes = ['route 10.0.0.0 255.0.0.0', 'route 192.0.2.0 255.255.255.0', 'route-ipv6 fd00::/8'];
    const text = written([...routes, GOOD].join('\n'));
    for (const route of routes) assert.ok(text.includes(`\n${route}\n`), text);
  });

  it('loses weak ciphers and lists, and gets what it lacks', () => {
    const text = GOOD.replace(/^(cipher|auth|remote-cert-tls|verify-x509-name) .*$/gm, '');
    const weak =
      'data-ciphers AES-256-GCM:BF-CBC\ntls-cipher DEFAULT:@SECLEVEL=0\npull-filter accept redirect\n';
    const lines = written(weak + text).split('\n');
    for (const line of [
      'data-ciphers AES-256-GCM',
      'remote-cert-tls server',
      'tls-version-min 1.2',
      'allow-compression no',
      'pull-filter ignore ""',
    ])
      assert.ok(lines.includes(line), lines.join('\n'));
    assert.ok(!lines.some((line) => /SECLEVEL|accept redirect|BF-CBC/.test(line)));
  });
});
