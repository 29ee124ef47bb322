// The pages that are run as a reader would, with the packed package; and the commands that all pages name.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { installPackage, type InstalledPackage } from '../bench/lab/package.ts';
import { commandLine } from '../src/cli/commands.ts';
import { commandOf, readArguments } from '../src/cli/terminal/arguments.ts';
import { UsageError } from '../src/cli/terminal/failure.ts';
import { waitUntil } from '../src/testing/index.ts';
import { blocksOf, runPage } from './support/page.ts';

const PAGES = readdirSync('docs')
  .filter((name) => name.endsWith('.md'))
  .map((name) => join('docs', name));

let folder: string;
let installed: InstalledPackage;
let env: Record<string, string>;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'coda-pages-'));
  installed = installPackage(folder);
  const bin = join(folder, 'node_modules', '.bin');
  mkdirSync(bin);
  symlinkSync(installed.coda, join(bin, 'coda'));
  env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8' };
});
after(() => rmSync(folder, { recursive: true, force: true }));

function coda(args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [installed.coda, ...args], {
    ...{ cwd, env, encoding: 'utf8' },
  });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

describe('the page', () => {
  it('getting-started leads from an empty folder to an executor that runs, with the packed package', () => {
    const page = join('docs', 'getting-started.md');
    const printed = runPage(page, {
      cwd: folder,
      env: { ...env, npm_config_update_notifier: 'false' },
      // It is installed already, from the tarball.
      commands: (text) => text.replace(/^npm install \S+\.tgz.*$/m, ':'),
    });
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const [install = '', dev = '', simulated = '', own = ''] = printed;
    assert.match(install, new RegExp(`^coda/${version.replaceAll('.', '\\.')} `, 'm'));
    assert.match(dev, /Bell pair {2}1000 shots.*\n {4}(00|11) {2}█/);
    assert.match(dev, /✓ only 00 and 11, each about half/);
    assert.match(simulated, /^simulator: 500 shots/m);
    assert.match(own, /^\.\/executor\.ts:createExecutor: 1000 shots.*\n {4}00 .* 100\.0 %/m);
    assert.match(printed.at(-1) ?? '', /4 of 4 sample jobs completed/);
  });

  it('configuration shows files that all say the same, and a device YAML that is read', () => {
    const files = blocksOf(join('docs', 'configuration.md')).filter(({ file }) => file !== '');
    const configs = files.filter(({ file }) => file.startsWith('coda.config.'));
    assert.equal(configs.length, 3);
    for (const { file, text } of configs) {
      const cwd = mkdtempSync(join(folder, 'config-'));
      writeFileSync(join(cwd, file), text);
      const { settings } = JSON.parse(coda(['config', '--json'], cwd)) as {
        settings: { name: string; value: unknown; source: string }[];
      };
      const given = settings.filter(
        ({ source, name }) => source === 'config file' && name !== 'qpuDisplayName',
      );
      assert.deepEqual(Object.fromEntries(given.map(({ name, value }) => [name, value])), {
        executorFactory: 'simulator',
        stateDir: join(cwd, 'state'),
        concurrency: 2,
        heartbeatIntervalSec: 10,
      });
    }
    const cwd = mkdtempSync(join(folder, 'device-'));
    const device = files.find(({ file }) => file === 'site/device.yaml');
    mkdirSync(join(cwd, 'site'));
    writeFileSync(join(cwd, 'site', 'device.yaml'), device?.text ?? '');
    const bell = blocksOf(join('docs', 'getting-started.md')).find(({ file }) => file === 'bell.qasm');
    writeFileSync(join(cwd, 'bell.qasm'), bell?.text ?? '');
    assert.match(coda(['show', 'bell.qasm', '--target', 'cz'], cwd), /about 1\.08µs a shot/);
    assert.match(coda(['run', 'bell.qasm'], cwd), /^simulator: /m);
  });
});

