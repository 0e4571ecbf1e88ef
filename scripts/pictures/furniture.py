"""Chairs, tables, shelves, a mirror and a clock."""

from __future__ import annotations

from pictures.outlines import TILT, Outline, arc, box, disc, ellipse, knots, moved, smooth, turned
from pictures.palette import (
    ASH,
    BERRY,
    BRASS,
    CHARCOAL,
    CREAM,
    INK,
    MUSTARD,
    OAK,
    RGB,
    RUST,
    SAGE,
    SEA,
    WALNUT,
    WHITE,
    light,
    mix,
    shade,
)
from pictures.sheet import Sheet, fading, flat, lit, rounded


def _leg(sheet: Sheet, top: tuple[float, float], foot: tuple[float, float], colour: RGB, width: float = 20) -> None:
    (x, y), (u, v) = top, foot
    thin = width * 0.62
    sheet.fill([(x - width / 2, y), (x + width / 2, y), (u + thin / 2, v), (u - thin / 2, v)], rounded(colour))


def chair(sheet: Sheet, colour: RGB) -> None:
    """Draw a kitchen chair with a spindle back."""
    back = shade(colour, 0.22)
    _leg(sheet, (-84, 226), (-112, 30), back)
    _leg(sheet, (104, 226), (132, 30), back)
    for x in (-72, -36, 0, 36, 72):
        sheet.line([(x + 8, 236), (x * 1.22 + 10, 480)], 9, colour)
        sheet.line([(x + 6, 236), (x * 1.22 + 8, 480)], 3, light(colour, 0.4), 0.7)
    for x, top in ((-100, -132), (116, 150)):
        sheet.line([(x, 230), (top, 500)], 15, shade(colour, 0.08))
    rail = [*smooth([(-146, 520), (8, 536), (164, 520)]), *smooth([(158, 468), (8, 482), (-140, 468)])]
    sheet.fill(rail, lit(colour))
    seat = smooth(knots("-140,206 -112,250 0,262 128,250 152,206 90,188 -84,188"), closed=True)
    sheet.fill(moved(seat, 0, -16), flat(shade(colour, 0.34)))
    sheet.fill(seat, lit(light(colour, 0.08)))
    sheet.line([(-114, 96), (130, 96)], 9, shade(colour, 0.16))
    _leg(sheet, (-112, 184), (-138, 0), colour, 24)
    _leg(sheet, (126, 184), (154, 0), colour, 24)


def stool(sheet: Sheet, seat: RGB = OAK, legs: RGB = OAK) -> None:
    """Draw a three-legged stool."""
    _leg(sheet, (10, 300), (24, 34), shade(legs, 0.28), 24)
    sheet.line([(-104, 110), (20, 140), (110, 110)], 10, shade(legs, 0.15))
    _leg(sheet, (-84, 300), (-142, 0), legs, 28)
    _leg(sheet, (92, 300), (152, 0), shade(legs, 0.06), 28)
    sheet.fill([*arc(0, 306, 156, 156 * TILT, 180, 360), (156, 334), (-156, 334)], rounded(shade(seat, 0.1)))
    sheet.fill(disc(0, 334, 156), lit(light(seat, 0.1)))
    for r in (122, 86, 48):
        sheet.line(arc(10, 334, r, r * TILT, 150, 420), 2.4, shade(seat, 0.3), 0.4)


def side_table(sheet: Sheet, colour: RGB, top: RGB = OAK) -> None:
    """Draw a round side table with a tray top, a book and a cup on it."""
    _leg(sheet, (0, 300), (8, 40), shade(colour, 0.3), 22)
    _leg(sheet, (-96, 300), (-138, 0), colour, 24)
    _leg(sheet, (100, 300), (146, 0), colour, 24)
    sheet.fill([*arc(0, 300, 190, 190 * TILT, 180, 360), (190, 336), (-190, 336)], rounded(shade(top, 0.08)))
    sheet.fill(disc(0, 336, 190), lit(light(top, 0.22)))
    sheet.fill(disc(0, 333, 178), lit(light(top, 0.02)))
    sheet.fill([(-112, 336), (20, 328), (58, 346), (-70, 354)], flat(shade(SEA, 0.3)))
    sheet.fill([(-112, 350), (20, 342), (58, 360), (-70, 368)], lit(SEA))
    sheet.fill([(-112, 336), (20, 328), (20, 342), (-112, 350)], lit(CREAM))
    sheet.fill([*arc(94, 340, 26, 7, 180, 360), (124, 386), (64, 386)], rounded(CREAM))
    sheet.fill(ellipse(94, 386, 30, 7), flat(mix(WALNUT, CHARCOAL, 0.3)))
    sheet.line(arc(128, 366, 14, 12, -110, 110), 6, shade(CREAM, 0.1))


