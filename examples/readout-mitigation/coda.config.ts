// For `coda dev` in this folder.
import { defineConfig } from 'coda-node';

export default defineConfig({
  executor: 'simulator',
  plugins: [['./src/index.ts', { file: './calibration.json' }]],
});
