"""A transparent sheet to draw on, four times as large as the finished picture so that edges come out smooth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, cos, floor, radians, sin
from random import Random

from PIL import Image, ImageChops, ImageDraw

from pictures.outlines import Outline, Point, ellipse
from pictures.palette import RGB, light, shade

SIZE = 800
OVERSAMPLING = 4
GROUND = 160
"""Height of the origin above the lower edge of the picture."""


@dataclass(frozen=True)
class Paint:
    """A colour that changes along a direction: `across`, `down` or `slant` (from the upper left)."""

    stops: tuple[tuple[float, RGB], ...]
    direction: str = "across"


def flat(colour: RGB) -> Paint:
    """Return paint of one colour."""
    return Paint(((0, colour), (1, colour)))


def rounded(colour: RGB, depth: float = 1) -> Paint:
    """Return paint for a round body, lit from the left."""
    edge, dark, glow = shade(colour, 0.12 * depth), shade(colour, 0.34 * depth), light(colour, 0.3 * depth)
    return Paint(((0, edge), (0.22, glow), (0.48, colour), (0.82, shade(colour, 0.17 * depth)), (1, dark)))


def lit(colour: RGB, depth: float = 1) -> Paint:
    """Return paint for a level face, lit from the upper left."""
    return Paint(((0, light(colour, 0.22 * depth)), (0.5, colour), (1, shade(colour, 0.16 * depth))), "slant")


def fading(top: RGB, bottom: RGB) -> Paint:
    """Return paint that changes from the top to the bottom."""
    return Paint(((0, top), (1, bottom)), "down")


Matrix = tuple[float, float, float, float, float, float]


class Sheet:
    """Where an object is drawn. The origin is the middle of the ground; x to the right, y upwards."""

    def __init__(self, zoom: float = 1, at: Point = (0, 0)) -> None:
        """:param zoom: how close we stand; `at` is what then lies at the origin"""
        pixels = SIZE * OVERSAMPLING
        self.image = Image.new("RGBA", (pixels, pixels), (0, 0, 0, 0))
        scale = OVERSAMPLING * zoom
        middle, ground = pixels / 2, pixels - GROUND * OVERSAMPLING
        self._matrix: Matrix = (scale, 0, middle - at[0] * scale, 0, -scale, ground + at[1] * scale)
        self._clip: Image.Image | None = None

    def fill(self, outline: Sequence[Point], paint: Paint | RGB, opacity: float = 1) -> None:
        """Fill an outline."""
        points = self._pixels(outline)
        frame = self._frame(points, 2)
        if frame is None:
            return
        mask = Image.new("L", (frame[2] - frame[0], frame[3] - frame[1]), 0)
        corners = [(x - frame[0], y - frame[1]) for x, y in points]
        ImageDraw.Draw(mask).polygon(corners, fill=round(255 * opacity))
        whole = (floor(min(x for x, _ in points)), floor(min(y for _, y in points)))
        extent = (ceil(max(x for x, _ in points)), ceil(max(y for _, y in points)))
        self._lay(mask, frame, paint, (*whole, *extent))

    def line(self, points: Sequence[Point], width: float, paint: Paint | RGB, opacity: float = 1) -> None:
        """Draw a line with round ends; a closed line repeats its first point."""
        track = self._pixels(points)
        thick = width * self._zoom
        frame = self._frame(track, thick)
        if frame is None:
            return
        mask = Image.new("L", (frame[2] - frame[0], frame[3] - frame[1]), 0)
        draw = ImageDraw.Draw(mask)
        track = [(x - frame[0], y - frame[1]) for x, y in track]
        tone = round(255 * opacity)
        draw.line(track, fill=tone, width=max(1, round(thick)), joint="curve")
        for x, y in (track[0], track[-1]):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=tone)
        self._lay(mask, frame, paint, frame)

    def speckle(self, outline: Outline, colour: RGB, count: int, seed: int, size: float = 2.2) -> None:
        """Sprinkle small dots inside an outline, the same ones each time."""
        dice = Random(seed)  # noqa: S311 (dots, not secrets)
        xs, ys = [x for x, _ in outline], [y for _, y in outline]
        with self.within(outline):
            for _ in range(count):
                spot = (dice.uniform(min(xs), max(xs)), dice.uniform(min(ys), max(ys)))
                self.fill(ellipse(*spot, size * dice.uniform(0.4, 1.2)), colour, dice.uniform(0.4, 0.9))

    @contextmanager
    def within(self, outline: Sequence[Point]) -> Iterator[None]:
        """Draw only inside the outline."""
        before = self._clip
        mask = Image.new("L", self.image.size, 0)
        ImageDraw.Draw(mask).polygon(self._pixels(outline), fill=255)
        self._clip = mask if before is None else ImageChops.multiply(mask, before)
        try:
            yield
        finally:
            self._clip = before

    @contextmanager
    def placed(
        self, x: float = 0, y: float = 0, zoom: float = 1, turn: float = 0, mirror: bool = False
    ) -> Iterator[None]:
        """Draw as if (x, y) were the origin, larger by `zoom` and turned counter-clockwise by `turn` degrees."""
        before = self._matrix
        a, b, c, d, e, f = before
        flip = -1 if mirror else 1
        p, q = zoom * cos(radians(turn)), zoom * sin(radians(turn))
        self._matrix = (
            (a * p + b * q) * flip,
            b * p - a * q,
            a * x + b * y + c,
            (d * p + e * q) * flip,
            e * p - d * q,
            d * x + e * y + f,
        )
        try:
            yield
        finally:
            self._matrix = before

    @property
    def _zoom(self) -> float:
        a, b, _, d, e, _ = self._matrix
        return float(abs(a * e - b * d) ** 0.5)

    def _pixels(self, points: Sequence[Point]) -> Outline:
        a, b, c, d, e, f = self._matrix
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in points]

    def _frame(self, points: Sequence[Point], margin: float) -> tuple[int, int, int, int] | None:
        """Return the part of the sheet that the points cover, or `None` if they lie outside."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        left, top = max(0, floor(min(xs) - margin)), max(0, floor(min(ys) - margin))
        right = min(self.image.width, ceil(max(xs) + margin))
        bottom = min(self.image.height, ceil(max(ys) + margin))
        return (left, top, right, bottom) if right > left and bottom > top else None

    def _lay(
        self,
        mask: Image.Image,
        frame: tuple[int, int, int, int],
        paint: Paint | RGB,
        extent: tuple[int, int, int, int],
    ) -> None:
        if self._clip is not None:
            mask = ImageChops.multiply(mask, self._clip.crop(frame))
        colours = _gradient(paint, frame, extent) if isinstance(paint, Paint) else Image.new("RGB", mask.size, paint)
        colours.putalpha(mask)
        self.image.alpha_composite(colours, dest=frame[:2])


