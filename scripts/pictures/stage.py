"""The studio: a backdrop, an object with its shadow, and the light on both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from pictures.outlines import Point
from pictures.palette import RGB, light, mix, shade
from pictures.sheet import GROUND, OVERSAMPLING, SIZE, Sheet

Drawing = Callable[[Sheet], None]
SHADOW: RGB = (62, 40, 58)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture: what stands where, in front of what.

    :param pose: `stands` on the floor, `lies` flat under the camera, or `hangs` on the wall
    :param motif: what is painted on the backdrop: `arch`, `sun`, `window` or `plain`
    """

    file: str
    draw: Drawing
    tint: RGB
    pose: str = "stands"
    motif: str = "plain"
    zoom: float = 1
    at: Point = (0, 0)


def take(shot: Shot) -> Image.Image:
    """Return the finished picture."""
    sheet = Sheet(shot.zoom, shot.at)
    shot.draw(sheet)
    thing = _in_light(sheet.image.reduce(OVERSAMPLING))
    picture = _table(shot.tint) if shot.pose == "lies" else _backdrop(shot.tint, shot.motif, shot.pose == "stands")
    alpha = thing.getchannel("A")
    if shot.pose == "stands":
        _darken(picture, _cast_on_floor(alpha), 0.30)
        _darken(picture, _contact(alpha), 0.42)
    elif shot.pose == "lies":
        _darken(picture, _dropped(alpha, 14, 18, 16), 0.24)
        _darken(picture, _dropped(alpha, 3, 5, 4), 0.28)
    else:
        _darken(picture, _dropped(alpha, 34, 46, 24), 0.20)
        _darken(picture, _dropped(alpha, 8, 12, 7), 0.18)
    picture.paste(thing, (0, 0), thing)
    return picture


def grained(picture: Image.Image) -> Image.Image:
    """Add the faintest grain, so that the slow gradients do not show as bands. The same grain each time."""
    noise = Random(1).randbytes(SIZE * SIZE)  # noqa: S311 (grain, not secrets)
    grain = Image.frombytes("L", picture.size, noise)
    soft = grain.point([round((level - 128) * 3 / 128) + 128 for level in range(256)])
    return ImageChops.add(picture, Image.merge("RGB", [soft] * 3), offset=-128)


def _backdrop(tint: RGB, motif: str, floor: bool) -> Image.Image:
    """Return a wall, lighter where the window is, and a floor that meets it in a soft line."""
    wall = _glow(light(tint, 0.32), shade(tint, 0.04), (0.3, 0.24))
    _MOTIFS[motif](wall, tint)
    if floor:
        near = _slope(light(tint, 0.10), shade(tint, 0.10))
        wall.paste(near, (0, 0), _floor_mask())
    return wall


def _table(tint: RGB) -> Image.Image:
    return _glow(light(tint, 0.30), shade(tint, 0.07), (0.28, 0.22))


def _glow(near: RGB, far: RGB, centre: Point) -> Image.Image:
    """Return a colour that fades from `near` at the centre (shares of the size) to `far`."""
    ramp = Image.radial_gradient("L").resize((SIZE * 2, SIZE * 2), Image.Resampling.BICUBIC)
    left, top = round(SIZE * (1 - centre[0])), round(SIZE * (1 - centre[1]))
    ramp = ramp.crop((left, top, left + SIZE, top + SIZE))
    return _coloured(ramp, near, far)


def _slope(top: RGB, bottom: RGB) -> Image.Image:
    ramp = Image.new("L", (SIZE, SIZE), 0)
    high = GROUND + 70
    ramp.paste(Image.linear_gradient("L").resize((SIZE, high)), (0, SIZE - high))
    return _coloured(ramp, top, bottom)


def _coloured(ramp: Image.Image, dark: RGB, bright: RGB) -> Image.Image:
    tables = [[round(a + (b - a) * level / 255) for level in range(256)] for a, b in zip(dark, bright, strict=True)]
    return Image.merge("RGB", [ramp.point(table) for table in tables])


def _floor_mask() -> Image.Image:
    mask = Image.new("L", (SIZE, SIZE), 0)
    ImageDraw.Draw(mask).rectangle((0, SIZE - GROUND - 62, SIZE, SIZE), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(1.2))


