// The page of the node (plugins/page/web), as the browser gets it: index.html, app.js and app.css, each whole.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const WEB = join(import.meta.dirname, '..', 'plugins', 'page', 'web');
/** Browsers of the last few years. */
const TARGET = ['chrome109', 'firefox115', 'safari16'];

/** Writes the three files into `folder`; `root` has the compiled code. Returns the paths of what is in app.js. */
export async function bundlePage(folder, root) {
  const { SVG_STYLE } = await import(pathToFileURL(join(root, 'src', 'drawing', 'svg.js')).href);
  const common = { bundle: true, minify: true, target: TARGET, legalComments: 'none', logLevel: 'warning' };
  await build({
    ...common,
    stdin: {
      // The drawings of circuits bring no style of their own: the page's policy allows none.
      contents: `@import 'uplot/dist/uPlot.min.css';\n@import './app.css';\n${SVG_STYLE}`,
      loader: 'css',
      resolveDir: WEB,
    },
    outfile: join(folder, 'app.css'),
  });
  const { metafile } = await build({
    ...common,
    entryPoints: [join(WEB, 'main.ts')],
    outfile: join(folder, 'app.js'),
    format: 'iife',
    metafile: true,
  });
  copyFileSync(join(WEB, 'index.html'), join(folder, 'index.html'));
  return Object.keys(metafile.inputs);
}
