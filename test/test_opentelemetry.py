"""Traces of the calls, by OpenTelemetry's own instrumentation of urllib3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scripted_server import TOKEN, Reply, ScriptedServer

from coactive import ApiClient, ApiConnectionError
from coactive.apis import SimilaritySearchApi


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    URLLib3Instrumentor().instrument(tracer_provider=provider)
    yield provider
    URLLib3Instrumentor().uninstrument()


@pytest.mark.usefixtures("tracing")
def test_each_try_is_a_span_without_the_token(server: ScriptedServer, exporter: InMemorySpanExporter) -> None:
    server.reply(Reply(503, headers={"Retry-After": "0"}), Reply())
    with ApiClient(server.configuration()) as client:
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")
    spans = exporter.get_finished_spans()
    assert [(span.name, span.kind.name, span.status.is_ok) for span in spans] == [
        ("GET", "CLIENT", False),
        ("GET", "CLIENT", True),
    ]
    assert not any(TOKEN in span.to_json() or TOKEN.partition(":")[2] in span.to_json() for span in spans)
    assert [seen.headers["traceparent"].split("-")[2] for seen in server.seen] == [
        f"{span.context.span_id:016x}" for span in spans
    ]


@pytest.mark.usefixtures("tracing")
def test_a_call_that_fails_is_still_our_exception(server: ScriptedServer, exporter: InMemorySpanExporter) -> None:
    server.reply(Reply(raw=b""))
    with ApiClient(server.configuration(retries=False)) as client, pytest.raises(ApiConnectionError):
        SimilaritySearchApi(client).search_images_by_text_grouped("e", "mug")
    assert len(exporter.get_finished_spans()) == 1


def test_a_call_in_the_background_belongs_to_the_trace_of_its_caller(
    server: ScriptedServer, tracing: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    with ApiClient(server.configuration()) as client:
        with tracing.get_tracer("test").start_as_current_span("mine") as mine:
            future = SimilaritySearchApi(client).search_images_by_text_grouped.submit("e", "mug")
        future.get(10)
    (call,) = (span for span in exporter.get_finished_spans() if span.name == "GET")
    assert call.parent == mine.get_span_context()
