// An executor as a node makes it, to be checked: found, loaded and wrapped by the real parts, and nothing else started.
import { watchOpen } from '../conformance/open-resources.ts';
import type { OpenSubject } from '../conformance/session.ts';
import { withLastBundle } from '../device/make-executor.ts';
import type { Executor } from '../device/executor.ts';
import type { Node } from '../node.ts';
import type { Plugin } from '../plugin.ts';

/** `compose` makes the node, with a plugin that has its executor closed here. Throws what the node throws. */
export async function openSubject(compose: (keepsOpen: Plugin) => Node): Promise<OpenSubject> {
  let made: Executor | undefined;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= (async () => made?.close?.())());
  const node = compose({
    name: 'executor-check',
    apply({ hooks }) {
      hooks.wrapExecutor.tap('executor-check', (executor) => {
        made = executor;
        return { close };
      });
    },
  });
  const stillOpen = watchOpen();
  try {
    const { executor, source } = await node.loadExecutor();
    const { nativeGateSet, numQubits, batchSize, cancelGraceSec } =
      withLastBundle(node.settings, node.state) ?? node.settings;
    return {
      ...{ executor, source, nativeGateSet, numQubits, batchSize, close, stillOpen },
      cancelGraceMs: cancelGraceSec * 1000,
      async end() {
        await node.close();
      },
    };
  } catch (thrown) {
    await node.close();
    throw thrown;
  }
}
