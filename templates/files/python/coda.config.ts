import { defineConfig, python } from 'coda-node';

export default defineConfig({
  executor: python('my_backend.executor_factory:create_executor'),
  deviceConfig: './site/device.yaml',
  stateDir: './state',
});
