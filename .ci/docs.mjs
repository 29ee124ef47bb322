// Makes the reference pages of docs/ from the tables in the code. `npm run docs` writes them; a test compares them.
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { commandLine } from '../dist/src/cli/commands.js';
import { HOOKS } from '../dist/src/hooks.js';
import { SETTINGS } from '../dist/src/config/settings.js';
import { METRICS } from '../dist/plugins/metrics/table.js';

export const PAGES = {
  'docs/command-line.md': commandLinePage(),
  'docs/hooks.md': hooksPage(),
  'docs/metrics.md': metricsPage(),
  'docs/settings.md': settingsPage(),
};

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, text] of Object.entries(PAGES)) await writeFile(path, text);
}

function hooksPage() {
  const sections = Object.entries(HOOKS).map(([name, hook]) => {
    const deadline = {
      none: 'None: the hook is synchronous.',
      limit: 'After `hookTimeoutSec` the tap counts as failed.',
      warn: 'After `hookTimeoutSec` the tap is named in the log, and the node keeps waiting.',
    }[hook.deadline];
    const neighbours = [
      hook.previous === undefined ? '' : `after ${link(hook.previous)}`,
      hook.next === undefined ? '' : `before ${link(hook.next)}`,
    ].filter(Boolean);
    return `## ${name}

\`${name}(${hook.args.join(', ')})\`, ${hook.kind}, ${hook.type}${
      neighbours.length === 0 ? '' : `; ${neighbours.join(', ')}`
    }

- **When**: ${hook.when}
- **A tap**: ${hook.tap}
- **If a tap fails**: ${hook.failure}
- **Deadline**: ${deadline}
`;
  });
  return `# Hooks

[Write a plugin](plugins.md) goes from an empty folder to a published package. This page is the reference.

A plugin is \`{ name, apply(node) }\`; in \`apply\` it taps \`node.hooks.<name>\` with \`tap\`, \`tapPromise\` or \`tapAsync\`, and
may give a \`stage\` or \`before\`. A failing tap of a **deciding** hook fails the start or the job; one of an **observing** hook
is only logged. Either way the plugin and the hook are named. A tap may name its own time limit in place of
\`hookTimeoutSec\`: \`tapPromise({ name: 'calibration', timeoutSec: 300 }, …)\`. In a **waterfall**, each tap gets what the one
before it has returned; to return nothing, or the same object, changes nothing.

A plugin that takes options has their JSON schema as its \`options\`, and gets them checked and with their defaults:
\`definePlugin({ name, options, apply(node, options) })\`.

Jobs, circuits, results and outcomes are handed over frozen: what a tap does to them changes nothing, and throws. What a
tap may change is written below, at its hook. To freeze takes longer than to look: a synchronous tap of an observing hook
that changes nothing and ends at once, such as one that counts, can say so, \`tap({ name: 'count', onlyLooks: true }, …)\`. If all
taps of \`onEnd\` or \`afterDeliver\` do, they get what the node itself has.

\`apply\` itself is synchronous; what has to be awaited belongs into a tap of \`boot\` or \`start\`. An error outside the taps
that nobody catches, in a timer or a promise, is logged with its stack and the plugin that it comes from, and shown in
\`/ready\` and \`coda status\`; the node continues. If it has interrupted the node's own code, for example in a listener of a
connection, the node ends once the running job is saved and delivered, with exit code 1.

tapable's interceptors (\`intercept\`) work here too. The types of the arguments are exported by \`coda-node\`, but for
\`Router\`, which is \`@koa/router\`'s, and \`Session\`, \`Batch\`, \`SavedOutcome\`, \`Delivery\` and \`ReadinessReport\`, which are in
\`coda-node/kit\`. Made from the table in \`src/hooks.ts\` by \`npm run docs\`.

The way of a node, and then of a job:

    boot (http) -> resolveExecutor -> connect (beforeConnect) -> network -> start
    its executor is made (wrapExecutor) before connect; on a first start, after it
    prepare -> batchSize -> onJob -> [runBatch] -> mapResult -> afterRun, onEnd -> afterSave -> deliver (onWebhook) -> afterDeliver
    at any time: onCancel, readiness; at the end: drain

${sections.join('\n')}`;
}

function link(name) {
  return `[\`${name}\`](#${name.toLowerCase()})`;
}

