"""Make one recorded call by whichever `coactive` can be imported: a generated client or this one.

As a script it reads a JSON list from standard input, `[host, operation, arguments]`, and prints `{}`, or
`{"error": ...}` where the call raises.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import coactive
from coactive.apis import SimilaritySearchApi

FILES = Path(__file__).resolve().parent / "files"
TOKEN = "client-id:client-secret"


def call(host: str, operation: str, arguments: dict[str, Any]) -> None:
    """Call an operation with its arguments by keyword. `file` is opened from a path that ends in its name."""
    configuration = coactive.Configuration(host=host, access_token=TOKEN)
    with coactive.ApiClient(configuration) as api_client, tempfile.TemporaryDirectory() as folder:
        run = getattr(SimilaritySearchApi(api_client), operation)
        if "file" not in arguments:
            run(**arguments)
            return
        path = Path(folder) / arguments["file"]["name"]
        path.write_bytes((FILES / arguments["file"]["content"]).read_bytes())
        with path.open("rb") as file:
            run(**{**arguments, "file": file})


if __name__ == "__main__":
    outcome = {}
    try:
        call(*json.load(sys.stdin))
    except Exception as error:
        outcome["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(outcome))
