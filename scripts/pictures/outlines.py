"""Outlines as lists of points; x to the right, y upwards, in pixels of the finished picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, dist, pi, radians, sin

Point = tuple[float, float]
Outline = list[Point]

TILT = 0.17
"""Height of a circle seen from our slightly raised eye, as a share of its width."""


def knots(text: str) -> Outline:
    """Return the points of "x,y x,y …", which reads better than long lists of pairs."""
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float, steps: int = 60) -> Outline:
    """Return points on an ellipse from angle `start` to `end`, in degrees, counter-clockwise from the right."""
    angles = [radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(x + rx * cos(angle), y + ry * sin(angle)) for angle in angles]


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Outline:
    """Return an ellipse around (x, y); without `ry`, a circle."""
    return arc(x, y, rx, rx if ry is None else ry, 0, 360, 120)[:-1]


def disc(x: float, y: float, r: float) -> Outline:
    """Return a horizontal circle as our raised eye sees it."""
    return ellipse(x, y, r, r * TILT)


def box(left: float, bottom: float, right: float, top: float, corner: float = 0) -> Outline:
    """Return a rectangle with rounded corners."""
    r = min(corner, (right - left) / 2, (top - bottom) / 2)
    if r <= 0:
        return [(left, bottom), (right, bottom), (right, top), (left, top)]
    return (
        arc(right - r, top - r, r, r, 0, 90, 16)
        + arc(left + r, top - r, r, r, 90, 180, 16)
        + arc(left + r, bottom + r, r, r, 180, 270, 16)
        + arc(right - r, bottom + r, r, r, 270, 360, 16)
    )


def smooth(knots: Sequence[Point], closed: bool = False, steps: int = 14) -> Outline:
    """Return a curve through the knots (centripetal Catmull-Rom); a knot given twice is a corner."""
    count = len(knots)
    curve: Outline = []
    for span in range(count if closed else count - 1):
        around = range(span - 1, span + 3)
        before, start, end, after = (knots[i % count] if closed else knots[min(max(i, 0), count - 1)] for i in around)
        if start != end:
            curve += _span(before, start, end, after, steps)
    return curve if closed else [*curve, knots[-1]]


def _span(before: Point, start: Point, end: Point, after: Point, steps: int) -> Outline:
    leaving, arriving = _slope(before, start, end, dist(start, end)), _slope(start, end, after, dist(start, end))
    curve: Outline = []
    for step in range(steps):
        t = step / steps
        weights = (1 - 3 * t**2 + 2 * t**3, 3 * t**2 - 2 * t**3, t - 2 * t**2 + t**3, t**3 - t**2)
        across, up = (
            [w * p[axis] for w, p in zip(weights, (start, end, leaving, arriving), strict=True)] for axis in (0, 1)
        )
        curve.append((sum(across), sum(up)))
    return curve


def _slope(before: Point, at: Point, after: Point, length: float) -> Point:
    """Return the direction of the curve at a knot, as long as befits a span of this length."""
    here, there, pace = dist(before, at) ** 0.5, dist(at, after) ** 0.5, length**0.5
    if not here or not there:
        other = after if there else before
        sign = 1 if there else -1
        return (sign * (other[0] - at[0]), sign * (other[1] - at[1]))
    dx, dy = (
        pace * ((q - p) / here - (r - p) / (here + there) + (r - q) / there)
        for p, q, r in zip(before, at, after, strict=True)
    )
    return (dx, dy)


def turning(profile: Sequence[tuple[float, float]], rounded: bool = True, x: float = 0) -> Outline:
    """Return the outline of something turned on a wheel or lathe.

    :param profile: (height, radius) from the foot to the rim; a pair given twice is a corner
    """
    side = [(r, y) for y, r in profile]
    right = smooth(side) if rounded else side
    foot, rim = right[0], right[-1]
    left = [(-r, y) for r, y in right]
    front = arc(0, foot[1], foot[0], foot[0] * TILT, 180, 360)
    back = arc(0, rim[1], rim[0], rim[0] * TILT, 0, 180)
    return moved(right + back + left[::-1] + front, x)


def leaf(x: float, y: float, length: float, width: float, angle: float) -> Outline:
    """Return a pointed leaf that grows from (x, y); `angle` in degrees from upright, to the right."""
    knots = [(0.0, 0.0), (0.0, 0.0), (width * 0.42, length * 0.3), (width * 0.4, length * 0.62), (0.0, length)]
    half = smooth([*knots, (0.0, length)])
    return moved(turned(half + [(-px, py) for px, py in half[::-1]], -angle), x, y)


def moved(outline: Sequence[Point], x: float = 0, y: float = 0) -> Outline:
    """Return the outline shifted."""
    return [(px + x, py + y) for px, py in outline]


def turned(outline: Sequence[Point], degrees: float) -> Outline:
    """Return the outline turned counter-clockwise around the origin."""
    c, s = cos(degrees * pi / 180), sin(degrees * pi / 180)
    return [(px * c - py * s, px * s + py * c) for px, py in outline]
