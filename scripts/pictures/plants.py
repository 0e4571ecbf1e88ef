"""Plants, pots, vases and a watering can."""

from __future__ import annotations

from math import cos, radians, sin
from random import Random

from pictures.kitchen import gleam, opening
from pictures.outlines import TILT, arc, box, disc, ellipse, knots, leaf, smooth, turning
from pictures.palette import (
    BLUSH,
    BRASS,
    CLAY,
    CREAM,
    MOSS,
    MUSTARD,
    OAK,
    RGB,
    ROSE,
    RUST,
    SAGE,
    WHITE,
    light,
    mix,
    shade,
)
from pictures.sheet import Sheet, flat, lit, rounded

GREEN: RGB = (78, 120, 84)
SOIL: RGB = (78, 56, 48)


def _leafy(sheet: Sheet, x: float, y: float, length: float, width: float, angle: float, colour: RGB) -> None:
    """Draw a leaf with a lighter half and a midrib."""
    shape = leaf(x, y, length, width, angle)
    tip = (x + length * sin(radians(angle)), y + length * cos(radians(angle)))
    sheet.fill(shape, lit(colour))
    with sheet.within(shape):
        half = len(shape) // 2
        sheet.fill([(x, y), *shape[half:], (x, y)], light(colour, 0.25), 0.4)
        sheet.line([(x, y), tip], max(2.4, width * 0.03), light(colour, 0.45), 0.8)


def pot(sheet: Sheet, colour: RGB = CLAY) -> None:
    """Draw a classic flowerpot with a thick rim, on a saucer."""
    sheet.fill([*arc(0, 12, 140, 22, 180, 360), (146, 34), (-146, 34)], rounded(shade(colour, 0.12)))
    sheet.fill(disc(0, 34, 146), lit(light(colour, 0.1)))
    sheet.fill(turning([(34, 106), (210, 142)], rounded=False), rounded(colour))
    sheet.line(arc(0, 202, 142, 142 * TILT, 180, 360), 12, shade(colour, 0.5), 0.25)
    sheet.fill(turning([(212, 164), (290, 172)], rounded=False), rounded(light(colour, 0.05)))
    opening(sheet, 290, 172, colour, 17)
    body = turning([(34, 106), (290, 166)], rounded=False)
    sheet.speckle(body, light(colour, 0.5), 70, 12, 2.6)
    sheet.line(smooth([(-96, 60), (-108, 130), (-118, 190)]), 17, WHITE, 0.14)


def planter(sheet: Sheet, colour: RGB, feet: RGB = OAK) -> None:
    """Draw a ribbed planter on a wooden stand, with a fern in it."""
    for x in (-112, 112):
        sheet.line([(x * 0.92, 120), (x, 4)], 17, shade(feet, 0.12))
        sheet.line([(x * 0.92 - 4, 120), (x - 4, 6)], 5, light(feet, 0.35), 0.7)
    sheet.line([(-102, 92), (102, 92)], 15, feet)
    fern(sheet, 268)
    body = turning(knots("98,106 98,106 114,126 190,138 276,140"))
    sheet.fill(body, rounded(colour))
    with sheet.within(body):
        for x in range(-128, 132, 20):
            sheet.line([(x * 0.93, 80), (x, 290)], 5, shade(colour, 0.35), 0.3)
            sheet.line([(x * 0.93 + 6, 80), (x + 6, 290)], 4, WHITE, 0.16)
    sheet.line(arc(0, 272, 138, 138 * TILT, 180, 360), 13, light(colour, 0.2))


def fern(sheet: Sheet, y: float) -> None:
    """Draw arching fronds that grow from height `y`."""
    for angle, length in ((-62, 190), (62, 190), (-40, 230), (40, 226), (-18, 256), (20, 262), (0, 236)):
        lean = angle / 62
        points = [
            (lean * 30, y),
            (lean * length * 0.45, y + length * 0.72),
            (lean * length * 0.98, y + length * (0.94 - abs(lean) * 0.42)),
        ]
        stem = smooth(points)
        tone = mix(GREEN, MOSS, abs(lean))
        sheet.line(stem, 4, shade(tone, 0.2))
        for at in range(4, len(stem), 3):
            x, top = stem[at]
            size = 46 * (1 - at / len(stem) * 0.72)
            sheet.fill(leaf(x, top, size, size * 0.44, lean * 50 - 62), lit(tone))
            sheet.fill(leaf(x, top, size, size * 0.44, lean * 50 + 62), lit(light(tone, 0.12)))


