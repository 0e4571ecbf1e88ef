"""Jars, tins and bottles."""

from __future__ import annotations

from pictures.kitchen import gleam
from pictures.outlines import TILT, Outline, arc, box, disc, ellipse, knots, leaf, moved, smooth, turning
from pictures.palette import BERRY, BRASS, CREAM, MOSS, MUSTARD, OAK, RGB, RUST, WHITE, light, mix, shade
from pictures.sheet import Sheet, lit, rounded


def label(sheet: Sheet, low: float, high: float, half: float, paper: RGB, ink: RGB) -> None:
    """Draw a paper label around a jar, with lines of lettering."""
    sag = half * TILT * 0.85
    area: Outline = [*arc(0, high, half, sag, 180, 360), *arc(0, low, half, sag, 360, 180)]
    sheet.fill(area, rounded(paper, 0.55))
    with sheet.within(area):
        sheet.line(arc(0, high - 12, half, sag, 180, 360), 4, ink, 0.7)
        sheet.line(arc(0, low + 12, half, sag, 180, 360), 4, ink, 0.7)
    for share, width, thick in ((0.4, 0.44, 9), (0.25, 0.3, 5)):
        y = low + (high - low) * share - sag
        sheet.line(smooth([(-half * width, y + 2), (0, y), (half * width, y + 2)]), thick, ink, 0.85)


def honey(sheet: Sheet) -> None:
    """Draw a jar of honey with a dipper beside it."""
    _jar(sheet, (226, 150, 44), CREAM, (150, 88, 30), BRASS)
    with sheet.placed(0, 152, 0.86):
        sheet.fill(ellipse(0, -6, 23, 30), rounded(MUSTARD))
        for y in (-18, -4, 10):
            sheet.line([(-19, y), (19, y)], 5, (110, 70, 40))
        for side in (-1, 1):
            sheet.fill(ellipse(side * 23, 12, 19, 12), WHITE, 0.9)
    with sheet.placed(186, 16, 1, -24):
        sheet.fill(box(-7, 60, 7, 296, 6), rounded(OAK))
        for y, r in ((4, 21), (20, 30), (36, 33), (52, 30), (68, 20)):
            sheet.fill(box(-r, y - 6, r, y + 6, 6), rounded(shade(OAK, 0.06)))


def _jar(sheet: Sheet, filling: RGB, paper: RGB, ink: RGB, lid: RGB) -> None:
    glass = turning(knots("0,112 0,112 14,132 60,140 220,140 256,124 272,104 286,104"))
    sheet.fill(glass, rounded((214, 226, 224), 0.4), 0.7)
    inside = turning(knots("8,108 8,108 22,126 60,133 216,133 244,122 244,122"))
    sheet.fill(inside, rounded(filling))
    sheet.fill(disc(0, 244, 121), lit(light(filling, 0.3)))
    label(sheet, 76, 196, 139, paper, ink)
    sheet.fill(turning([(280, 116), (280, 116), (326, 118), (326, 118)]), rounded(lid))
    sheet.fill(disc(0, 326, 118), lit(light(lid, 0.25)))
    for x in range(-108, 112, 12):
        drop = 117 * TILT * (1 - (x / 118) ** 2) ** 0.5
        sheet.line([(x, 288 - drop), (x, 318 - drop)], 2.6, shade(lid, 0.4), 0.4)
    gleam(sheet, -112, 40, 226, 11, 3)


_CAP = knots("-150,268 -120,330 -60,362 0,368 60,362 120,330 150,268 104,258 60,250 20,258 -24,248 -70,258 -110,252")


def marmalade(sheet: Sheet) -> None:
    """Draw a jar of marmalade under a cloth cap, with half an orange."""
    fruit: RGB = (226, 118, 44)
    _jar(sheet, fruit, CREAM, BERRY, RUST)
    sheet.fill(ellipse(0, 146, 21), rounded((240, 160, 70)))
    sheet.fill(leaf(4, 162, 34, 19, 50), lit(MOSS))
    cap = moved(smooth(_CAP, closed=True), 0, -6)
    sheet.fill(cap, lit(CREAM))
    with sheet.within(cap):
        for x in range(-180, 190, 26):
            sheet.line([(x, 240), (x * 0.6, 380)], 7, BERRY, 0.55)
        for y in range(250, 380, 26):
            sheet.line(smooth([(-170, y), (0, y + 12), (170, y)]), 7, BERRY, 0.55)
    sheet.line(smooth([(-118, 300), (0, 284), (118, 300)]), 6, shade(OAK, 0.3))
    with sheet.placed(188, 66):
        sheet.fill(ellipse(0, 0, 74, 70), rounded(fruit))
        sheet.fill(ellipse(-12, 2, 60, 64), lit((252, 226, 178)))
        for angle in range(0, 360, 45):
            with sheet.placed(-12, 2, 1, angle):
                sheet.fill(smooth(knots("0,6 0,6 19,40 0,54 -19,40"), closed=True), lit((242, 156, 64)))


