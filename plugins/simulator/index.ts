// Registers the simulator as the executor `simulator`, and never chooses it by itself: a node that reports simulated
// counts as hardware results would be worse than one that does not start.
import { ExecutorError, type Plugin } from '../../src/index.ts';

/** Registers the executor `simulator` (PROTOCOL §11). */
export function simulator(): Plugin {
  return {
    name: 'simulator',
    apply(node) {
      node.executors.set('simulator', async (_settings, { options }) => {
        const [option] = Object.keys(options);
        if (option !== undefined)
          throw new ExecutorError(`the simulator takes no options, but was given '${option}'`, {
            remedy: "Write: executor: 'simulator'",
          });
        const { createSimulator } = await import('./executor.ts');
        return createSimulator();
      });
    },
  };
}