def _tub(sheet: Sheet, colour: RGB, r: float = 112, high: float = 176) -> None:
    body = turning([(0, r * 0.72), (0, r * 0.72), (16, r * 0.82), (high, r)])
    sheet.fill(body, rounded(colour))
    sheet.speckle(body, shade(colour, 0.4), 70, 9)
    sheet.line(arc(0, high - 5, r - 3, r * TILT, 180, 360), 10, light(colour, 0.3))


def snake_plant(sheet: Sheet, colour: RGB) -> None:
    """Draw a snake plant: upright banded leaves."""
    sheet.fill(disc(0, 172, 106), flat(SOIL))
    for x, lean, high, wide in (
        (-56, -17, 230, 44),
        (58, 16, 250, 46),
        (-22, -7, 320, 50),
        (30, 6, 350, 52),
        (-4, -1, 270, 50),
    ):
        blade = [
            (x * 0.6, 160),
            (x * 0.6, 160),
            (x + wide * 0.46, 160 + high * 0.5),
            (x + lean * 3, 160 + high),
            (x + lean * 3, 160 + high),
        ]
        blade += [(x - wide * 0.46, 160 + high * 0.5), (x * 0.6 - 10, 160)]
        shape = smooth(blade)
        sheet.fill(shape, lit((196, 190, 112)))
        inner = [(px * 0.86 + (x + lean * 1.6) * 0.14, py - 5) for px, py in shape]
        sheet.fill(inner, lit(GREEN))
        with sheet.within(inner):
            for y in range(170, 170 + int(high), 22):
                sheet.line(
                    smooth([(x - 40, y), (x - 12, y + 9), (x + 10, y - 2), (x + 46, y + 7)]), 6, (142, 170, 120), 0.65
                )
    _tub(sheet, colour)


def rubber_plant(sheet: Sheet, colour: RGB) -> None:
    """Draw a rubber plant with broad dark leaves."""
    sheet.line(smooth([(0, 150), (6, 300), (-4, 470)]), 11, (120, 88, 62))
    tone: RGB = (56, 92, 72)
    leaves = (
        (6, 250, 150, 84, -76),
        (4, 270, 150, 84, 70),
        (4, 320, 158, 88, -52),
        (2, 342, 156, 86, 54),
        (0, 392, 150, 82, -34),
        (0, 410, 148, 80, 38),
        (-3, 450, 128, 66, 2),
    )
    for number, (x, y, length, width, angle) in enumerate(leaves):
        _leafy(sheet, x, y, length, width, angle, light(tone, 0.05 * (number % 3)))
    sheet.fill(disc(0, 172, 106), flat(SOIL))
    sheet.line([(1, 168), (2, 240)], 11, (120, 88, 62))
    _tub(sheet, colour)


def trailing_plant(sheet: Sheet, colour: RGB) -> None:
    """Draw a trailing plant in a hanging pot."""
    for x in (-96, 96):
        sheet.line([(x, 360), (0, 620)], 5, shade(OAK, 0.2))
    sheet.line([(0, 620), (0, 700)], 5, shade(OAK, 0.2))
    dice = Random(5)  # noqa: S311 (leaves, not secrets)
    for x in (-70, -30, 10, 50, 84):
        bush = dice.uniform(-30, 30)
        _leafy(sheet, x, 350, 84, 52, x * 0.5 + bush, light(GREEN, 0.1))
        _leafy(sheet, x, 346, 66, 44, x * 0.7 - bush, MOSS)
    sheet.fill(turning(knots("196,40 196,40 210,70 280,104 352,108")), rounded(colour))
    sheet.line(arc(0, 350, 106, 106 * TILT, 180, 360), 9, light(colour, 0.35))
    for start, reach, drop in ((-84, -150, 300), (-30, -66, 220), (36, 44, 330), (88, 150, 250), (64, 104, 170)):
        vine = smooth([(start, 348), (reach * 0.9, 330), (reach, 240), (reach * 0.94, 348 - drop)])
        sheet.line(vine, 4, MOSS)
        for at in range(5, len(vine), 4):
            px, py = vine[at]
            side = 1 if at % 8 < 4 else -1
            _leafy(sheet, px, py, 44, 34, side * 74 + 90 * (side < 0) * 0 + 20, (GREEN, SAGE, MOSS)[at % 3])


