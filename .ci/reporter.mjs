// A quiet reporter for node:test: each failure in full, with the output of its file; each skipped test with the reason;
// figures; one closing line.
import { relative } from 'node:path';

export default async function* report(source) {
  const printed = new Map();
  /** The names of the tests and suites that contain the current one. */
  const names = [];
  let [passed, failed, skipped] = [0, 0, 0];
  for await (const { type, data } of source) {
    if (type === 'test:start') names.splice(data.nesting, Infinity, data.name);
    if (type === 'test:stderr' || type === 'test:stdout') {
      printed.set(data.file, (printed.get(data.file) ?? '') + data.message);
    }
    if (type === 'test:fail' && !isOnlySubtests(data.details.error)) {
      yield printed.get(data.file) ?? '';
      printed.delete(data.file);
      yield `\nFAILED ${nameOf(data, names)}\n${errorText(data.details.error)}\n`;
    }
    if (type === 'test:diagnostic' && data.message.startsWith('figure: ')) yield `${data.message}\n`;
    const isSuite = data?.details?.type === 'suite';
    if (isSuite || (type !== 'test:pass' && type !== 'test:fail')) continue;
    if (data.skip !== undefined) {
      skipped += 1;
      yield `skipped: ${nameOf(data, names)}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}\n`;
    } else if (type === 'test:pass') passed += 1;
    else failed += 1;
  }
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

/** The file, and the name with those of all suites around it. A failure of a whole file has no other name. */
function nameOf({ file = '', name, nesting }, names) {
  const whole = [...names.slice(0, nesting), name].filter((part) => part !== file);
  return [relative('.', file), whole.join(' > ')].filter((part) => part !== '').join(': ');
}

/** The suite failed because a test in it failed, and that test has been shown. */
function isOnlySubtests(error) {
  return error?.failureType === 'subtestsFailed';
}

function errorText(error) {
  const cause = error?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
