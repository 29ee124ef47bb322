// What authors of executors and plugins import for their tests: `coda-node/testing`.
export { bell, ghz, randomCircuit, type SampleCircuit, type Verdict } from './circuits.ts';
export type { JobAnswer } from './cloud/admin.ts';
export type { ConnectBody, HeartbeatBody } from './cloud/contract.ts';
export type { BundleFields, BundleOverride, IssuedKey, KeyPair } from './cloud/credentials.ts';
export type { Endpoint, Fault } from './cloud/faults.ts';
export type { JobEnd, JobRequest, JobSummary, SubmittedJob } from './cloud/jobs.ts';
export type { CloudRequest, ConnectRecord, DeliveryRecord, HeartbeatRecord } from './cloud/routes.ts';
export { startLocalCloud, type LocalCloud, type LocalCloudOptions } from './local-cloud.ts';
export { startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.ts';
export { waitUntil, within, type WaitOptions } from './wait.ts';
export { startTestNode, type TestNode, type TestNodeOptions } from './node.ts';
