"""What other clients take beside the same floor: measured once, and not by this program."""

from __future__ import annotations

PEERS = ["OpenAPI Generator 6.0.1", "OpenAPI Generator 7.26", "openapi-python-client", "the vendor's SDK"]

FIGURES = {
    "import": ["1.5", "3.1", "", "3.7"],
    "small": ["1.9", "2.0", "2.8", ""],
    "medium": ["30", "2.5", "3.6", ""],
    "large": ["49", "3.2", "3.1", ""],
    "upload": ["3.9", "2.3", "2.3", ""],
    "memory": ["400 MiB", "385 MiB", "0 MiB", ""],
}
"""By the key of a row, in the order of `PEERS`."""
