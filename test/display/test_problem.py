"""Errors as IPython shows them: as a traceback, and as a value."""

from __future__ import annotations

import re
import sys
import traceback
from typing import Any

import pytest
from html_page import Page
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from scripted_server import Reply, ScriptedServer, unused_port

import coactive
from coactive import ApiTypeError
from coactive.apis import SimilaritySearchApi
from coactive.notebook import gallery

HOSTILE = "<img src=x onerror=alert(1)>"


def _traceback(shell: InteractiveShell, code: str, **names: Any) -> list[str]:
    """What IPython prints when a cell of code raises."""
    shell.push(names)  # type: ignore[no-untyped-call]
    with capture_output() as captured:
        shell.run_cell(code)  # type: ignore[no-untyped-call]
    return [line for line in captured.stdout.splitlines() if line.strip("- ")]


def _frames(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith(("Cell", "File"))]


def test_ipython_shows_the_readers_own_frames_and_the_message(
    shell: InteractiveShell, server: ScriptedServer, api: SimilaritySearchApi
) -> None:
    server.reply(Reply.json({"detail": "no such embedding"}, 404, X_Request_ID="r-1"))
    code = "def search():\n    return api.search_images_by_text_grouped('e', 'q')\n\nsearch()"
    lines = _traceback(shell, code, api=api)
    assert re.sub(r"\s+", " ", lines[0]) == "NotFoundException Traceback (most recent call last)"
    assert _frames(lines) == ["Cell In[1], line 4", "Cell In[1], line 2, in search()"]
    assert lines[-3] == "NotFoundException: 404 Not Found: no such embedding"
    assert lines[-2].startswith("Hint: ")
    assert lines[-1] == "Request ID: r-1"


def test_ipython_shows_the_cause_where_it_is_the_readers_own_code(
    shell: InteractiveShell, api: SimilaritySearchApi
) -> None:
    code = "class File:\n    def read(self, size):\n        1 / 0\n\napi.get_similar_images('e', File())"
    lines = _traceback(shell, code, api=api)
    assert _frames(lines) == ["Cell In[1], line 3, in File.read(self, size)", "Cell In[1], line 5"]
    assert lines[0].startswith("ZeroDivisionError")
    assert "The above exception was the direct cause of the following exception:" in lines
    assert lines[-1] == "ApiValueError: file: cannot read the file: division by zero"


def test_ipython_shows_what_the_reader_was_handling_and_leaves_the_exception_as_it_was(
    shell: InteractiveShell, api: SimilaritySearchApi
) -> None:
    code = "try:\n    {}['key']\nexcept KeyError:\n    api.search_images_by_text_grouped('', 'q')"
    lines = _traceback(shell, code, api=api)
    assert _frames(lines) == ["Cell In[1], line 2", "Cell In[1], line 4"]
    assert "During handling of the above exception, another exception occurred:" in lines
    error = sys.last_value
    assert error
    assert isinstance(error.__context__, KeyError)
    assert any("request.py" in frame.filename for frame in traceback.extract_tb(error.__traceback__))


def test_ipython_shows_no_cause_within_this_package(shell: InteractiveShell) -> None:
    configuration = coactive.Configuration(f"http://127.0.0.1:{unused_port()}", access_token="a:b", retries=False)
    with coactive.ApiClient(configuration) as client:
        lines = _traceback(shell, "api.search_images_by_text_grouped('e', 'q')", api=SimilaritySearchApi(client))
    assert len(lines) == 4
    assert lines[-1].startswith("ApiConnectionError: no answer from http://127.0.0.1:")


def test_ipython_shows_all_frames_in_verbose_mode(shell: InteractiveShell, api: SimilaritySearchApi) -> None:
    shell.InteractiveTB.set_mode("Verbose")
    lines = _traceback(shell, "api.search_images_by_text_grouped('', 'q')", api=api)
    assert any("request.py" in line for line in lines)


def test_an_error_without_frames_of_the_reader_keeps_those_it_has(shell: InteractiveShell) -> None:
    try:
        gallery(None)
    except ApiTypeError as caught:
        error = caught
    own = error.__traceback__
    assert own
    error.__traceback__ = own.tb_next
    assert any("groups.py" in line for line in "".join(error._render_traceback_()).splitlines())


def test_outside_of_ipython_a_traceback_is_what_it_was() -> None:
    try:
        gallery(None)
    except ApiTypeError as caught:
        error = caught
    printed = "".join(error._render_traceback_())
    assert "groups.py" in printed
    assert printed.rstrip().endswith("got NoneType")


def test_an_error_as_a_value_shows_its_message_hint_and_request_id(
    server: ScriptedServer, api: SimilaritySearchApi
) -> None:
    server.reply(Reply.json({"detail": HOSTILE}, 404, X_Request_ID=HOSTILE))
    with pytest.raises(coactive.NotFoundException) as caught:
        api.search_images_by_text_grouped("e", "q")
    page = Page(caught.value._repr_html_())
    assert {name for name, _ in page.elements} == {"style", "div"}
    lines = page.text.split("\n")
    assert lines[:2] == ["NotFoundException", f"404 Not Found: {HOSTILE}"]
    assert lines[2].startswith("Hint: ")
    assert lines[3] == f"Request ID: {HOSTILE}"
