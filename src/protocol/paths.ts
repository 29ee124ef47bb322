// The paths of the cloud's API, each spelled once (PROTOCOL §1, §6, §7, §8). Settings and the bundle may name others for
// all but `health`.

export const CLOUD_PATHS = {
  connect: '/api/internal/qpu/connect',
  heartbeat: '/api/internal/qpu/heartbeat',
  webhook: '/api/internal/qpu/webhook',
  /** Answers HEAD; the VPN probe and `coda doctor` ask it. */
  health: '/api/internal/qpu/health',
} as const;
