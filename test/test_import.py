"""What importing the client costs: nothing that is not used is loaded, and no thread is started."""

from __future__ import annotations

import subprocess
import sys

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
