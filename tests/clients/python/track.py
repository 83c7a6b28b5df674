import os
import time
import uuid

import grpc
from exposure.v1 import event_pb2, exposure_query_service_pb2, exposure_query_service_pb2_grpc
from exposure.v1 import ingest_service_pb2, ingest_service_pb2_grpc, property_service_pb2, property_service_pb2_grpc

USER = "user-1"


def exposure_of(flag_key: str, variant: str | None) -> event_pb2.Event:
    # Made once for each exposure: whatever is sent again under this insert_id counts once.
    return event_pb2.Event(
        user_id=USER,
        insert_id=str(uuid.uuid4()),
        time_us=time.time_ns() // 1000,
        exposure=event_pb2.Exposure(flag_key=flag_key, variant=variant),
    )


with grpc.insecure_channel(os.environ["SERVER"]) as channel:
    ingest = ingest_service_pb2_grpc.IngestServiceStub(channel)
    properties = property_service_pb2_grpc.PropertyServiceStub(channel)
    queries = exposure_query_service_pb2_grpc.ExposureQueryServiceStub(channel)
    call = {"metadata": [("authorization", f"Bearer {os.environ['KEY']}")], "timeout": 10}

    # The user saw a variant of one flag, and is no longer part of another: without a variant the property is unset.
    events = [exposure_of("checkout", "treatment"), exposure_of("banner", None)]
    batch = ingest_service_pb2.IngestRequest(events=events, library="track-python/1")

    # The second time stands for a retry after an answer that was lost.
    for _ in range(2):
        outcomes = ingest.Ingest(batch, **call).outcomes
        for event, outcome in zip(events, outcomes, strict=True):
            what = outcome.WhichOneof("result")
            if what == "accepted":
                what += f" {event_pb2.EffectKind.Name(outcome.accepted.effects[0].kind)}"
            elif what == "rejected":
                what += f" {outcome.rejected.message}"
            print(f"{event.exposure.flag_key}: {what}")

    question = property_service_pb2.GetUserPropertiesRequest(user_id=USER)
    for it in properties.GetUserProperties(question, **call).user_properties.properties:
        print(f"{USER} has {it.flag_key}={it.variant}")

    question = exposure_query_service_pb2.ExplainRequest(user_id=USER, flag_key="checkout")
    why = queries.Explain(question, **call)
    print(f"checkout is {why.variant} by {why.decided_by.insert_id} of {why.decided_by.library}")
