// A quiet reporter for node:test. It shows failed tests by their whole name, with what their file printed, skipped
// tests with the reason, figures, and one line of totals.
import { relative, resolve } from 'node:path';

export default async function* report(source) {
  const printed = new Map();
  /** Of each file: the names of the suites around the test that is reported, and its own. */
  const chains = new Map();
  let [passed, failed, skipped] = [0, 0, 0];
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      chains.set(data.file, [...(chains.get(data.file) ?? []).slice(0, data.nesting), data.name]);
    }
    if (type === 'test:stderr' || type === 'test:stdout') {
      printed.set(data.file, (printed.get(data.file) ?? '') + data.message);
    }
    if (type === 'test:fail' && !isOnlySubtests(data.details.error)) {
      yield printed.get(data.file) ?? '';
      printed.delete(data.file);
      yield `\nFAILED ${wholeName(data, chains)}\n${errorText(data.details.error)}\n`;
    }
    if (type === 'test:diagnostic' && data.message.startsWith('figure: ')) yield `${data.message}\n`;
    const isSuite = data?.details?.type === 'suite';
    if (isSuite || (type !== 'test:pass' && type !== 'test:fail')) continue;
    if (data.skip !== undefined) {
      skipped += 1;
      yield `skipped: ${wholeName(data, chains)}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}\n`;
    } else if (type === 'test:pass') passed += 1;
    else failed += 1;
  }
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

/** `test/some.test.ts > suite > test`; the path alone if the file itself failed. */
function wholeName({ file = '', name, nesting }, chains) {
  const path = relative('.', file);
  if (resolve(name) === file) return path;
  return [path, ...(chains.get(file) ?? []).slice(0, nesting), name].join(' > ');
}

/** A suite that failed because a test in it failed: the test has been shown. */
function isOnlySubtests(error) {
  return error?.failureType === 'subtestsFailed';
}

function errorText(error) {
  const cause = error?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
