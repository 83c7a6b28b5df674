// @openfeature/server-sdk with the hooks of @openfeature/open-telemetry-hooks: what they emit, over OTLP.
//
// A fourth argument says which hook and which exporter.
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { context, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPTraceExporter as JsonSpans } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoSpans } from '@opentelemetry/exporter-trace-otlp-proto';
import { Metadata } from '@grpc/grpc-js';
import { key, report, url, version } from './sender.mjs';
import { story } from './story.mjs';

const carrier = process.argv[5];
const headers = { authorization: `Bearer ${key}` };
const metadata = new Metadata();
metadata.set('authorization', headers.authorization);

const CARRIERS = {
  'logs-json': () => new JsonLogs({ url: `${url}/v1/logs`, headers }),
  'logs-proto': () => new ProtoLogs({ url: `${url}/v1/logs`, headers, compression: 'gzip' }),
  'logs-grpc': () => new GrpcLogs({ url, metadata }),
  'spans-json': () => new JsonSpans({ url: `${url}/v1/traces`, headers }),
  'span-events-proto': () => new ProtoSpans({ url: `${url}/v1/traces`, headers }),
};
const exporter = CARRIERS[carrier]();

// The hooks say nothing of a device by themselves.
const attributeMapper = (of) => (of.context.device ? { 'device.id': of.context.device } : {});
const HOOKS = {
  'logs-json': 'EventHook',
  'logs-proto': 'EventHook',
  'logs-grpc': 'EventHook',
  'spans-json': 'SpanHook',
  'span-events-proto': 'SpanEventHook',
};
const isLogs = carrier.startsWith('logs');
const provider = isLogs
  ? new LoggerProvider({ processors: [new BatchLogRecordProcessor(exporter)] })
  : new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
if (isLogs) {
  logs.setGlobalLoggerProvider(provider);
} else {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
}
// As instrumentation is: there before whatever it instruments, or the hooks' tracer is none.
const hooks = await import('@openfeature/open-telemetry-hooks');
OpenFeature.addHooks(new hooks[HOOKS[carrier]]({ attributeMapper }));

const variants = { off: 'off', a: 'a', b: 'b', on: 'on', treatment: 'treatment' };
const flag = { variants, defaultVariant: 'off', disabled: false, contextEvaluator: (of) => of.wants };
const tooLong = 'f'.repeat(1025);
await OpenFeature.setProviderAndWait(new InMemoryProvider({ checkout: flag, banner: flag, [tooLong]: flag }));
const client = OpenFeature.getClient();

const evaluate = ({ user, device }, name, wants) =>
  trace.getTracer('shop').startActiveSpan('request', async (span) => {
    await client.getStringValue(name, 'none', { targetingKey: user, device, wants });
    span.end();
  });

await story({
  // An evaluation always has a variant, and each of them is another event.
  cannot: ['unset', 'duplicate'],
  expose: evaluate,
  bad: (who) => evaluate(who, tooLong, 'treatment'),
});
await provider.shutdown();
report('@openfeature/server-sdk', { hooks: version('@openfeature/open-telemetry-hooks') });
