// `coda docs`: the documentation that is in the package, for a machine without a browser or a network.
import type { CAC } from 'cac';
import { UsageError } from '../terminal/failure.ts';
import { terminal, textOutput } from '../terminal/output.ts';

interface DocsOptions {
  readonly open?: boolean;
  readonly path?: boolean;
}

export function addDocs(cli: CAC): void {
  cli
    .command('docs [topic]', 'List the pages of the documentation, or print one')
    .option('--path', 'Print where the page is, e.g. for an editor')
    .option('--open', 'Open the page on this desktop, and print where it is')
    .example('  coda docs                       the list, in reading order')
    .example('  coda docs getting-started')
    .example('  coda docs operating | less')
    .example('  coda docs settings | grep VPN')
    .action(docs);
}

async function docs(topic: string | undefined, options: DocsOptions): Promise<number> {
  const { chapters, pathOf } = await import('./pages.ts');
  const known = chapters();
  const topics = known.flatMap(({ pages }) => pages.map((page) => page.topic));
  if (topic !== undefined && !topics.includes(topic)) {
    const hint = `; there are ${topics.join(', ')}`;
    throw new UsageError(`there is no page '${topic}'`, { given: topic, known: topics, hint });
  }
  const out = terminal(process.stdout);
  const path = pathOf(topic ?? 'README');
  if (options.path === true || options.open === true) {
    out.write(path);
    if (options.open === true) await openFile(path);
  } else if (topic === undefined) {
    const width = Math.max(...topics.map(({ length }) => length));
    for (const { title, pages } of known) {
      out.write(title);
      for (const page of pages) out.write(`  ${page.topic.padEnd(width)}  ${page.about}`);
      out.write('');
    }
    out.write('coda docs <topic> prints a page.');
  } else {
    const { readFileSync } = await import('node:fs');
    // Notes to tools, such as the formatter.
    textOutput()(readFileSync(path, 'utf8').replaceAll(/^<!--.*?-->\n+/gms, ''));
  }
  return 0;
}

/** Does nothing where there is no desktop: the path has been printed. */
async function openFile(path: string): Promise<void> {
  const hasDesktop = process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'];
  const opener = process.platform === 'darwin' ? 'open' : hasDesktop ? 'xdg-open' : undefined;
  if (opener === undefined) return;
  const { spawn } = await import('node:child_process');
  const child = spawn(opener, [path], { stdio: 'ignore', detached: true });
  child.on('error', (error) =>
    terminal(process.stderr).error(`coda: '${opener}' cannot be run: ${error.message}`),
  );
  child.unref();
}