def tea_tin(sheet: Sheet, colour: RGB, paper: RGB = CREAM) -> None:
    """Draw a tin of loose tea with a leaf on its label."""
    sheet.fill(turning([(0, 124), (290, 124)], rounded=False), rounded(colour))
    sheet.line(arc(0, 10, 124, 124 * TILT, 180, 360), 5, light(colour, 0.4), 0.6)
    label(sheet, 62, 238, 124, paper, colour)
    for angle in (-34, 0, 34):
        sheet.fill(leaf(0, 142, 58, 30, angle), lit(mix(MOSS, colour, 0.2)))
    sheet.fill(turning([(284, 128), (350, 128)], rounded=False), rounded(light(colour, 0.1)))
    sheet.fill(disc(0, 350, 128), lit(light(colour, 0.3)))
    sheet.fill(disc(0, 352, 104), lit(light(colour, 0.14)))
    gleam(sheet, -88, 260, 326, 11)


def olive_oil(sheet: Sheet) -> None:
    """Draw a bottle of olive oil with a sprig."""
    glass: RGB = (88, 104, 56)
    sheet.fill(turning(knots("0,84 0,84 10,92 250,92 300,74 340,30 430,25")), rounded(glass))
    sheet.fill(turning([(426, 30), (444, 30)], rounded=False), rounded(shade(glass, 0.2)))
    sheet.fill(turning([(442, 22), (482, 25)], rounded=False), rounded(OAK))
    sheet.fill(disc(0, 482, 25), lit(light(OAK, 0.2)))
    label(sheet, 62, 230, 92, CREAM, MOSS)
    sheet.line(smooth([(-40, 150), (0, 172), (44, 184)]), 3.4, MOSS)
    for x, y, angle in ((-24, 158, -20), (-4, 170, 150), (14, 176, -10), (30, 180, 140)):
        sheet.fill(leaf(x, y, 36, 15, angle), lit(MOSS))
    sheet.fill(ellipse(34, 160, 12, 15), rounded((96, 92, 60)))
    gleam(sheet, -66, 30, 244, 9, 2)
    gleam(sheet, -15, 352, 410, 6)


def sea_salt(sheet: Sheet, lid: RGB = OAK) -> None:
    """Draw a jar of salt flakes with a wooden lid and a scoop."""
    glass = turning(knots("0,124 0,124 12,136 210,136 226,128"))
    sheet.fill(glass, rounded((206, 222, 222), 0.4), 0.75)
    salt = turning([(8, 120), (8, 120), (20, 129), (180, 129)])
    sheet.fill(salt, rounded(WHITE, 0.5))
    sheet.speckle(salt, (196, 206, 210), 420, 21, 4)
    label(sheet, 62, 150, 136, (88, 128, 140), WHITE)
    sheet.fill(turning([(222, 132), (258, 132)], rounded=False), rounded(lid))
    sheet.fill(disc(0, 258, 132), lit(light(lid, 0.2)))
    for r in (92, 52):
        sheet.line(arc(8, 258, r, r * TILT, 140, 400), 2.4, shade(lid, 0.3), 0.4)
    sheet.fill(turning([(258, 15), (270, 24), (290, 22), (298, 6)]), rounded(lid))
    with sheet.placed(210, 16, 1, 6):
        sheet.fill(ellipse(0, 0, 58, 22), rounded(OAK))
        sheet.fill(ellipse(0, 6, 48, 14), lit(WHITE))
        sheet.line([(46, 6), (118, 34)], 13, shade(OAK, 0.1))
    gleam(sheet, -110, 36, 190, 11, 2)


def chocolate(sheet: Sheet, wrapper: RGB, accent: RGB) -> None:
    """Draw a bar of chocolate, half out of its wrapper, from above."""
    dark: RGB = (92, 54, 42)
    with sheet.placed(turn=-14):
        sheet.fill(box(-128, -20, 128, 262, 10), lit(dark))
        for row in range(4):
            for column in range(3):
                x, y = -118 + column * 80, 4 + row * 64
                sheet.fill(box(x, y, x + 74, y + 56, 6), lit(light(dark, 0.12)))
                sheet.fill(box(x + 11, y + 10, x + 63, y + 46, 4), lit(dark))
        foil = [(-140, -30), *[(-140 + n * 20, 26 + (16 if n % 2 else 0) + n % 3 * 5) for n in range(15)], (140, -30)]
        sheet.fill(foil, lit((222, 220, 212), 1.4))
        sheet.fill(box(-144, -270, 144, 10, 6), lit(wrapper))
        with sheet.within(box(-144, -270, 144, 10, 6)):
            for number in range(-8, 9):
                sheet.line([(number * 40 - 60, -280), (number * 40 + 60, 20)], 7, accent, 0.4)
        sheet.fill(box(-96, -190, 96, -66, 8), lit(CREAM))
        sheet.line([(-56, -112), (56, -112)], 9, wrapper)
        for y, half in ((-138, 40), (-156, 52)):
            sheet.line([(-half, y), (half, y)], 4, wrapper, 0.8)