def shelf(sheet: Sheet, colour: RGB = ASH) -> None:
    """Draw a ladder shelf with books and small things on it."""
    for x, top in ((-150, -112), (150, 112)):
        sheet.line([(x * 0.94, 16), (top, 530)], 13, shade(colour, 0.3))
    boards = ((0.0, 70), (0.28, 206), (0.53, 332), (0.78, 446))
    for share, y in boards:
        half = 170 - 46 * share
        sheet.fill([(-half + 12, y + 16), (half - 12, y + 16), (half, y), (-half, y)], lit(light(colour, 0.16)))
        sheet.fill(box(-half, y - 14, half, y, 2), lit(shade(colour, 0.08)))
    _books(sheet, -118, 78, (BERRY, CREAM, INK, MUSTARD, SAGE, RUST), 84)
    _books(sheet, 4, 214, (SEA, CREAM, RUST, MUSTARD), 72)
    sheet.fill(smooth(knots("-96,214 -112,250 -78,290 -44,250 -60,214")), rounded(RUST))
    _books(sheet, -100, 340, (INK, SAGE, CREAM), 66)
    sheet.fill(box(30, 338, 92, 386, 6), rounded(CREAM))
    for x, lean in ((46, -18), (60, 2), (74, 20)):
        sheet.line(smooth([(x, 386), (x + lean * 0.4, 410), (x + lean, 428)]), 9, (96, 130, 92))
    sheet.fill(ellipse(-24, 476, 22, 26), rounded(MUSTARD))
    sheet.fill(box(24, 452, 76, 496, 4), lit(SEA))
    for x, top in ((-166, -128), (166, 128)):
        sheet.line([(x, 4), (top, 560)], 15, colour)
        sheet.line([(x - 3, 8), (top - 3, 558)], 4, light(colour, 0.5), 0.7)


def _books(sheet: Sheet, x: float, y: float, colours: tuple[RGB, ...], high: float) -> None:
    for number, colour in enumerate(colours):
        wide = 17 + (number * 7) % 9
        top = y + high - (number * 11) % 19
        sheet.fill(box(x, y, x + wide, top, 2), rounded(colour, 0.7))
        sheet.line([(x + 4, top - 14), (x + wide - 4, top - 14)], 3, light(colour, 0.6), 0.8)
        x += wide + 1


def armchair(sheet: Sheet, colour: RGB) -> None:
    """Draw a small upholstered armchair."""
    for x in (-132, 136):
        _leg(sheet, (x * 0.92, 70), (x, 0), WALNUT, 24)
    back = knots("-150,120 -168,300 -140,430 0,462 140,430 168,300 150,120")
    sheet.fill(smooth(back), lit(colour))
    for x in (-58, 0, 58):
        sheet.line(smooth([(x * 0.9, 210), (x, 330), (x * 1.15, 446)]), 5, shade(colour, 0.4), 0.4)
    sheet.fill(box(-156, 58, 156, 170, 26), lit(shade(colour, 0.14)))
    sheet.fill(smooth(knots("-132,150 -136,206 0,224 136,206 132,150 0,138"), closed=True), lit(light(colour, 0.1)))
    sheet.line(smooth([(-124, 158), (0, 148), (124, 158)]), 5, shade(colour, 0.4), 0.45)
    for side in (-1, 1):
        arm: Outline = [
            (side * 112, 62),
            (side * 118, 200),
            (side * 126, 268),
            (side * 168, 286),
            (side * 206, 262),
            (side * 202, 180),
            (side * 190, 62),
        ]
        sheet.fill(smooth([arm[0], *arm, arm[-1]]), rounded(light(colour, 0.04), 0.8))
        sheet.line(smooth([(side * 140, 246), (side * 166, 262), (side * 190, 244)]), 5, light(colour, 0.5), 0.5)


def mirror(sheet: Sheet, frame: RGB) -> None:
    """Draw a round mirror on a leather strap."""
    sheet.line([(-128, 330), (0, 520), (128, 330)], 15, (146, 90, 56))
    sheet.fill(ellipse(0, 522, 17), rounded(BRASS))
    sheet.fill(ellipse(0, 230, 206), lit(frame))
    sheet.fill(ellipse(0, 230, 184), flat(shade(frame, 0.4)))
    glass = ellipse(2, 228, 181)
    sheet.fill(glass, fading((226, 234, 232), (172, 192, 196)))
    with sheet.within(glass):
        for x, width in ((-60, 62), (36, 22)):
            sheet.line([(x - 160, 10), (x + 160, 450)], width, WHITE, 0.34)
        sheet.fill(box(-200, 20, 200, 118), flat((150, 170, 172)), 0.35)


def clock(sheet: Sheet, face: RGB, hand: RGB, frame: RGB = OAK) -> None:
    """Draw a wall clock at ten past ten."""
    sheet.fill(ellipse(0, 230, 200), lit(frame))
    sheet.fill(ellipse(0, 230, 178), flat(shade(frame, 0.45)))
    sheet.fill(ellipse(2, 227, 175), lit(face, 0.6))
    with sheet.placed(2, 228):
        for hour in range(12):
            mark = box(-4, 136, 4, 160, 4) if hour % 3 else box(-6, 126, 6, 160, 6)
            sheet.fill(turned(mark, -30 * hour), hand)
        for angle, length, width in ((57, 78, 13), (-60, 122, 9)):
            sheet.line(turned([(0, -16), (0, length)], angle), width, hand)
        sheet.line(turned([(0, -30), (0, 132)], 168), 4, RUST)
        sheet.fill(ellipse(0, 0, 13), rounded(BRASS))
