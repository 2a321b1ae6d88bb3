"""What importing the client costs: nothing that is not used is loaded, and no thread is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import coactive

LOAD = """
import sys, threading, urllib3
before = set(sys.modules)
import coactive
from coactive.apis import SimilaritySearchApi
SimilaritySearchApi(coactive.ApiClient(coactive.Configuration(access_token="a:b")))
print(threading.active_count(), *sorted(name.partition(".")[0] for name in set(sys.modules) - before))
"""

ALLOWED = {"coactive", "copy", "ipaddress"}
"""What the client may load beside what urllib3 has loaded."""


def test_importing_the_client_loads_next_to_nothing_beside_urllib3() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, check=True, text=True)
    threads, *loaded = done.stdout.split()
    assert threads == "1"
    assert set(loaded) - ALLOWED == set()


LOADED = """
import sys
sys.path.append(sys.argv[2])
__import__(sys.argv[1])
print(*sorted(sys.modules))
"""

OURS = """
coactive
coactive.answer
coactive.api_client
coactive.authorization
coactive.clock
coactive.configuration
coactive.connection
coactive.credentials
coactive.debug_log
coactive.exceptions
coactive.head
coactive.headers
coactive.hooks
coactive.host
coactive.incoming
coactive.login
coactive.media_type
coactive.model
coactive.model.base
coactive.model.decoding
coactive.model.error_response
coactive.model.http_validation_error
coactive.model.members
coactive.model.similar_image
coactive.model.similar_image_group
coactive.model.similarity_search_response
coactive.model.validation_error
coactive.network_error
coactive.proxy
coactive.redaction
coactive.response
coactive.rest
coactive.retry
coactive.route
coactive.timeout
coactive.tls
coactive.tokens
coactive.transport
coactive.upload
coactive.version
coactive.wire
"""
"""What `import coactive` loads of the package: nothing of the stand-in, of notebooks or of bulk searches."""


def loaded_by(package: str) -> list[str]:
    home = Path(coactive.__file__).parent.parent
    command = [sys.executable, "-I", "-c", LOADED, package, str(home)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()


def test_importing_the_package_loads_these_modules_of_it() -> None:
    assert [name for name in loaded_by("coactive") if name.partition(".")[0] == "coactive"] == OURS.split()


def test_importing_the_package_loads_no_other_library_than_urllib3() -> None:
    """Nor do dateutil and certifi, which are needed for some answers and for TLS alone."""
    known = {name.partition(".")[0] for name in loaded_by("urllib3")} | set(sys.stdlib_module_names)
    assert {name.partition(".")[0] for name in loaded_by("coactive")} - known == {"coactive"}
