// The spans of jobs, with the real OpenTelemetry SDK: one a job, with its parts, its parent, and a way on to the cloud.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { bell, startTestNode, waitUntil, type TestNode } from '../../../src/testing/index.ts';
import type { Executor } from '../../../src/index.ts';
import { cloud } from '../../support/cloud.ts';
import { zeros } from '../../support/executors.ts';

const { ir } = bell('cz');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const FAILS = 5;

const executor: Executor = {
  run: (circuit, shots) =>
    shots === FAILS ? Promise.reject(new Error('the laser is off')) : Promise.resolve(zeros(circuit, shots)),
};

function timeOf([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

describe('tracing', () => {
  const exporter = new InMemorySpanExporter();
  let test: TestNode;
  before(async () => {
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    trace.setGlobalTracerProvider(provider);
    const env = { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1' };
    test = await startTestNode({ cloud, executor, env });
  });
  after(async () => {
    await test.stop();
    trace.disable();
    assert.deepEqual(cloud.violations, []);
  });

  const spanOf = async (jobId: string): Promise<ReadableSpan> => {
    const find = (): ReadableSpan | undefined =>
      exporter.getFinishedSpans().find(({ attributes }) => attributes['coda.job.id'] === jobId);
    return waitUntil(`the span of ${jobId}`, find);
  };
  const childrenOf = (parent: ReadableSpan): ReadableSpan[] =>
    exporter
      .getFinishedSpans()
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent.spanContext().spanId);

  it('makes a span a job, with its parts in it, below the one that the message names', async () => {
    cloud.fail('webhook', { status: 503, times: 1 });
    const jobId = await cloud.submit({
      ir,
      shots: 4,
      raw: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'lab=7' },
    });
    await cloud.outcome(jobId);
    const span = await spanOf(jobId);
    assert.equal(span.spanContext().traceId, TRACE);
    assert.equal(span.parentSpanContext?.spanId, PARENT);
    const parts = childrenOf(span);
    assert.deepEqual(parts.map(({ name }) => name).toSorted(), [
      'deliver',
      'deliver',
      'prepare',
      'run',
      'save',
      'wait',
    ]);
    for (const { name, startTime, endTime } of parts) {
      assert.ok(timeOf(startTime) >= timeOf(span.startTime) - 1, name);
      assert.ok(timeOf(endTime) >= timeOf(startTime) && timeOf(endTime) <= timeOf(span.endTime) + 1, name);
    }
    assert.deepEqual(
      parts
        .filter(({ name }) => name === 'deliver')
        .map(({ attributes, status }) => [attributes['coda.delivery'], status.code]),
      [
        ['retry', SpanStatusCode.ERROR],
        ['delivered', SpanStatusCode.UNSET],
      ],
    );
    assert.equal(span.attributes['coda.circuit.qubits'], 2);
    const last = cloud.deliveries.at(-1)?.headers['traceparent'];
    assert.equal(last, `00-${TRACE}-${span.spanContext().spanId}-01`);
  });

  it('shows why a job failed, and takes any message', async () => {
    const failed = await cloud.submit({ ir, shots: FAILS });
    await cloud.outcome(failed);
    const span = await spanOf(failed);
    assert.deepEqual(span.status, { code: SpanStatusCode.ERROR, message: 'the laser is off' });
    assert.match(
      String(span.events[0]?.attributes?.['exception.message']),
      /in the executor.*the laser is off/,
    );
    for (const traceparent of ['', 'x'.repeat(100_000), `00-${'0'.repeat(32)}-${PARENT}-01`, '00-é-1-01']) {
      const jobId = await cloud.submit({ ir, shots: 4, raw: { traceparent } });
      await cloud.outcome(jobId);
      const root = await spanOf(jobId);
      assert.equal(root.parentSpanContext, undefined);
    }
  });

  it('shows runs of the operator', async () => {
    const { jobId } = await test.node.jobs.runLocal(ir, { shots: 4 });
    const span = await spanOf(jobId);
    assert.equal(span.attributes['coda.job.origin'], 'local');
    assert.deepEqual(
      childrenOf(span)
        .map(({ name }) => name)
        .toSorted(),
      ['prepare', 'run', 'wait'],
    );
  });
});
