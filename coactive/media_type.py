"""What kind of image it is, told from its first bytes."""

import mimetypes

FIRST_BYTES = 32
"""How much of a file `of` wants to see."""

UNKNOWN = "application/octet-stream"

_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
)
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic-sequence",
    b"hevx": "image/heic-sequence",
    b"mif1": "image/heif",
    b"msf1": "image/heif-sequence",
}
_EXTENSIONS = {"image/jpeg": ".jpg", "image/heic-sequence": ".heic", "image/heif-sequence": ".heif"}


def of(first_bytes: bytes, filename: str | None) -> str:
    """The media type of a file, from its first bytes, else from its name, else `application/octet-stream`."""
    for start, media_type in _STARTS:
        if first_bytes.startswith(start):
            return media_type
    if first_bytes[:4] == b"RIFF" and first_bytes[8:12] == b"WEBP":
        return "image/webp"
    if first_bytes[4:8] == b"ftyp" and first_bytes[8:12] in _BRANDS:
        return _BRANDS[first_bytes[8:12]]
    return mimetypes.guess_type(filename)[0] or UNKNOWN if filename else UNKNOWN


def extension(media_type: str) -> str:
    """The usual ending of a file of that media type, with its dot; empty where it is no image."""
    kind, _, name = media_type.partition("/")
    return _EXTENSIONS.get(media_type, f".{name}") if kind == "image" else ""