def _gradient(paint: Paint, frame: tuple[int, int, int, int], extent: tuple[int, int, int, int]) -> Image.Image:
    """Return the part of a paint that falls into `frame` when it is spread over `extent`."""
    down = Image.linear_gradient("L")
    across = down.transpose(Image.Transpose.ROTATE_90)
    ramp = {"down": down, "across": across, "slant": Image.blend(down, across, 0.5)}[paint.direction]
    wide, high = max(1, extent[2] - extent[0]), max(1, extent[3] - extent[1])
    inner = (
        max(0.0, (frame[0] - extent[0]) / wide * 256),
        max(0.0, (frame[1] - extent[1]) / high * 256),
        min(256.0, (frame[2] - extent[0]) / wide * 256),
        min(256.0, (frame[3] - extent[1]) / high * 256),
    )
    ramp = ramp.resize((frame[2] - frame[0], frame[3] - frame[1]), Image.Resampling.BILINEAR, box=inner)
    tables = [[_stop(paint, level / 255, channel) for level in range(256)] for channel in range(3)]
    return Image.merge("RGB", [ramp.point(table) for table in tables])


def _stop(paint: Paint, at: float, channel: int) -> int:
    before, after = paint.stops[0], paint.stops[-1]
    for one, two in zip(paint.stops, paint.stops[1:], strict=False):
        if one[0] <= at <= two[0]:
            before, after = one, two
            break
    share = (at - before[0]) / ((after[0] - before[0]) or 1)
    return round(before[1][channel] + (after[1][channel] - before[1][channel]) * share)