function metricsPage() {
  const rows = Object.entries(METRICS).map(([name, { type, help, labels = {} }]) => {
    const values = Object.entries(labels).map(
      ([label, of]) => `\`${label}\`: ${Array.isArray(of) ? of.join(', ') : of}`,
    );
    return `| \`${name}\` | ${type} | ${help}${values.length === 0 ? '' : `. Labels: ${values.join('; ')}`} |`;
  });
  return `# Metrics

\`GET /metrics\` on the node's HTTP port answers in Prometheus' text format; the built-in plugin \`metrics\` does it. Nothing has
to be switched on. Counts are since the start of the node. No label is a job's id or an error's text, so the number of series
does not grow.

Only the machine of the node may ask, unless \`CODA_HEALTH_OPEN\` is set: run Prometheus or its agent (Grafana Alloy,
\`prometheus --enable-feature=agent\`) on the same machine, or let another machine in with \`CODA_HOST=0.0.0.0\`,
\`CODA_HEALTH_OPEN=true\` and a firewall. In \`prometheus.yml\`:

\`\`\`yaml
scrape_configs:
  - job_name: coda-node
    static_configs:
      - targets: ['127.0.0.1:8080']
\`\`\`

[monitoring/alerts.yml](monitoring/alerts.yml) has alert rules, each with what to do, and
[monitoring/dashboard.json](monitoring/dashboard.json) a dashboard for Grafana (Dashboards, New, Import). A test asks a real
Prometheus every query of both.

| metric | type | |
|---|---|---|
${rows.join('\n')}

The figures of the process (\`process_*\`: CPU, memory, descriptors) and of Node.js (\`nodejs_*\`: event-loop delay, heap, garbage
collection) are those of [prom-client](https://github.com/siimon/prom-client). They begin with the first scrape, which loads
it.

Made from the table in \`plugins/metrics/table.ts\` by \`npm run docs\`.
`;
}

function settingsPage() {
  const rows = Object.entries(SETTINGS).map(([name, setting]) => {
    const [plugin, option] = (setting.config ?? '').split('.');
    const file =
      name === 'executorFactory'
        ? '`executor`'
        : setting.inConfigFile === false
          ? ''
          : option === undefined
            ? `\`${name}\``
            : `\`['${plugin}', { ${option} }]\``;
    return `| \`${setting.env}\` | ${file} | ${defaultOf(name, setting)} | ${setting.help} |`;
  });
  return `# Settings

Flags win over the environment, the environment over \`coda.config.ts\`, that over the credentials of an earlier start,
and those over the defaults. \`coda config\` shows the effective values and their sources. Options of built-in plugins
belong in the list \`plugins\`. Made from the table in \`src/config/settings.ts\` by \`npm run docs\`.

| variable | in coda.config.ts | default | |
|---|---|---|---|
${rows.join('\n')}
`;
}

function defaultOf(name, setting) {
  if (name === 'stateDir') return "the system's temp directory";
  if (setting.default === '' || setting.default === null) return '';
  return `\`${typeof setting.default === 'string' ? setting.default : JSON.stringify(setting.default)}\``;
}

function commandLinePage() {
  const sections = commandLine().groups.map(({ title, commands }) => {
    const entries = commands.map(({ name, rawName, description, options, examples }) => {
      const rows = options.map(
        (option) => `| \`${option.rawName}\` | ${option.description.replaceAll('|', '\\|')} |\n`,
      );
      const table = rows.length === 0 ? '' : `\n| option | |\n|---|---|\n${rows.join('')}`;
      const lines = examples.map((example) => `${example.trim().replace(/ {2,}(?=\S)/, '  # ')}\n`);
      return `### coda ${name}\n\n${description}.\n\n    coda ${rawName}\n${table}\n\`\`\`console\n${lines.join('')}\`\`\`\n`;
    });
    return `## ${title}\n\n${entries.join('\n')}`;
  });
  return `# Command line

\`coda\` and \`coda-node\` are the same program. \`coda --help\` lists the commands, and \`coda COMMAND --help\` shows the
options of one; \`--version\` is the version. \`coda completion\` teaches your shell all of it. Made from the table in
\`src/cli/commands.ts\` by \`npm run docs\`.

- Exit codes: 0 success, 1 failure (or no node is running), 2 wrong usage.
- A value is the next word or stands behind \`=\`: \`--port 9000\`, \`--port=9000\`. One that may be left out (in square
  brackets) always stands behind \`=\`. \`--\` comes before operands that begin with a dash.
- Results go to standard output, everything else to standard error. Commands with \`--json\` are for scripts.
- \`coda --reset\` is the same as \`coda reset\`.

${sections.join('\n')}`;
}