def _painted(wall: Image.Image, colour: RGB, opacity: float, *shapes: tuple[str, tuple[int, int, int, int]]) -> None:
    """Paint plain shapes on the wall, with smooth edges."""
    big = SIZE * 2
    mask = Image.new("L", (big, big), 0)
    draw = ImageDraw.Draw(mask)
    for kind, (left, top, right, bottom) in shapes:
        frame = (left * 2, top * 2, right * 2, bottom * 2)
        (draw.ellipse if kind == "ellipse" else draw.rectangle)(frame, fill=round(255 * opacity))
    wall.paste(Image.new("RGB", wall.size, colour), (0, 0), mask.reduce(2))


def _plain(_wall: Image.Image, _tint: RGB) -> None:
    """Leave the wall as it is."""


def _arch(wall: Image.Image, tint: RGB) -> None:
    inner = light(tint, 0.55)
    _painted(wall, inner, 0.75, ("ellipse", (150, 90, 650, 590)), ("rectangle", (150, 340, 650, 640)))


def _sun(wall: Image.Image, tint: RGB) -> None:
    _painted(wall, mix(light(tint, 0.5), (250, 214, 160), 0.25), 0.8, ("ellipse", (160, 92, 640, 572)))


def _window(wall: Image.Image, tint: RGB) -> None:
    """Throw the light of a window with four panes on the wall, slanting."""
    mask = Image.new("L", (SIZE, SIZE), 0)
    draw = ImageDraw.Draw(mask)
    for column in (0, 1):
        for row in (0, 1):
            x, y = 180 + column * 220, 40 + row * 250 + column * 70
            draw.polygon([(x, y), (x + 196, y + 62), (x + 196, y + 288), (x, y + 226)], fill=150)
    glow = mask.filter(ImageFilter.GaussianBlur(5))
    wall.paste(Image.new("RGB", wall.size, light(tint, 0.75)), (0, 0), glow)


_MOTIFS: dict[str, Callable[[Image.Image, RGB], None]] = {
    "plain": _plain,
    "arch": _arch,
    "sun": _sun,
    "window": _window,
}


def _in_light(thing: Image.Image) -> Image.Image:
    """Let an object grow a little darker towards its foot, as things do in a room."""
    alpha = thing.getchannel("A")
    dark = ImageEnhance.Brightness(thing.convert("RGB")).enhance(0.86)
    bright = thing.convert("RGB")
    ramp = Image.linear_gradient("L").resize((SIZE, SIZE)).point([max(0, (v - 90)) for v in range(256)])
    bright.paste(dark, (0, 0), ramp)
    bright.putalpha(alpha)
    return bright


def _darken(picture: Image.Image, mask: Image.Image, strength: float) -> None:
    picture.paste(Image.new("RGB", picture.size, SHADOW), (0, 0), mask.point([round(v * strength) for v in range(256)]))


def _cast_on_floor(alpha: Image.Image) -> Image.Image:
    """Return the shadow of a standing object: its shape, laid down to the right and away from us."""
    ground = SIZE - GROUND
    flatness, lean = 0.15, 0.62
    matrix = (1, lean / flatness, -ground * lean / flatness, 0, 1 / flatness, ground - ground / flatness)
    laid = alpha.transform(alpha.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    fade = Image.new("L", alpha.size, 0)
    reach = 96
    fade.paste(Image.linear_gradient("L").resize((SIZE, reach)), (0, ground - reach))
    ImageDraw.Draw(fade).rectangle((0, ground, SIZE, SIZE), fill=255)
    return ImageChops.multiply(laid, fade).filter(ImageFilter.GaussianBlur(9))


def _contact(alpha: Image.Image) -> Image.Image:
    """Return the dark line where an object touches the floor."""
    ground = SIZE - GROUND
    foot = Image.new("L", alpha.size, 0)
    band = alpha.crop((0, ground - 16, SIZE, SIZE))
    foot.paste(band, (5, ground - 16 + 7))
    return foot.filter(ImageFilter.GaussianBlur(7))


def _dropped(alpha: Image.Image, right: int, down: int, blur: float) -> Image.Image:
    shifted = Image.new("L", alpha.size, 0)
    shifted.paste(alpha, (right, down))
    return shifted.filter(ImageFilter.GaussianBlur(blur))
