from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from PIL import Image

from coactive.local import Service, running
from coactive.local.columns import columns_of, shared_column

from .conftest import TEXT, TOKEN, Caller, png

FILES = [
    ("/", "text/html; charset=utf-8"),
    ("/favicon.ico", "image/svg+xml"),
    ("/page/page.css", "text/css; charset=utf-8"),
    ("/page/page.js", "text/javascript; charset=utf-8"),
    ("/page/icon.svg", "image/svg+xml"),
]


def get(caller: Caller, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return caller.pool.request("GET", f"{caller.service.host}{path}", headers=headers)


@pytest.mark.parametrize(("path", "media_type"), FILES)
def test_the_page_and_its_files_come_without_a_token_with_their_media_types(
    caller: Caller, path: str, media_type: str
) -> None:
    answer = get(caller, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, media_type)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-cache"
    head = caller.pool.request("HEAD", f"{caller.service.host}{path}")
    assert (head.status, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.data))


def test_the_page_lets_choose_every_limit_that_the_service_takes_and_no_other(caller: Caller) -> None:
    field = re.search(r'<input id="limit"[^>]* min="(\d+)" max="(\d+)"', get(caller, "/").data.decode())
    assert field
    least, most = int(field[1]), int(field[2])
    statuses = [
        caller.get(TEXT, {"query": "mug", "limit": str(limit)}).status for limit in (least - 1, least, most, most + 1)
    ]
    assert statuses == [422, 200, 200, 422]


def test_the_page_may_take_nothing_from_elsewhere_and_no_script_or_style_of_its_text(caller: Caller) -> None:
    policy = dict(part.split(" ", 1) for part in get(caller, "/").headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_a_browser_that_has_a_file_is_told_so(caller: Caller) -> None:
    tag = get(caller, "/page/page.js").headers["ETag"]
    again = get(caller, "/page/page.js", **{"If-None-Match": tag})
    assert (again.status, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert get(caller, "/page/page.css", **{"If-None-Match": tag}).status == 200


def test_every_file_that_the_page_names_is_there(caller: Caller) -> None:
    texts = [get(caller, "/").data.decode()]
    seen = set()
    while texts:
        text = texts.pop()
        for name in re.findall(r'(?:"page/|from "\./)([\w.]+)"', text):
            if name not in seen:
                seen.add(name)
                answer = get(caller, f"/page/{name}")
                assert answer.status == 200, name
                texts.append(answer.data.decode())
    assert {"page.css", "page.js", "icon.svg", "results.js"} <= seen


@pytest.mark.parametrize("name", ["none.js", "..%2Fapp.py", "%2e%2e/app.py", "__init__.py", "static", ""])
def test_no_other_file_is_served(caller: Caller, name: str) -> None:
    assert get(caller, f"/page/{name}").status == 404


def test_what_there_is_to_search_is_told_to_whoever_has_the_token(caller: Caller) -> None:
    assert get(caller, "/api/local/catalogue").status == 403
    assert get(caller, "/api/local/catalogue", Authorization="Bearer other").status == 401
    answer = get(caller, "/api/local/catalogue", Authorization=TOKEN)
    about = answer.json()
    examples = about.pop("examples")
    assert about == {
        "embedding_id": caller.service.embedding_id,
        "images": 300,
        "columns": ["sku", "product", "colour", "pattern", "material", "price", "caption"],
        "group_by": "sku",
    }
    assert len({image["metadata"]["product"] for image in examples}) == len(examples) == 12
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_pages_own_endpoints_are_not_in_the_contract(caller: Caller) -> None:
    assert all("/similarity-search/" in path for path in get(caller, "/openapi.json").json()["paths"])


def test_the_public_token_is_told_and_a_secret_never(caller: Caller, folder: Path) -> None:
    assert get(caller, "/page/access.json").json() == {"access_token": "local:stand-in"}
    with running(folder, client_id="me", client_secret="s3cret") as service, urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{service.host}/page/access.json").json() == {"access_token": None}
        for path, _ in FILES:
            assert b"s3cret" not in pool.request("GET", service.host + path).data


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Service]:
    """Three images, each of a name of its own, all in one shop, and two of one shape."""
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(png(Image.new("RGB", (20, 20), "red")))
    rows = [
        {"file": f"{name}.png", "": "x", "name": name, "shop": "S", "shape": shape}
        for name, shape in (("a", [1]), ("b", [2]), ("c", [1]))
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with running(tmp_path, metadata=tmp_path / "rows.jsonl") as service:
        yield service


def test_the_key_to_group_by_is_the_first_that_makes_groups_of_several_images(served: Service, folder: Path) -> None:
    assert columns_of(served.catalog) == ["name", "shop", "shape"]
    assert shared_column(served.catalog) == "shape"
    with running(folder, metadata=folder.parent / "rows.jsonl") as unshared:
        assert shared_column(unshared.catalog) == "sku"
    with running(folder) as bare:
        assert shared_column(bare.catalog) is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_path_that_is_no_utf_8_is_told_too(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).write_bytes(png(Image.new("RGB", (20, 20))))
    with running(tmp_path) as service, urllib3.PoolManager() as pool:
        answer = pool.request("GET", f"{service.host}/api/local/catalogue", headers={"Authorization": TOKEN})
        assert answer.json()["examples"][0]["path"] == "\udcff.png"