def cacti(sheet: Sheet) -> None:
    """Draw three small cacti in three small pots."""
    for x in (-150, 0, 150):
        with sheet.placed(x):
            sheet.fill(disc(0, 108, 62), flat(SOIL))
    _column(sheet, 0, 100, 46, 250)
    for side, low, high in ((-1, 200, 290), (1, 230, 330)):
        sheet.line(smooth([(side * 30, low), (side * 76, low + 10), (side * 80, high)]), 32, shade(GREEN, 0.08))
        sheet.line(
            smooth([(side * 30 - 3, low + 5), (side * 74 - 4, low + 16), (side * 76, high)]), 8, light(GREEN, 0.3), 0.6
        )
    ball = ellipse(-150, 154, 62, 62)
    sheet.fill(ball, rounded(MOSS))
    with sheet.within(ball):
        for x in (-44, -24, 0, 24, 44):
            sheet.line(
                smooth([(-150 + x * 0.3, 220), (-150 + x * 1.3, 154), (-150 + x * 0.5, 90)]), 4, light(MOSS, 0.4), 0.6
            )
    for angle in (-40, 0, 40):
        sheet.fill(leaf(-150, 210, 34, 22, angle), lit(ROSE))
    for x, y, rx, ry, turn in ((150, 160, 44, 62, 0), (122, 240, 28, 40, 20), (178, 234, 30, 44, -18)):
        with sheet.placed(x, y, 1, turn):
            sheet.fill(ellipse(0, 0, rx, ry), rounded(SAGE))
            for row in (-0.5, 0, 0.5):
                for column in (-0.4, 0.1, 0.55):
                    sheet.fill(ellipse(rx * column, ry * row, 3), WHITE)
    for x, colour in ((-150, BLUSH), (0, CREAM), (150, MUSTARD)):
        with sheet.placed(x):
            _tub(sheet, colour, 66, 110)


def _column(sheet: Sheet, x: float, low: float, r: float, high: float) -> None:
    body = box(x - r, low, x + r, low + high, r)
    sheet.fill(body, rounded(GREEN))
    with sheet.within(body):
        for shift in (-26, -9, 9, 26):
            sheet.line([(x + shift, low), (x + shift * 0.9, low + high)], 4, light(GREEN, 0.4), 0.5)
    sheet.fill(leaf(x, low + high - 6, 34, 26, -20), lit(RUST))
    sheet.fill(leaf(x, low + high - 6, 34, 26, 20), lit(light(RUST, 0.2)))


def watering_can(sheet: Sheet, colour: RGB) -> None:
    """Draw a watering can with a long thin spout."""
    spout = [*smooth([(96, 40), (190, 130), (262, 322)]), *smooth([(246, 330), (166, 160), (90, 96)])]
    sheet.fill(spout, lit(shade(colour, 0.1)))
    with sheet.placed(255, 328, 1, -22):
        sheet.fill([(-9, -6), (9, -6), (30, 34), (-30, 34)], rounded(colour))
        sheet.fill(ellipse(0, 34, 30, 9), lit(light(BRASS, 0.1)))
    handle = smooth(knots("-104,60 -216,130 -196,268 -60,330 60,262"))
    sheet.line(handle, 17, shade(colour, 0.2))
    sheet.line([(x - 2, y + 4) for x, y in handle], 6, light(colour, 0.35), 0.7)
    body = turning(knots("0,126 0,126 10,130 196,112 236,84 250,80"))
    sheet.fill(body, rounded(colour))
    opening(sheet, 250, 80, colour, 8)
    for y, r in ((28, 128), (196, 112)):
        sheet.line(arc(0, y, r, r * TILT, 180, 360), 6, shade(colour, 0.35), 0.6)
    gleam(sheet, -86, 70, 170, 15, 3)


def vase(sheet: Sheet, glaze: RGB) -> None:
    """Draw a bud vase with dried stems."""
    for x, lean, high in ((0, -92, 470), (0, -30, 540), (0, 44, 500), (0, 108, 430)):
        stem = smooth([(x, 200), (lean * 0.35, 340), (lean, high)])
        sheet.line(stem, 4, shade(SAGE, 0.3))
        for at in range(11, len(stem), 3):
            px, py = stem[at]
            tilt = lean * 0.25
            for side in (-1, 1):
                sheet.fill(leaf(px, py, 36, 17, tilt + side * 44), lit(mix(SAGE, MUSTARD, 0.3 if lean > 0 else 0.05)))
        sheet.fill(ellipse(*stem[-1], 15), rounded(mix(MUSTARD, BLUSH, 0.4 if lean < 0 else 0)))
    body = turning(knots("0,66 0,66 14,84 90,128 160,104 206,42 250,30 276,44"))
    sheet.fill(body, rounded(glaze))
    sheet.speckle(body, shade(glaze, 0.5), 90, 17)
    sheet.line(arc(0, 276, 42, 42 * TILT, 180, 360), 7, light(glaze, 0.35))
    gleam(sheet, -82, 70, 138, 13, 6)
