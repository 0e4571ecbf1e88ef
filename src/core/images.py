"""Pictures from strangers: proved to be one, decoded within limits, written anew. What else was in the file is gone.

Decoding takes up to seconds and much memory: never call this while a transaction is open.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from PIL import Image, ImageCms, ImageOps

from core.errors import Invalid, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER_BYTES = 30
# A progressive JPEG decodes once per scan; real ones have about ten.
_MAX_JPEG_SCANS = 100
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 88, "optimize": True, "progressive": True},
    "PNG": {"compress_level": 6},
    "WEBP": {"quality": 88, "method": 4},
}
_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_THUMBNAIL_OPTIONS = {"quality": 80, "method": 4}


class NotAnImage(Invalid):
    """The file is not a picture that is taken here; ``reason`` is ``kind``, ``damaged`` or ``too_many_pixels``."""

    code = "core.not_an_image"
    title = "This is not a JPEG, PNG or WebP image."
    example = {"reason": "damaged"}


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A picture that we encoded ourselves: pixels and nothing else. ``format`` is ``JPEG``, ``PNG`` or ``WEBP``."""

    content: bytes
    format: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        """How the file's name should end, without the dot."""
        return _EXTENSIONS[self.format]


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A clean picture in the media storage, under a name that nobody can guess."""

    name: str
    width: int
    height: int


def clean_image(file: IO[bytes]) -> CleanImage:
    """Return the picture in the file: upright, its first frame, in sRGB; without EXIF, GPS, profiles, appended bytes.

    :raises TooLarge: more than ``settings.UPLOAD_MAX_BYTES``
    :raises NotAnImage: by its first bytes no JPEG, PNG or WebP; damaged; or more than ``settings.UPLOAD_MAX_PIXELS``,
        which is found out before any pixel is decoded
    """
    file.seek(0)
    content = file.read(settings.UPLOAD_MAX_BYTES + 1)
    if len(content) > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(max_bytes=settings.UPLOAD_MAX_BYTES)
    kind = _kind_of(content)
    picture = _decode(content, kind)
    return _encode(picture, kind, _OPTIONS[kind])


def make_thumbnails(content: bytes, *, widths: Iterable[int]) -> dict[int, CleanImage]:
    """Return WebP thumbnails of what ``clean_image`` made, width -> thumbnail; none is larger than the picture.

    :raises NotAnImage: the picture was damaged since
    """
    picture = _decode(content, _kind_of(content))
    made = {}
    for width in sorted(widths, reverse=True):
        if width < picture.width:
            height = max(1, round(picture.height * width / picture.width))
            picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        made[width] = _encode(picture, "WEBP", _THUMBNAIL_OPTIONS)
    return made


def _kind_of(content: bytes) -> str:
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    raise NotAnImage(reason="kind")


def _decode(content: bytes, kind: str) -> Image.Image:
    try:
        if kind == "WEBP":
            # Pillow makes room for a WebP's canvas when it opens it, so that its size is looked up before.
            _check_size(*_webp_size(content))
        if kind == "JPEG":
            _check_scans(content)
        with Image.open(io.BytesIO(content), formats=[kind]) as opened:
            _check_size(*opened.size)
            opened.verify()
        with Image.open(io.BytesIO(content), formats=[kind]) as opened:
            opened.load()
            return _plain(opened)
    except NotAnImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:
        # Decoders raise whatever hostile bytes lead them to.
        raise NotAnImage("The image is damaged.", reason="damaged") from error


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise NotAnImage("The image is empty.", reason="damaged")
    if width * height > settings.UPLOAD_MAX_PIXELS:
        raise _too_many_pixels()


def _check_scans(content: bytes) -> None:
    if content.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise NotAnImage("The image has too many scans.", reason="damaged")


def _too_many_pixels() -> NotAnImage:
    limit = settings.UPLOAD_MAX_PIXELS
    return NotAnImage(f"The image has more than {limit} pixels.", reason="too_many_pixels", max_pixels=limit)


def _webp_size(content: bytes) -> tuple[int, int]:
    """Read the canvas size from the header (RFC 9649, sections 2.5 to 2.7)."""
    head = content[:_HEADER_BYTES]
    if len(head) < _HEADER_BYTES:
        raise NotAnImage("The image is damaged.", reason="damaged")
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    raise NotAnImage("The image is damaged.", reason="damaged")


def _plain(opened: Image.Image) -> Image.Image:
    """Return the pixels as sRGB, with alpha only where there is any, turned as EXIF says, with nothing attached."""
    upright = ImageOps.exif_transpose(opened)
    if upright.mode in ("I", "I;16", "I;16B", "I;16L"):
        upright = upright.point(lambda level: level / 257.0).convert("L")
    see_through = "A" in upright.getbands() or "transparency" in upright.info
    picture = _in_srgb(upright).convert("RGBA" if see_through else "RGB")
    picture.info.clear()
    return picture


def _in_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "CMYK"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        turned = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return turned or picture


def _encode(picture: Image.Image, kind: str, options: dict[str, Any]) -> CleanImage:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return CleanImage(target.getvalue(), kind, picture.width, picture.height)
