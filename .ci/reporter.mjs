// A quiet reporter for node:test: failures in full, with what their file printed; what was skipped and why; figures;
// one closing line.
import { relative } from 'node:path';

export default async function* report(source) {
  const printed = new Map();
  let [passed, failed, skipped] = [0, 0, 0];
  for await (const { type, data } of source) {
    if (type === 'test:stderr' || type === 'test:stdout') {
      printed.set(data.file, (printed.get(data.file) ?? '') + data.message);
    }
    if (type === 'test:fail' && !isOnlySubtests(data.details.error)) {
      yield printed.get(data.file) ?? '';
      printed.delete(data.file);
      yield `\nFAILED ${relative('.', data.file ?? '')}: ${data.name}\n${errorText(data.details.error)}\n`;
    }
    if (type === 'test:diagnostic' && data.message.startsWith('figure: ')) yield `${data.message}\n`;
    const isSuite = data?.details?.type === 'suite';
    if (isSuite || (type !== 'test:pass' && type !== 'test:fail')) continue;
    if (data.skip !== undefined) {
      skipped += 1;
      yield `skipped: ${data.name}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}\n`;
    } else if (type === 'test:pass') passed += 1;
    else failed += 1;
  }
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

/** A suite that failed because a test in it failed: the test has been shown. */
function isOnlySubtests(error) {
  return error?.failureType === 'subtestsFailed';
}

function errorText(error) {
  const cause = error?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
