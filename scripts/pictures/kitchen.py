"""Mugs, pans and whatever else lives near the stove."""

from __future__ import annotations

from pictures.outlines import TILT, Outline, arc, box, disc, ellipse, knots, smooth, turning
from pictures.palette import CREAM, OAK, RGB, STEEL, WALNUT, WHITE, light, mix, shade
from pictures.sheet import Paint, Sheet, flat, lit, rounded


def opening(sheet: Sheet, y: float, r: float, colour: RGB, lip: float = 7, x: float = 0) -> None:
    """Draw the rim of a vessel and the dark inside."""
    sheet.fill(ellipse(x, y, r, r * TILT), lit(light(colour, 0.25)))
    inner = ellipse(x, y - lip * 0.25, r - lip, (r - lip) * TILT * 0.94)
    sheet.fill(inner, Paint(((0, shade(colour, 0.5)), (1, shade(colour, 0.16)))))


def gleam(sheet: Sheet, x: float, low: float, high: float, width: float = 13, bend: float = 0) -> None:
    """Draw the reflection of a window on something glazed."""
    sheet.line(
        smooth([(x + bend * 0.5, low), (x - bend * 0.5, (low + high) / 2), (x + bend * 0.4, high)]), width, WHITE, 0.42
    )


def wood(sheet: Sheet, outline: Outline, colour: RGB = OAK, level: bool = True) -> None:
    """Fill an outline with wood; the grain runs level or upright."""
    sheet.fill(outline, lit(colour))
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    with sheet.within(outline):
        for n in range(1, 9):
            share = n / 9 + (0.025 if n % 2 else -0.02)
            wave = (-5, 4, 6, -3)[n % 4]
            if level:
                y = low + (high - low) * share
                grain = [(left, y), (left + (right - left) * 0.35, y + wave), (right, y - wave)]
            else:
                x = left + (right - left) * share
                grain = [(x, low), (x + wave, low + (high - low) * 0.35), (x - wave, high)]
            sheet.line(smooth(grain), 2.2, shade(colour, 0.3), 0.35)


def _handle(sheet: Sheet, colour: RGB, x: float, low: float, high: float, reach: float, width: float = 26) -> None:
    curve = smooth([(x - 20, high), (x + reach * 0.62, high + 4), (x + reach, (low + high) / 2 + 14), (x - 14, low)])
    sheet.line(curve, width, shade(colour, 0.2))
    sheet.line([(px - 3, py + 4) for px, py in curve], width * 0.5, light(colour, 0.16), 0.75)


def mug(sheet: Sheet, glaze: RGB, clay: RGB = CREAM) -> None:
    """Draw a mug dipped in glaze, with a bare foot."""
    _handle(sheet, glaze, 128, 96, 232, 92, 30)
    body = turning(knots("0,108 0,108 20,126 150,136 288,134"))
    sheet.fill(body, rounded(clay))
    sheet.speckle(body, shade(clay, 0.45), 60, 3)
    with sheet.within(body):
        sheet.fill([*arc(0, 78, 160, 26, 180, 360), (160, 330), (-160, 330)], rounded(glaze))
        sheet.line(arc(0, 78, 160, 26, 180, 360), 5, light(glaze, 0.35), 0.5)
    opening(sheet, 288, 134, glaze, 10)
    gleam(sheet, -92, 130, 240, 15, 5)


def tall_mug(sheet: Sheet, glaze: RGB) -> None:
    """Draw a tall speckled mug with a waist."""
    _handle(sheet, glaze, 104, 110, 250, 84, 26)
    body = turning(knots("0,96 0,96 26,116 150,100 250,106 336,118"))
    sheet.fill(body, rounded(glaze))
    sheet.speckle(body, shade(glaze, 0.55), 240, 8, 2.6)
    with sheet.within(body):
        sheet.line(arc(0, 30, 130, 22, 180, 360), 22, shade(glaze, 0.32), 0.85)
    opening(sheet, 336, 118, glaze, 9)
    gleam(sheet, -74, 170, 280, 13, -4)


