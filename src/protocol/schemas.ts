// The JSON schemas of the wire contract. The build compiles them to `validators.js`, so Ajv is not loaded at run time.
// They contain types and ranges only; rules across fields are code, which is faster and gives better messages.

export interface GateShape {
  readonly gate: string;
  readonly qubits: readonly number[];
  readonly params?: readonly number[];
}

/** What `irSchema` guarantees; change both together. */
export interface IrShape {
  readonly version?: '1.0';
  readonly target: string;
  readonly num_qubits: number;
  readonly gates: readonly GateShape[];
  readonly measurements: readonly number[];
  readonly metadata: {
    readonly source_hash: string;
    readonly compiled_at: string;
    readonly compiler_version?: string;
    readonly optimization_level?: number;
  };
}

const irSchema = {
  type: 'object',
  required: ['target', 'num_qubits', 'gates', 'measurements', 'metadata'],
  properties: {
    version: { const: '1.0' },
    target: { type: 'string' },
    num_qubits: { type: 'integer', minimum: 1, maximum: 50 },
    gates: {
      type: 'array',
      items: {
        type: 'object',
        required: ['gate', 'qubits'],
        properties: {
          gate: { type: 'string' },
          qubits: { type: 'array', items: { type: 'integer' } },
          params: { type: 'array', items: { type: 'number' } },
        },
      },
    },
    measurements: { type: 'array', items: { type: 'integer' } },
    metadata: {
      type: 'object',
      required: ['source_hash', 'compiled_at'],
      properties: {
        source_hash: { type: 'string' },
        compiled_at: { type: 'string' },
        compiler_version: { type: 'string' },
        optimization_level: { type: 'integer', minimum: 0, maximum: 3 },
      },
    },
  },
} as const;

/** The schemas by the names under which `validators.js` exports their validators. */
export const SCHEMAS = { validateIrShape: irSchema } as const;
