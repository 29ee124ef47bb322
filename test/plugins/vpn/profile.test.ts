// What a profile may say, and that nothing else gets through: by our parser, and with the real OpenVPN as the witness.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { parseProfile } from '../../../plugins/vpn/profile.ts';
import { renderProfile } from '../../../plugins/vpn/render.ts';
import { VPNError } from '../../../src/index.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { EXPORTS } from './exports.ts';
import { ATTACKS, GOOD } from './samples.ts';

const hasBinary = spawnSync('openvpn', ['--version']).error === undefined;
const skip = hasBinary ? false : 'not run: openvpn is not installed';

describe('a VPN profile', () => {
  it('is written again from what was understood, and can be parsed again', () => {
    const { text, device } = renderProfile(parseProfile(GOOD), 'coda123456');
    assert.equal(device, 'coda123456');
    assert.match(text, /^dev coda123456\ndev-type tun\nclient\n/m);
    assert.match(text, /^verify-x509-name "server.example name" name$/m);
    assert.doesNotMatch(text, /Version: 3/);
    assert.equal(renderProfile(parseProfile(text), 'coda123456').text, text);
  });

  it('gets `reneg-sec 0` and a quick reconnect, unless it sets them itself', () => {
    const { text } = renderProfile(parseProfile(GOOD.replace('reneg-sec 0', 'connect-retry 5')), undefined);
    for (const line of ['reneg-sec 0', 'hand-window 10', 'connect-retry 5', 'dev tun']) {
      assert.match(text, new RegExp(`^${line}$`, 'm'));
    }
  });

  it('may have a BOM, CRLF, dashes, quotes, comments and its own device', () => {
    const odd = `\uFEFF${GOOD.replace('nobind', '--nobind # up x\n; up y\n  # up z').replace('dev tun', '"dev" tun7')}`;
    const { text, device } = renderProfile(parseProfile(odd.replaceAll('\n', '\r\n')), 'coda123456');
    assert.equal(device, 'tun7');
    assert.match(text, /^nobind$/m);
    assert.doesNotMatch(text, /\bup\b|\r/);
  });

  for (const [line, directive] of ATTACKS) {
    it(`is refused with ${JSON.stringify(line.slice(0, 60))}`, () => {
      assert.throws(
        () => parseProfile(GOOD.replace('nobind', line.startsWith('nobind') ? line : `nobind\n${line}`)),
        (thrown: unknown) => {
          assert.ok(thrown instanceof VPNError);
          const where = line.startsWith('nobind') ? 7 : 8;
          assert.match(thrown.message, new RegExp(`^line ${where} of the VPN profile: '.*' is refused: .`));
          assert.ok(thrown.message.includes(`'${directive}'`) || directive.includes('\\u'), thrown.message);
          return true;
        },
      );
    });
  }

  for (const [style, { text, warned, kept }] of Object.entries(EXPORTS)) {
    it(`is taken as it comes from ${style}`, () => {
      const profile = parseProfile(text);
      const named = profile.warnings.map(
        (warning) => /^(?:line \d+ of )?the VPN profile: '(.*?)' /.exec(warning)?.[1],
      );
      assert.deepEqual(named, warned);
      const written = renderProfile(profile, 'coda123456').text;
      for (const line of kept) assert.ok(written.split('\n').includes(line), `${line}\n${written}`);
      assert.doesNotMatch(written, /setenv|dns|<connection>/);
      assert.deepEqual(parseProfile(written).warnings, []);
      assert.equal(renderProfile(parseProfile(written), 'coda123456').text, written);
    });
  }

  it('is refused with all of its lines that are refused, in their order', () => {
    const text = GOOD.replace(
      'nobind',
      'up /x\nnobind\n<connection>\nplugin /y\n</connection>\nverb 11\n<secret>\ndown\n</secret>',
    );
    assert.throws(
      () => parseProfile(`${text}setenv opt config z\n`),
      (thrown: unknown) => {
        assert.ok(thrown instanceof VPNError);
        const named = [...thrown.message.matchAll(/^  line (\d+): '(.*)' is refused: ./gm)].map(
          (match) => match[2],
        );
        assert.match(
          thrown.message,
          /^6 lines of the VPN profile are refused:\n  line 7: 'up' is refused: it is not/,
        );
        assert.deepEqual(named, ['up', '<connection>', 'plugin', 'verb', '<secret>', 'setenv opt config']);
        return true;
      },
    );
    assert.throws(
      () => parseProfile('x\n'.repeat(1_000)),
      /^VPNError: 1000 lines of .*(\n  line .*){20}\n  and 980 more/,
    );
  });

  it('is refused with <connection> blocks that cannot be written as remotes', () => {
    const without = GOOD.replace(/^remote .*\n/m, '');
    const block = (...lines: string[]): string => `<connection>\n${lines.join('\n')}\n</connection>\n`;
    for (const [blocks, why] of [
      [block('proto udp'), /'<connection>' is refused: it has 0 remotes/],
      [block('remote a', 'remote b'), /it has 2 remotes/],
      [block('remote a', 'float') + block('remote b'), /differ in more than the remote/],
      [block('remote a', 'cipher AES-256-GCM'), /line 4 of .*'cipher' is refused: it must not be/],
      [block('remote a', 'tun-mtu 1400') + 'tun-mtu 1500\n', /there twice, with different values/],
    ] as const) {
      assert.throws(() => parseProfile(blocks.replace('<', '\n<') + without), why);
    }
  });

  it('may have as many routes as fit', () => {
    const routes = Array.from({ length: 14_719 }, (_, n) => `route 10.${n >> 8}.${n & 255}.0`);
    // One that is there twice counts once; the search for it must not make the start take seconds.
    const { statements } = parseProfile([...routes, routes[0], GOOD].join('\n'));
    assert.equal(statements.filter(({ name }) => name === 'route').length, routes.length);
  });

  it('is refused with a BOM before a directive that is not allowed, and without its parts', () => {
    assert.throws(() => parseProfile(`\uFEFFup /x\n${GOOD}`), /line 1 of the VPN profile: 'up' is refused/);
    assert.throws(() => parseProfile(''), /no 'client', no 'remote', no <ca>, no <cert>, no <key>/);
    assert.throws(() => parseProfile('#'.repeat(300_000)), /more than 256 KiB/);
  });

  it('only makes the parser fail with a VPNError, and a parsed profile has only lines that are on the list', () => {
    const word = fc.constantFrom(
      'up',
      '--up',
      '"',
      "'",
      '\\',
      '#',
      ';',
      ' ',
      '\t',
      '<ca>',
      '</ca>',
      'route',
      '10.0.0.0',
      'x',
      '\u00a0',
      '\u2028',
      '\r',
    );
    const line = fc.array(word, { maxLength: 6 }).map((words) => words.join(''));
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 5 }), (lines) => {
        let text: string;
        try {
          ({ text } = renderProfile(parseProfile(`${lines.join('\n')}\n${GOOD}`), 'coda123456'));
        } catch (thrown) {
          assert.ok(thrown instanceof VPNError, String(thrown));
          return;
        }
        assert.doesNotMatch(text, /^[\s"'\\-]*up\b/m);
        assert.equal(renderProfile(parseProfile(text), 'coda123456').text, text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the real OpenVPN', { skip }, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'coda-ovpn-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('does run, write, read and load what the corpus asks for, if the profile is not checked', async () => {
    // Otherwise the next test would prove nothing.
    const mark = join(folder, 'mark');
    const [raw, script, secret] = ['raw.ovpn', 'script', 'secret'].map((name) => join(folder, name));
    assert.ok(raw !== undefined && script !== undefined && secret !== undefined);
    writeFileSync(script, `#!/bin/sh\n: > ${mark}\n`, { mode: 0o700 });
    openvpn('--genkey', 'secret', secret);
    const base = `dev null\nremote 127.0.0.1 9\ncipher AES-256-CBC\nsecret ${secret}\nscript-security 2\n`;
    for (const line of [
      `up ${script}`,
      `--up ${script}`,
      `"up" ${script}`,
      `setenv opt up ${script}`,
      `log ${mark}`,
      `setenv opt log ${mark}`,
    ]) {
      writeFileSync(raw, `${base}${line}\n`);
      const child = spawn('openvpn', ['--config', raw], { stdio: 'ignore' });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await waitUntil(`the mark of '${line}'`, () => existsSync(mark));
      child.kill('SIGKILL');
      await ended;
      rmSync(mark);
    }
    for (const file of [script, secret]) rmSync(file);
    const included = join(folder, 'included');
    writeFileSync(included, 'no-such-directive\n');
    writeFileSync(join(folder, 'raw.ovpn'), `config ${included}\n`);
    assert.match(openvpn('--config', join(folder, 'raw.ovpn')), /included:1/);
    writeFileSync(join(folder, 'raw.ovpn'), `dev null\nport 0\nplugin ${join(folder, 'lib.so')}\n`);
    assert.match(openvpn('--config', join(folder, 'raw.ovpn')), /lib\.so/);
    for (const file of ['raw.ovpn', 'included']) rmSync(join(folder, file));
  });

  for (const [style, { text }] of Object.entries(EXPORTS)) {
    it(`takes what we write for the profile of ${style}`, () => {
      const config = join(folder, 'clean.ovpn');
      writeFileSync(config, renderProfile(parseProfile(text), 'coda123456').text);
      const output = openvpn('--config', config, '--script-security', '0');
      // The certificates are made up: OpenVPN has taken every directive once it looks at them.
      assert.match(output, /Cannot load|error:/, output);
      assert.doesNotMatch(output, /Options error|Unrecognized option/, output);
    });
  }

  it('is harmless for every text of the corpus after our parser: no such line is left', async () => {
    const mark = join(folder, 'mark');
    let accepted = 0;
    // Every attack where it is harmless text: in a comment, around PEM, or inside a block.
    for (const [line] of ATTACKS) {
      if (/[\n\r\0\v]/.test(line) || line.length >= 200) continue;
      const attack = line.replaceAll('MARK', mark);
      const hidden = GOOD.replace('nobind', `nobind\n# ${attack}\n; ${attack}`).replace(
        'Version: 3 (0x2)',
        attack,
      );
      const { text } = renderProfile(parseProfile(hidden), 'coda123456');
      assert.ok(!text.includes(mark), text);
      accepted += 1;
    }
    assert.ok(accepted > 60);
    const config = join(folder, 'clean.ovpn');
    const hidden = ATTACKS.filter(([line]) => !/[\n\r\0\v]/.test(line)).map(
      ([line]) => `# ${line.slice(0, 200).replaceAll('MARK', mark)}`,
    );
    const good = GOOD.replace(/remote cvpn.*/, 'remote 127.0.0.1 9').replace(
      'nobind',
      ['nobind', ...hidden].join('\n'),
    );
    writeFileSync(config, renderProfile(parseProfile(good), 'coda123456').text);
    const child = spawn('openvpn', ['--config', config, '--script-security', '0'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    // The certificates are made up: OpenVPN has taken every directive once it looks at them.
    await waitUntil('OpenVPN reading the certificates', () => /Cannot load|error|link remote/i.test(output));
    child.kill('SIGKILL');
    await ended;
    assert.doesNotMatch(output, /Options error|Unrecognized option/, output);
    assert.deepEqual(readdirSync(folder), ['clean.ovpn']);
  });
});

function openvpn(...args: string[]): string {
  const { stdout, stderr } = spawnSync('openvpn', args, { encoding: 'utf8', timeout: 3_000 });
  return stdout + stderr;
}