def enamel_mug(sheet: Sheet, colour: RGB) -> None:
    """Draw an enamel mug with a dark rolled rim."""
    rim = shade(colour, 0.62)
    _handle(sheet, colour, 136, 70, 206, 78, 20)
    body = turning([(0, 122), (0, 122), (14, 132), (248, 140)])
    sheet.fill(body, rounded(colour))
    sheet.speckle(body, light(colour, 0.7), 90, 5, 2.6)
    opening(sheet, 248, 142, WHITE, 8)
    sheet.line([*ellipse(0, 248, 141, 141 * TILT), (141, 248)], 8, rim)
    gleam(sheet, -98, 70, 200, 14)


def espresso_cups(sheet: Sheet, one: RGB, two: RGB) -> None:
    """Draw two small cups on saucers."""
    for x, y, colour, handle in ((86, 34, two, True), (-82, 0, one, False)):
        with sheet.placed(x, y):
            sheet.fill(disc(0, 14, 128), lit(shade(colour, 0.15)))
            sheet.fill(disc(0, 20, 124), lit(light(colour, 0.12)))
            sheet.fill(disc(0, 20, 72), flat(shade(colour, 0.16)))
            if handle:
                _handle(sheet, colour, 74, 66, 122, 50, 16)
            else:
                with sheet.placed(mirror=True):
                    _handle(sheet, colour, 74, 66, 122, 50, 16)
            sheet.fill(turning(knots("20,44 20,44 34,64 90,82 146,84")), rounded(colour))
            opening(sheet, 146, 84, colour, 6)
            sheet.fill(ellipse(0, 141, 70, 9), flat((74, 46, 34)))
            gleam(sheet, -54, 70, 120, 9, 2)


def bowls(sheet: Sheet, colours: tuple[RGB, RGB, RGB]) -> None:
    """Draw three nested mixing bowls, the largest first."""
    rim: Outline = box(-400, -100, 400, 900)
    for y, size, colour in ((0, 1.0, colours[0]), (84, 0.85, colours[1]), (156, 0.71, colours[2])):
        with sheet.within(rim), sheet.placed(0, y, size):
            _bowl(sheet, colour)
        inner = 213 * size
        rim = [*arc(0, y + 176 * size, inner, inner * TILT, 180, 360), (400, 900), (-400, 900)]


def _bowl(sheet: Sheet, colour: RGB) -> None:
    body = turning(knots("0,92 0,92 10,112 70,184 150,218 178,222"))
    sheet.fill(body, rounded(colour))
    with sheet.within(body):
        sheet.line(arc(0, 150, 224, 224 * TILT, 180, 360), 11, light(colour, 0.5), 0.7)
    opening(sheet, 178, 222, colour, 9)
    gleam(sheet, -160, 76, 120, 13, 7)


def saucepan(sheet: Sheet, colour: RGB) -> None:
    """Draw an enamel milk pan with a lip and a wooden handle."""
    wood(sheet, [*smooth([(140, 168), (230, 196), (330, 226)]), *smooth([(338, 204), (240, 168), (140, 136)])], OAK)
    sheet.fill(box(126, 132, 170, 176, 8), rounded(STEEL))
    body = turning([(0, 140), (0, 140), (14, 152), (208, 156)])
    sheet.fill(body, rounded(colour))
    opening(sheet, 208, 158, WHITE, 8)
    sheet.line([*ellipse(0, 208, 157, 157 * TILT), (157, 208)], 7, shade(colour, 0.5))
    sheet.fill(smooth([(-160, 214), (-190, 222), (-150, 190), (-140, 204)], closed=True), lit(shade(colour, 0.3)))
    gleam(sheet, -108, 50, 160, 16)


def chopping_board(sheet: Sheet) -> None:
    """Draw an oak board with a round handle, leaning on the wall."""
    outer = [
        *arc(-118, 42, 42, 42, 180, 270, 14),
        *arc(118, 42, 42, 42, 270, 360, 14),
        *arc(118, 288, 42, 42, 0, 90, 14),
        *smooth([(80, 330), (44, 344), (38, 384)]),
        *arc(0, 420, 52, 52, -40, 220, 40),
        *smooth([(-38, 384), (-44, 344), (-80, 330)]),
        *arc(-118, 288, 42, 42, 90, 180, 14),
    ]
    sheet.fill([(x + 12, y) for x, y in outer], shade(OAK, 0.38))
    wood(sheet, outer, OAK, level=False)
    sheet.fill(ellipse(0, 424, 19), flat(shade(OAK, 0.55)))
    sheet.line(knots("-3,438 -26,486 0,500 24,486 4,436"), 6, LINEN)


