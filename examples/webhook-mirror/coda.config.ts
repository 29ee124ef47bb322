// For `coda dev` in this folder.
import { defineConfig } from 'coda-node';

export default defineConfig({
  executor: 'simulator',
  plugins: [['./src/index.ts', { url: 'http://127.0.0.1:9000/outcomes' }]],
});
