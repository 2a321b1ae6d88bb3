"""A stand-in for the service that runs anywhere: its four searches over a folder of your own images.

    with coactive.local.running("photos", metadata="photos.csv") as service:
        with coactive.ApiClient(service.configuration) as api_client:
            api = coactive.apis.SimilaritySearchApi(api_client)
            api.get_similar_images(service.embedding_id, "a.jpg")

On the command line: `python -m coactive.local demo` and `python -m coactive.local serve FOLDER`.
It needs libraries that the client does not: fastapi, uvicorn, python-multipart, pillow, numpy, scikit-learn and
tqdm.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coactive.local.service import Service as Service
    from coactive.local.service import running as running

__all__ = ["Service", "running"]

_LIBRARIES = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "python_multipart": "python-multipart",
    "PIL": "pillow",
    "numpy": "numpy",
    "sklearn": "scikit-learn",
    "tqdm": "tqdm",
}


def require_libraries() -> None:
    """Raise a ModuleNotFoundError that names what is missing, and how to install it for this Python."""
    missing = [package for module, package in _LIBRARIES.items() if find_spec(module) is None]
    if missing:
        *others, last = missing
        needed = f"{', '.join(others)} and {last}" if others else last
        python = f'"{sys.executable}"' if " " in sys.executable else sys.executable or "python"
        raise ModuleNotFoundError(f"coactive.local needs {needed}: {python} -m pip install {' '.join(missing)}")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_libraries()
    return getattr(import_module("coactive.local.service"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
