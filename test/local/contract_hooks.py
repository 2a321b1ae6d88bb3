"""What Schemathesis cannot know from the document: an embedding that is there, and what a picture is.

It loads this file by `contract.toml`; the environment says which embedding, and where to write what was answered.
"""

from __future__ import annotations

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis import Case, CheckContext, GenerationMode, HookContext, Response

# Text, because of a body that has bytes Schemathesis does not see that a number in a form is a text like any other.
PICTURES = ["GIF87a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;", "GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2L\1\0;"]
NO_PICTURES = ["", "plain text", "GIF87a", PICTURES[0][:-8]]

answered: Counter[tuple[str, int]] = Counter()

schemathesis.openapi.media_type("image/gif", strategies.sampled_from(PICTURES + NO_PICTURES))


@schemathesis.hook
def before_load_schema(context: HookContext, document: dict[str, Any]) -> None:
    document["components"]["parameters"]["EmbeddingId"]["schema"]["enum"] = [os.environ["CONTRACT_EMBEDDING_ID"]]
    for path in document["paths"].values():
        for operation in path.values():
            for form in operation.get("requestBody", {}).get("content", {}).values():
                form["encoding"] = {"file": {"contentType": "image/gif"}}
                # None is not sent, and a form has no way to.
                form["schema"]["properties"]["limit"]["type"] = "integer"


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    answered[f"{case.method} {case.path}", response.status_code] += 1


@schemathesis.check
def a_search_refuses_no_picture_but_a_broken_one(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE:
        broken = isinstance(case.body, dict) and case.body["file"] in NO_PICTURES
        assert response.status_code == (400 if broken else 200)


@atexit.register
def _write_what_was_answered() -> None:
    rows = [(operation, status, times) for (operation, status), times in answered.items()]
    Path(os.environ["CONTRACT_ANSWERED"]).write_text(json.dumps(rows), encoding="utf-8")
