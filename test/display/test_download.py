"""`show(fetch=True)`: what is fetched, from where, and what is shown of what cannot be had."""

from __future__ import annotations

import io
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme
from html_page import Page
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output
from PIL import Image
from scripted_server import Reply, ScriptedServer, scripted_server, unused_port

from coactive.notebook import gallery


def _shown(answer: Any, **how: Any) -> tuple[Page, CapturedIO]:
    with capture_output() as captured:
        gallery(answer).show(**how)
    (output,) = captured.outputs
    assert output.data["text/plain"] == str(gallery(answer))
    return Page(output.data["text/html"]), captured


@pytest.mark.usefixtures("shell")
def test_show_displays_pictures_in_a_notebook_and_fetches_none(server: ScriptedServer) -> None:
    page, captured = _shown([{"url": f"{server.host}/a.jpg"}])
    assert page.all("img", "src") == [f"{server.host}/a.jpg"]
    assert (server.seen, captured.stdout, captured.stderr) == ([], "", "")


@pytest.mark.usefixtures("shell")
def test_show_with_fetch_embeds_small_pictures_got_without_the_token(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COACTIVE_ACCESS_TOKEN", "an-id:a-secret")
    photo = io.BytesIO()
    Image.new("RGB", (900, 600)).save(photo, "JPEG")
    server.reply(Reply(body=photo.getvalue(), content_type="image/jpeg"))
    embedded = "data:image/gif;base64,AAAA"
    page, captured = _shown([*({"url": f"{server.host}/a.jpg"} for _ in range(3)), {"url": embedded}], fetch=True)
    assert page.picture().size == (264, 176)
    assert page.all("img", "src")[3] == embedded
    assert page.all("a", "href") == [f"{server.host}/a.jpg"] * 3
    assert [seen.target for seen in server.seen] == ["/a.jpg"]
    assert server.seen[0].headers["Authorization"] is None
    assert server.seen[0].headers["User-Agent"].startswith("coactive-python/")
    assert captured.stderr == ""


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(body=b"no image"),
        Reply(raw=b""),
        Reply(302),
        Reply(302, headers={"Location": "file:///etc/hostname"}),
        Reply(302, headers={"Location": "/around"}),
        Reply(302, headers={"Location": "http://["}),
        Reply(body=bytes(17 * 2**20)),
    ],
)
def test_a_picture_that_cannot_be_had_is_shown_by_what_is_known_of_it(server: ScriptedServer, reply: Reply) -> None:
    server.reply(reply)
    page, _ = _shown([{"path": "a/b.jpg", "url": f"{server.host}/b.jpg"}], fetch=True)
    assert page.all("img", "src") == []
    assert page.all("details", "open") == [""]
    assert len(server.seen) <= 4


@pytest.mark.usefixtures("shell")
def test_addresses_that_nobody_answers_at_are_no_error() -> None:
    urls = [f"http://127.0.0.1:{unused_port()}/a.jpg", "http://[", "http://", "https://\udcff/"]
    page, _ = _shown([{"path": "b.jpg", "url": url} for url in urls], fetch=True)
    assert page.all("img", "src") == []


@pytest.mark.usefixtures("shell")
def test_a_redirect_on_the_web_is_followed(server: ScriptedServer, png: bytes) -> None:
    server.reply(Reply(302, headers={"Location": "/b.png"}), Reply(body=png))
    page, _ = _shown([{"url": f"{server.host}/a.png"}], fetch=True)
    assert page.picture().size == (24, 16)
    assert [seen.target for seen in server.seen] == ["/a.png", "/b.png"]


@pytest.mark.usefixtures("shell")
def test_a_redirect_from_https_to_http_is_not_followed(
    server: ScriptedServer, png: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply(Reply(body=png))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with scripted_server(context) as secure:
        secure.reply(Reply(302, headers={"Location": f"{server.host}/b.png"}), Reply(body=png))
        page, _ = _shown([{"url": f"https://127.0.0.1:{secure.port}/{name}.png"} for name in "ab"], fetch=True)
    assert len(page.all("img", "src")) == 1
    assert (len(secure.seen), server.seen) == (2, [])


@pytest.mark.usefixtures("shell")
def test_fetching_without_pillow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match=r"^show\(fetch=True\) .*: pip install pillow$"):
        gallery([]).show(fetch=True)


def _slowly(server: ScriptedServer, png: bytes) -> threading.Timer:
    """Let the server answer after a second."""
    hold = threading.Event()
    server.reply(Reply(body=png, hold=hold))
    timer = threading.Timer(1, hold.set)
    timer.start()
    return timer


@pytest.mark.parametrize("missing", [None, "tqdm"])
def test_a_notebook_shows_a_progress_bar_where_tqdm_is_installed(
    shell: InteractiveShell, server: ScriptedServer, png: bytes, monkeypatch: pytest.MonkeyPatch, missing: str | None
) -> None:
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    timer = _slowly(server, png)
    _, captured = _shown([{"url": f"{server.host}/{name}"} for name in "ab"], fetch=True)
    timer.join()
    assert ("Fetching images: 100%" in captured.stderr) is (missing is None)
