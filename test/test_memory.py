"""Memory does not grow with the file that is uploaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scripted_server import TOKEN

SIZE = 200 * 2**20
ALLOWED = 5 * 2**20

SINK = """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    for _ in range(2):
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline()) != b"\\r\\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            while length:
                length -= len(stream.read(min(length, 2**20)))
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
"""

UPLOAD = """
import sys, coactive
from coactive.apis import SimilaritySearchApi

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

host, token, small, large, kind = sys.argv[1:]
kinds = {"path": str, "file": lambda path: open(path, "rb"), "reader": lambda path: Reader(path)}

class Reader:
    def __init__(self, path):
        self.file = open(path, "rb")
    def read(self, size):
        return self.file.read(size)

api = SimilaritySearchApi(coactive.ApiClient(coactive.Configuration(host=host, access_token=token)))
api.get_similar_images("e", kinds[kind](small))
before = peak()
api.get_similar_images("e", kinds[kind](large))
print(peak() - before)
"""


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["path", "file", "reader"])
def test_an_upload_of_200_mib_takes_less_than_5_mib_of_memory(tmp_path: Path, kind: str) -> None:
    small, large = tmp_path / "small.jpg", tmp_path / "large.jpg"
    small.write_bytes(b"\xff\xd8\xff" + bytes(3_000_000))
    with large.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(SIZE)
    with subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout
        host = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        command = [sys.executable, "-c", UPLOAD, host, TOKEN, str(small), str(large), kind]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        sink.kill()
    assert done.stderr == ""
    assert int(done.stdout) < ALLOWED
