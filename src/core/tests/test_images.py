from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image
from pytest_django import Settings

from core.errors import TooLarge
from core.images import CleanImage, NotAnImage, clean_image, make_thumbnails

_SCRIPT = b"<?php system($_GET['c']); ?>"


def picture(kind: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size).save(target, kind, **options)
    return target.getvalue()


def clean(content: bytes) -> CleanImage:
    return clean_image(io.BytesIO(content))


def opened(image: CleanImage) -> Image.Image:
    return Image.open(io.BytesIO(image.content))


def png_of_size(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes = b"") -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND")


def webp_of_size(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


class TestCleanImage:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_keeps_format_and_size(self, kind: str) -> None:
        image = clean(picture(kind))

        assert (image.format, image.width, image.height) == (kind, 60, 40)
        assert opened(image).format == kind

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
    def test_takes_every_kind_of_png(self, mode: str) -> None:
        image = clean(picture("PNG", mode))

        assert opened(image).mode == ("RGBA" if mode in ("LA", "RGBA") else "RGB")

    def test_turns_a_picture_the_way_its_exif_says(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6

        image = clean(picture(exif=exif))

        assert (image.width, image.height) == (40, 60)

    def test_s36_drops_gps_exif_profiles_and_comments(self) -> None:
        exif = Image.Exif()
        exif[0x010F] = "SecretCamera"
        exif.get_ifd(0x8825)[1] = "N"

        image = clean(picture(exif=exif, comment=b"SecretComment", icc_profile=b"SecretProfile" * 20))

        assert b"Secret" not in image.content
        assert not opened(image).getexif()
        assert "icc_profile" not in opened(image).info

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_s36_leaves_nothing_of_a_polyglot(self, kind: str) -> None:
        image = clean(picture(kind) + _SCRIPT)

        assert b"<?php" not in image.content

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"GIF89a" + b"\0" * 40,
            b"%PDF-1.7",
            b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            b"PK\x03\x04" + b"\0" * 40,
            _SCRIPT,
            b"RIFF\0\0\0\0AVI ",
        ],
        ids=["nothing", "gif", "pdf", "svg", "zip", "php", "avi"],
    )
    def test_s36_a08_refuses_what_is_no_jpeg_png_or_webp_by_its_first_bytes(self, content: bytes) -> None:
        with pytest.raises(NotAnImage) as refusal:
            clean(content)

        assert refusal.value.facts["reason"] == "kind"

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_refuses_a_damaged_one(self, kind: str) -> None:
        content = picture(kind, size=(300, 300))

        with pytest.raises(NotAnImage) as refusal:
            clean(content[: len(content) // 2])

        assert refusal.value.facts["reason"] == "damaged"

    @pytest.mark.parametrize(
        "content",
        [png_of_size(50_000, 50_000), webp_of_size(16_384, 16_384), png_of_size(7_000, 7_000)],
        ids=["png flood", "webp flood", "just too large"],
    )
    def test_s36_refuses_a_pixel_flood_before_it_decodes(self, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))

        with pytest.raises(NotAnImage) as refusal:
            clean(content)

        assert refusal.value.facts["reason"] == "too_many_pixels"

    def test_s36_refuses_a_jpeg_of_endless_scans(self) -> None:
        with pytest.raises(NotAnImage):
            clean(picture() + b"\xff\xda" * 200)

    def test_refuses_too_many_bytes(self, settings: Settings) -> None:
        settings.UPLOAD_MAX_BYTES = 100

        with pytest.raises(TooLarge):
            clean(picture())

    def test_takes_the_first_frame_of_a_moving_picture(self) -> None:
        target = io.BytesIO()
        frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
        frames[0].save(target, "WEBP", save_all=True, append_images=frames[1:], lossless=True)

        image = opened(clean(target.getvalue()))

        assert getattr(image, "n_frames", 1) == 1
        assert image.convert("RGB").tobytes()[0] > 200


class TestMakeThumbnails:
    def test_makes_one_of_each_width_and_none_larger_than_the_picture(self) -> None:
        content = clean(picture(size=(600, 300))).content

        made = make_thumbnails(content, widths=(160, 480, 960))

        assert {width: (image.width, image.height) for width, image in made.items()} == {
            160: (160, 80),
            480: (480, 240),
            960: (600, 300),
        }
        assert {image.format for image in made.values()} == {"WEBP"}
