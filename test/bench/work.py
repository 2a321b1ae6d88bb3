"""What is searched for."""

from __future__ import annotations

import os
from pathlib import Path

EMBEDDING_ID = "b78a6e5f-5434-46c4-9e4f-ded092147584"
TOKEN = "an-id:a-secret"
PHRASE = "a red mug"
GROUP_BY = "sku"

MIB = 2**20


def write_image(path: Path, mebibytes: int) -> Path:
    """A file of that size, without holes, that begins as a JPEG does."""
    with path.open("wb") as file:
        file.write(b"\xff\xd8\xff" + os.urandom(MIB - 3))
        for _ in range(mebibytes - 1):
            file.write(os.urandom(MIB))
    return path
