// The part of `coda-node/testing` that needs no node: the local cloud, its Redis, sample circuits, waiting.
export { bell, ghz, randomCircuit, type SampleCircuit, type Verdict } from '../local-cloud/circuits.ts';
export type { CheckReport, CheckResult } from '../conformance/check.ts';
export type { CheckOptions } from '../conformance/terms.ts';
export type { Finding } from '../conformance/verdict.ts';
export type { DeviceAnswer, JobAnswer } from '../local-cloud/admin.ts';
export type { ConnectBody, HeartbeatBody } from '../local-cloud/contract.ts';
export type { BundleFields, BundleOverride, IssuedKey, KeyPair } from '../local-cloud/credentials.ts';
export type { Endpoint, Fault } from '../local-cloud/faults.ts';
export type { JobEnd, JobRequest, JobSummary, SubmittedJob } from '../local-cloud/jobs.ts';
export type { CloudRequest, ConnectRecord, DeliveryRecord, HeartbeatRecord } from '../local-cloud/routes.ts';
export { startLocalCloud, type LocalCloud, type LocalCloudOptions } from '../local-cloud/local-cloud.ts';
export { startRedisServer, type RedisServer, type RedisServerOptions } from '../local-cloud/redis-server.ts';
export { waitUntil, within, type WaitOptions } from '../local-cloud/wait.ts';
