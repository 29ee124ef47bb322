// The jobs of a world. Each is of a kind that says how its run ends, or what the cloud makes of it.
export const KINDS = [
  'good',
  'fails',
  'invalid',
  'refused',
  'deadly',
  'deadly at once',
  'exits at once',
  'malformed',
  // With plugins that prepare jobs, or map results; without them they are good.
  'unwanted',
  'deadly to prepare',
  'deadly to map',
] as const;
export type Kind = (typeof KINDS)[number];

const CIRCUIT = JSON.stringify({
  target: 'cz',
  num_qubits: 1,
  gates: [],
  measurements: [0],
  metadata: { source_hash: 'x', compiled_at: 'x' },
});

/** The fields of a message. */
export function messageOf(jobId: string, kind: Kind): string[] {
  if (kind === 'malformed') return ['job_id', jobId];
  const circuit = kind === 'invalid' ? '{}' : CIRCUIT;
  return ['job_id', jobId, 'callback_url', 'https://cloud/jobs', 'ir_json', circuit, 'shots', '1'];
}
