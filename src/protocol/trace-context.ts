// The trace context that a job message may carry (W3C Trace Context): who asked for the job can follow it through the node.

export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Printable ASCII, as a header has it. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** Undefined if there is none that can be used: a job runs with any. */
export function traceContextOf(traceparent: string, tracestate: string): TraceContext | undefined {
  if (!TRACEPARENT.test(traceparent)) return undefined;
  return TRACESTATE.test(tracestate) ? { traceparent, tracestate } : { traceparent };
}