describe('`coda docs`', () => {
  it('lists every page of docs/ once, and prints each of them', () => {
    const topics = [...coda(['docs'], folder).matchAll(/^ {2}([\w-]+) {2,}\S/gm)].map(
      ([, topic = '']) => topic,
    );
    const all = PAGES.map((page) => page.slice('docs/'.length, -'.md'.length)).filter(
      (name) => name !== 'README',
    );
    assert.deepEqual(topics.toSorted(), all.toSorted(), 'docs/README.md has the list');
    const printed = coda(['docs', 'reliability'], folder);
    assert.equal(printed, readFileSync(join('docs', 'reliability.md'), 'utf8'));
    const path = coda(['docs', 'vpn', '--path'], folder).trim();
    assert.equal(path, join(installed.folder, 'docs', 'vpn.md'));
    assert.equal(coda(['docs', 'vpn', '--open'], folder).trim(), path);
  });

  const noDesktop =
    process.platform === 'linux' ? false : 'the program that opens a page is not on the PATH here';
  it('opens a page where there is a desktop', { skip: noDesktop }, async () => {
    const desktop = mkdtempSync(join(folder, 'desktop-'));
    const opened = join(desktop, 'opened');
    writeFileSync(
      join(desktop, 'xdg-open'),
      `#!/bin/sh\nprintf '%s' "$1" > ${opened}.new && mv ${opened}.new ${opened}\n`,
      {
        mode: 0o755,
      },
    );
    const { stdout } = spawnSync(process.execPath, [installed.coda, 'docs', 'vpn', '--open'], {
      env: { PATH: `${desktop}:${env['PATH'] ?? ''}`, DISPLAY: ':0' },
      encoding: 'utf8',
    });
    await waitUntil('the page being opened', () => existsSync(opened));
    assert.equal(readFileSync(opened, 'utf8'), stdout.trim());
  });

  it('names the page that was meant', () => {
    const { status, stderr } = spawnSync(process.execPath, [installed.coda, 'docs', 'settngs'], {
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.match(stderr, /there is no page 'settngs'; did you mean "settings"\?/);
  });
});

describe('the package', () => {
  it('has every page and file that its pages link to', () => {
    const pages = readdirSync(installed.folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    assert.ok(pages.length > PAGES.length);
    const files = new Set(readdirSync(installed.folder, { recursive: true, encoding: 'utf8' }));
    const missing = pages.flatMap((page) =>
      [...readFileSync(join(installed.folder, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)]
        .map(([, link = '']) => posix.normalize(posix.join(posix.dirname(page), link)))
        .filter((path) => !files.has(path.replace(/\/$/, '')))
        .map((path) => `${page}: ${path}`),
    );
    assert.deepEqual(missing, []);
  });
});

describe('the blocks in the pages', () => {
  it('are well-formed: shell, JSON and YAML', () => {
    let checked = 0;
    for (const page of ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', ...PAGES]) {
      for (const { language, text } of blocksOf(page)) {
        const where = `${page}:\n${text}`;
        if (['sh', 'console'].includes(language)) {
          const { stderr } = spawnSync(language === 'sh' ? 'sh' : 'bash', ['-n'], {
            input: text.replaceAll(/<[\w-]+>/g, 'x'),
            encoding: 'utf8',
          });
          assert.equal(stderr, '', where);
        } else if (language === 'json') assert.doesNotThrow(() => JSON.parse(text), where);
        else if (language === 'yaml') assert.doesNotThrow(() => parse(text), where);
        else continue;
        checked += 1;
      }
    }
    assert.ok(checked > 30, String(checked));
  });
});

describe('the commands in the pages', () => {
  it('exist, with all of their options', () => {
    const wrong: string[] = [];
    let checked = 0;
    for (const page of ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', ...PAGES]) {
      for (const command of commandsIn(page)) {
        checked += 1;
        const fault = faultOf(command);
        if (fault !== undefined) wrong.push(`${relative('.', page)}: coda ${command}: ${fault}`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.ok(checked > 200, String(checked));
    assert.match(faultOf('stat') ?? '', /no command/);
    assert.match(faultOf('stop --hand-bak') ?? '', /Unknown option/);
    assert.match(faultOf('run bell.qasm --shots') ?? '', /value is missing/);
  });
});

/** What stands behind `coda` in blocks of commands, and in the text. */
function commandsIn(page: string): string[] {
  const blocks = blocksOf(page).filter(({ language }) => ['sh', 'console'].includes(language));
  const lines = blocks.flatMap(({ text }) => text.replaceAll(/\s#.*$/gm, '').split(/[\n|;)]|&&/));
  const prose = readFileSync(page, 'utf8').replaceAll(/^ *```.*?^ *```$/gms, '');
  const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...lines, ...spans].flatMap((line) => {
    const [, command] = /^(?:.*[\s"'(])?coda ((?!COMMAND|<command>)\S.*)$/.exec(line.trim()) ?? [];
    return command === undefined ? [] : [command];
  });
}

/** What is wrong with a command, apart from its values. */
function faultOf(command: string): string | undefined {
  const args = command
    .replace(/[<>].*$/, (rest) => (/^<[\w-]+>/.test(rest) ? rest : ''))
    .replaceAll(/"[^"]*"/g, 'text')
    .trim()
    .split(/\s+/);
  const { cli } = commandLine();
  const named = commandOf(cli, args);
  if (named === undefined && !args.every((word) => word.startsWith('-')))
    return 'there is no command of this name';
  try {
    readArguments(cli, named, args);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown.message;
    throw thrown;
  }
}