LINEN: RGB = (214, 200, 176)


def tea_towel(sheet: Sheet, colour: RGB) -> None:
    """Draw a linen towel with stripes, hung from a peg."""
    sheet.line(arc(0, 452, 14, 26, -40, 220), 6, shade(LINEN, 0.25))
    cloth = [
        *smooth([(-16, 436), (-70, 400), (-128, 250), (-150, 30)]),
        *smooth(knots("-150,30 -96,14 -40,34 20,12 78,32 148,18")),
        *smooth([(148, 18), (122, 250), (70, 400), (16, 436)]),
    ]
    sheet.fill(cloth, lit(mix(WHITE, LINEN, 0.35)))
    with sheet.within(cloth):
        for y, width in ((70, 26), (112, 10), (134, 10), (330, 9), (350, 9)):
            sheet.line(smooth([(-170, y + 4), (-90, y - 8), (-30, y + 8), (30, y - 9), (170, y)]), width, colour, 0.9)
        for foot, top in ((-92, -10), (-34, -4), (30, 4), (88, 10)):
            fold = [(top, 436), ((foot + top) * 0.62, 250), (foot, 0)]
            sheet.line(smooth(fold), 16, shade(LINEN, 0.5), 0.16)
            sheet.line(smooth([(x + 16, y) for x, y in fold]), 12, WHITE, 0.35)
    sheet.fill(ellipse(0, 478, 15), rounded(OAK))


def pepper_mill(sheet: Sheet, colour: RGB = WALNUT, other: RGB = OAK) -> None:
    """Draw a turned mill with a brass knob, and a smaller one for salt."""
    _mill(sheet, -64, 1.0, colour)
    _mill(sheet, 92, 0.74, other)


def _mill(sheet: Sheet, x: float, size: float, colour: RGB) -> None:
    with sheet.placed(x, 0, size):
        sheet.fill(turning(knots("0,78 0,78 24,80 60,62 150,44 250,56 292,62")), rounded(colour))
        for y, r in ((50, 69), (286, 62)):
            sheet.line(arc(0, y, r - 2, r * TILT, 180, 360), 5, shade(colour, 0.5), 0.7)
        head = knots("300,54 300,54 330,62 366,64 404,44 416,10 416,10")
        sheet.fill(turning(head), rounded(light(colour, 0.06)))
        sheet.fill(turning(knots("414,9 424,9 430,16 446,14 452,4")), rounded((214, 174, 92)))
        gleam(sheet, -28, 90, 230, 8, -14)
        gleam(sheet, -34, 330, 372, 9, 2)


def spoons(sheet: Sheet) -> None:
    """Draw four wooden spoons in a stoneware jar."""
    for x, turn, high, colour in (
        (-34, 15, 430, WALNUT),
        (40, -17, 420, OAK),
        (-6, 3, 470, OAK),
        (20, -6, 400, WALNUT),
    ):
        with sheet.placed(x, 40, 1, turn):
            wood(sheet, box(-9, 40, 9, high - 60, 8), colour, level=False)
            sheet.fill(ellipse(0, high - 36, 34, 54), rounded(colour))
            sheet.fill(ellipse(2, high - 34, 23, 40), lit(shade(colour, 0.22)))
    jar = turning(knots("0,104 0,104 18,116 120,122 196,112 226,118"))
    glaze = (222, 214, 200)
    back = ellipse(0, 226, 118, 118 * TILT)
    sheet.fill(jar, rounded(glaze))
    sheet.speckle(jar, shade(glaze, 0.5), 150, 4, 2.4)
    with sheet.within(jar):
        sheet.fill([*arc(0, 70, 140, 22, 180, 360), (140, 0), (140, -60), (-140, -60)], rounded((196, 140, 104)))
    sheet.line(arc(0, 226, 114, 114 * TILT, 180, 360), 8, light(glaze, 0.4))
    with sheet.within([*back, (118, 226)]):
        sheet.line(arc(0, 226, 118, 118 * TILT, 0, 180), 5, shade(glaze, 0.1), 0.5)
    gleam(sheet, -84, 90, 190, 13, 4)
