import { defineConfig } from 'coda-node';

export default defineConfig({
  executor: './src/executor-factory.js:createExecutor',
  deviceConfig: './site/device.yaml',
  stateDir: './state',
});
