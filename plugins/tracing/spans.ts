// The span of a job, with children for its wait, its preparation, its run, the save of its outcome and each attempt to
// deliver it. They are made from the times that the node has kept, so nothing is in the way of the job.
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { CodaNode, EndedJob, WebhookRequest } from '../../src/index.ts';
import {
  traceContextOf,
  version,
  type Delivery,
  type SavedOutcome,
  type TraceContext,
} from '../../src/kit.ts';

/** Jobs whose result is not delivered yet; the oldest are given up, as their results may wait for days. */
const MOST_OPEN = 10_000;
/** What the job's annotation is called, which outlives a restart. */
const ANNOTATION = 'traceparent';

interface Open {
  readonly span: Span;
  readonly inSpan: Context;
  readonly endedAt: number;
}

export class JobSpans {
  readonly #node: CodaNode;
  readonly #tracer: Tracer;
  readonly #open = new Map<string, Open>();

  constructor(node: CodaNode) {
    this.#node = node;
    this.#tracer = trace.getTracer('coda-node', version);
  }

  tap(): void {
    const { hooks } = this.#node;
    hooks.onEnd.tap('tracing', (ended) => this.#ended(ended));
    hooks.afterSave.tap('tracing', ({ jobId }) => this.#saved(jobId));
    hooks.onWebhook.tap('tracing', (request) => this.#posts(request));
    hooks.afterDeliver.tap('tracing', (saved, attempt, delivery, tookMs) =>
      this.#tried(saved, attempt, delivery, tookMs),
    );
    hooks.onCancel.tap('tracing', ({ jobId, stage }) => {
      if (stage === 'delivering') this.#close(jobId, 'cancelled');
    });
    this.#node.onClose('open spans', () => {
      for (const jobId of [...this.#open.keys()]) this.#close(jobId, 'not delivered yet');
    });
  }

  #ended(ended: EndedJob): void {
    const { jobId, origin, outcome, circuit, takenAt, queuedAt, startedAt, endedAt } = ended;
    const from = origin === 'local' ? takenAt : Math.min(ended.sentAt, takenAt);
    const span = this.#tracer.startSpan(
      'job',
      {
        kind: SpanKind.CONSUMER,
        startTime: from,
        attributes: {
          'messaging.system': 'redis',
          'messaging.operation.type': 'process',
          'messaging.message.id': ended.messageId,
          'coda.job.id': jobId,
          'coda.job.origin': origin,
          'coda.job.outcome': outcome.status,
          'coda.qpu.id': this.#node.session.qpuId,
          'coda.executor': this.#node.executorSource,
          ...(circuit && {
            'coda.circuit.qubits': circuit.qubits,
            'coda.circuit.gates': circuit.gates,
            'coda.circuit.shots': circuit.shots,
          }),
        },
      },
      parentOf(ended.trace),
    );
    const inSpan = trace.setSpan(ROOT_CONTEXT, span);
    this.#child('wait', inSpan, from, startedAt ?? endedAt);
    if (queuedAt !== null) this.#child('prepare', inSpan, takenAt, queuedAt);
    if (startedAt !== null) this.#child('run', inSpan, startedAt, endedAt);
    if (outcome.status === 'failed') {
      const where = ended.where === null ? '' : ` ${ended.where}`;
      span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.error });
      span.recordException({ name: 'JobFailed', message: `failed${where}: ${outcome.error}` }, endedAt);
    }
    if (origin === 'local' || outcome.status === 'cancelled') {
      span.end(endedAt);
      return;
    }
    const { traceId, spanId, traceFlags } = span.spanContext();
    const sampled = (traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01';
    ended.job?.annotate(ANNOTATION, `00-${traceId}-${spanId}-${sampled}`);
    this.#keep(jobId, { span, inSpan, endedAt });
  }

  #keep(jobId: string, open: Open): void {
    this.#open.set(jobId, open);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MOST_OPEN && oldest !== undefined) this.#close(oldest, 'not delivered yet');
  }

  #saved(jobId: string): void {
    const open = this.#open.get(jobId);
    if (open !== undefined) this.#child('save', open.inSpan, open.endedAt, Date.now());
  }

  /** The cloud gets the span of the job as the parent of what it does with the result. */
  #posts({ headers, annotations }: WebhookRequest): void {
    const noted = annotations[ANNOTATION];
    const found = typeof noted === 'string' ? traceContextOf(noted, '') : undefined;
    if (found !== undefined) headers['traceparent'] = found.traceparent;
  }

  #tried({ jobId }: SavedOutcome, attempt: number, delivery: Delivery, tookMs: number): void {
    const open = this.#open.get(jobId);
    if (open === undefined) return;
    const now = Date.now();
    const child = this.#tracer.startSpan(
      'deliver',
      {
        kind: SpanKind.CLIENT,
        startTime: now - tookMs,
        attributes: { 'coda.attempt': attempt, 'coda.delivery': delivery.kind },
      },
      open.inSpan,
    );
    if (delivery.kind !== 'delivered') {
      child.setStatus({ code: SpanStatusCode.ERROR, message: this.#node.log.masked(delivery.reason) });
    }
    child.end(now);
    if (delivery.kind !== 'retry') this.#close(jobId, delivery.kind);
  }

  #child(name: string, parent: Context, from: number, to: number): void {
    this.#tracer.startSpan(name, { startTime: from }, parent).end(Math.max(from, to));
  }

  #close(jobId: string, delivery: string): void {
    const open = this.#open.get(jobId);
    if (open === undefined) return;
    this.#open.delete(jobId);
    open.span.setAttribute('coda.delivery', delivery);
    open.span.end();
  }
}

/** Who asked for the job, if its message says so. */
function parentOf(found: TraceContext | null): Context {
  if (found === null) return context.active();
  const [, traceId = '', spanId = '', flags = ''] = found.traceparent.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}
