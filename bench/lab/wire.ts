// The wire contract, written for the bench alone: a change of the node must not change the measurement.
// Imports nothing, so that the bare loops stay bare.

export const streamOf = (qpuId: string): string => `qpu:${qpuId}:jobs`;
export const groupOf = (qpuId: string): string => `qpu:${qpuId}:workers`;
export const statusOf = (jobId: string): string => `qpu:job:${jobId}:status`;
export const cancelOf = (jobId: string): string => `qpu:job:cancelled:${jobId}`;

export const CONNECT_PATH = '/api/internal/qpu/connect';
export const HEARTBEAT_PATH = '/api/internal/qpu/heartbeat';
export const WEBHOOK_PATH = '/api/internal/qpu/webhook';
