// `coda top`: once as text and JSON, and kept up to date in a real pseudo-terminal, which it leaves as it was.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import type { CodaProcess } from '../process.ts';
import { bench, cloud } from '../workbench.ts';

const OPEN = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const CLOSE = '\u001b[?7h\u001b[?25h\u001b[?1049l';

const skip = spawnSync('python3', ['-c', 'import pty']).status !== 0 && 'python3 is not installed';

/**
 * Runs the command on a terminal of 40 rows and 100 columns. `resize` on its standard input makes it 8 rows and 30 columns;
 * every other line is the name of a signal for the command, or keys. If the command stops, it is made to go on. Then and at its end
 * it is said whether the terminal's mode is the one from before.
 */
const PTY = `
import fcntl, os, pty, signal, struct, sys, termios, threading
def size(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
terminal, inner = pty.openpty()
size(40, 100)
before = termios.tcgetattr(inner)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(inner, fd)
    os.execvp(sys.argv[1], sys.argv[1:])
def show():
    try:
        while True:
            os.write(1, os.read(terminal, 65536))
    except OSError:
        pass
shower = threading.Thread(target=show, daemon=True)
shower.start()
def obey():
    for line in sys.stdin:
        word = line.rstrip('\\n')
        if word == 'resize':
            size(8, 30)
        elif word.startswith('SIG'):
            os.kill(child, getattr(signal, word))
        else:
            os.write(terminal, word.encode())
threading.Thread(target=obey, daemon=True).start()
while True:
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    print('[stopped, mode %s]' % ('restored' if termios.tcgetattr(inner) == before else 'changed'), flush=True)
    os.kill(child, signal.SIGCONT)
mode = 'restored' if termios.tcgetattr(inner) == before else 'changed'
os.close(inner)
shower.join()
print('[ended %d, mode %s]' % (os.waitstatus_to_exitcode(status), mode), flush=True)
os._exit(0)
`;

class Watched {
  readonly #process: CodaProcess;

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#process = bench.spawn(
      ['top', '--every', '1'],
      { TERM: 'xterm', ...env },
      ['python3', '-c', PTY],
      true,
    );
  }

  get output(): string {
    return this.#process.output();
  }

  /** The last whole frame, line by line. */
  get frame(): string[] {
    const frames = this.output.split('\u001b[H');
    const whole = frames.length > 2 ? frames.at(-2) : undefined;
    return stripVTControlCharacters(whole ?? '').split(/\r+\n/);
  }

  type(line: string): void {
    this.#process.child.stdin?.write(`${line}\n`);
  }

  async shows(wanted: RegExp): Promise<void> {
    await waitUntil(`a frame with ${wanted}`, () => wanted.test(this.frame.join('\n'))).catch(
      (thrown: unknown) => {
        throw new Error(`${String(thrown)}; it showed:\n${this.frame.join('\n')}`, { cause: thrown });
      },
    );
  }

  async end(): Promise<void> {
    await this.#process.ended;
    assert.ok(this.output.endsWith(`${CLOSE}[ended 0, mode restored]\n`), this.output.slice(-200));
  }
}

describe('coda top', () => {
  it('looks once where there is no terminal', async () => {
    assert.match(await bench.ends(1, ['top']), /^node +stopped/);
    assert.match(await bench.ends(2, ['top', '--every', '0']), /--every is "0"/);
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 6 });
    let text = '';
    await waitUntil('the job in the history', async () => {
      text = await bench.ends(0, ['top']);
      return text.includes(jobId);
    });
    assert.match(text, /^ready +yes$/m);
    assert.match(
      text,
      /^device +busy [\d.]+ % of the last minute, [\d.]+ % since the start; [\d.]+ jobs\/s$/m,
    );
    assert.match(text, /^idle +for \d+ s: /m);
    assert.match(text, new RegExp(`^ENDED .*\n[\\d: -]{19}  ${jobId} .* completed `, 'm'));
    assert.match(text, /^IDLE SINCE .*\n[\d: -]{19}  [\d.]+ m?s +\S/m);
    assert.ok(!text.includes('\u001b'));
    const json = JSON.parse(await bench.ends(0, ['top', '--json'])) as {
      running: boolean;
      device: { busy_share: number };
      jobs: { job_id: string }[];
      gaps: { idle_ms: number; text: string }[];
    };
    assert.ok(json.running && json.device.busy_share >= 0 && (json.gaps[0]?.idle_ms ?? 0) > 0);
    assert.equal(json.jobs[0]?.job_id, jobId);

    await bench.ends(0, ['stop']);
    writeFileSync(join(bench.folder, 'coda.config.json'), '{"plugins": [["page", false]]}');
    await bench.ends(0, ['start', '-d']);
    const withoutPage = await bench.ends(0, ['top']);
    assert.match(withoutPage, new RegExp(`^ready [^]*^ENDED [^]*${jobId}`, 'm'));
    assert.doesNotMatch(withoutPage, /^device |^IDLE /m);
  });

  it('follows a node on a terminal of any size, over its end and its next start', { skip }, async () => {
    bench.holdRuns();
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    const top = new Watched();
    await top.shows(/^ready +yes/m);
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 6 });
    await top.shows(new RegExp(`^job +${jobId}`, 'm'));
    bench.endRuns();
    await top.shows(new RegExp(`^ENDED[^]*${jobId}`, 'm'));
    await bench.ends(0, ['pause', '--reason', 'a new fridge']);
    await top.shows(/^paused /m);
    await bench.ends(0, ['resume']);
    assert.ok(top.output.startsWith(OPEN));
    // Nothing is cleared before it is drawn.
    assert.ok(!top.output.includes('\u001b[2J'));

    top.type('\u001a');
    await waitUntil('the stop', () => top.output.includes('[stopped, mode restored]'));
    await waitUntil('the screen anew', () => top.output.split(OPEN).length === 3);
    assert.ok(top.output.includes(CLOSE));

    await bench.ends(0, ['stop']);
    await top.shows(/the node has ended[^]*^node +stopped/m);
    await bench.ends(0, ['start', '-d']);
    await top.shows(/the node was started: PID \d+\nnode +running[^]*^ready +yes/m);

    top.type('resize');
    await waitUntil('a smaller frame', () => top.frame.length === 8);
    assert.ok(top.frame.every((line) => line.length <= 30));
    top.type('q');
    await top.end();
  });

  for (const [way, input] of [
    ['Ctrl-C', '\u0003'],
    ['SIGTERM', 'SIGTERM'],
    ['SIGHUP', 'SIGHUP'],
  ] as const) {
    it(`leaves the terminal as it was after ${way}`, { skip }, async () => {
      const top = new Watched();
      await waitUntil('the screen', () => top.output.includes('\u001b[H'));
      top.type(input);
      await top.end();
    });
  }

  it('shows an error that nobody expected where it stays', { skip }, async () => {
    const broken = join(bench.folder, 'broken.cjs');
    writeFileSync(broken, "process.on('SIGUSR2', () => { throw new Error('a bug'); });");
    const top = new Watched({ NODE_OPTIONS: `--require ${broken}` });
    await waitUntil('the screen', () => top.output.includes('\u001b[H'));
    top.type('SIGUSR2');
    await waitUntil('the end', () => top.output.includes('[ended 1, mode restored]'));
    assert.match(top.output.split(CLOSE)[1] ?? '', /^Error: a bug/);
  });
});
