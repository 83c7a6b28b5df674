"""openfeature-sdk with the hook of openfeature-hooks-opentelemetry: events of spans, over OTLP.

A further argument says which exporter. The hook knows no device, and there is no hook for logs.
"""

import importlib.metadata

from openfeature import api
from openfeature.contrib.hook.opentelemetry import TracingHook
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import story
from story import KEY, MORE, URL, Who

TOO_LONG = "f" * 1025


def exporter() -> GrpcSpans | HttpSpans:
    headers = {"authorization": f"Bearer {KEY}"}
    if MORE == ["grpc"]:
        return GrpcSpans(endpoint=URL, insecure=True, headers=headers)
    return HttpSpans(endpoint=f"{URL}/v1/traces", headers=headers)


def wanted(flag: InMemoryFlag, context: EvaluationContext) -> FlagResolutionDetails:
    wants = context.attributes["wants"]
    return FlagResolutionDetails(flag.variants[wants], reason=Reason.TARGETING_MATCH, variant=wants)


class Adapter:
    def __init__(self):
        variants = {it: it for it in ["a", "b", "on", "treatment"]}
        flag = InMemoryFlag("on", variants, context_evaluator=wanted)
        api.set_provider(InMemoryProvider({"checkout": flag, "banner": flag, TOO_LONG: flag}))
        api.add_hooks([TracingHook()])
        self.client = api.get_client()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(BatchSpanProcessor(exporter()))
        trace.set_tracer_provider(self.tracers)

    def expose(self, who: Who, flag: str, variant: str) -> None:
        context = EvaluationContext(who.user, {"wants": variant})
        with trace.get_tracer("shop").start_as_current_span("request"):
            assert self.client.get_string_value(flag, "none", context) == variant

    def bad(self, who: Who) -> None:
        self.expose(who, TOO_LONG, "treatment")


adapter = Adapter()
# An evaluation always has a variant, each of them is another event, and there is no place for a device.
story.tell(adapter, cannot={"unset", "duplicate", "anonymous"})
adapter.tracers.shutdown()
story.report("openfeature-sdk", sdk_version=importlib.metadata.version("opentelemetry-sdk"))
