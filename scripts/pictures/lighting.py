"""Lamps, lanterns and candles."""

from __future__ import annotations

from pictures.kitchen import gleam
from pictures.outlines import TILT, Outline, arc, box, disc, ellipse, knots, smooth, turning
from pictures.palette import BRASS, BUTTER, CHARCOAL, CREAM, OAK, RGB, STEEL, WHITE, light, mix, shade
from pictures.sheet import Sheet, fading, flat, lit, rounded

FLAME: RGB = (250, 190, 84)
GLOW: RGB = (255, 232, 176)


def halo(sheet: Sheet, x: float, y: float, r: float, strength: float = 0.05) -> None:
    """Draw light around a lamp, as rings that add up."""
    for ring in range(9, 0, -1):
        sheet.fill(ellipse(x, y, r * ring / 9), GLOW, strength)


def flame(sheet: Sheet, x: float, y: float, size: float = 1) -> None:
    """Draw a burning wick that starts at (x, y)."""
    halo(sheet, x, y + 30 * size, 74 * size, 0.045)
    sheet.line([(x, y - 4), (x, y + 14 * size)], 3.5 * size, CHARCOAL)
    for wide, high, colour in ((12, 62, FLAME), (7, 38, (255, 238, 190))):
        w, h = wide * size, high * size
        side = [(x, y + h), (x, y + h), (x + w * 0.8, y + h * 0.46), (x + w * 0.6, y + 8 * size), (x, y + 4 * size)]
        half = smooth(side)
        sheet.fill(half + [(2 * x - px, py) for px, py in half[::-1]], colour)


def mushroom_lamp(sheet: Sheet, colour: RGB) -> None:
    """Draw a table lamp with a domed shade."""
    halo(sheet, 0, 230, 300, 0.035)
    sheet.fill(turning(knots("0,104 0,104 16,106 34,70 56,34 240,30")), rounded(colour))
    sheet.fill(turning([(190, 30), (240, 120)], rounded=False), fading(GLOW, mix(colour, GLOW, 0.4)), 0.5)
    dome = turning(knots("236,196 236,196 262,198 340,172 398,104 420,30 421,4"))
    sheet.fill(dome, rounded(light(colour, 0.08)))
    with sheet.within(dome):
        sheet.fill(ellipse(0, 220, 190, 76), flat(GLOW), 0.16)
    sheet.fill(ellipse(0, 234, 190, 30), fading(mix(GLOW, colour, 0.2), GLOW))
    sheet.fill(ellipse(0, 230, 120, 18), flat((255, 248, 226)))
    sheet.line(smooth([(6, 20), (120, 6), (240, 10), (330, -8)]), 6, shade(CHARCOAL, 0.1))
    sheet.fill(turning(knots("0,104 0,104 16,106 34,70 56,36 70,33")), rounded(colour))
    gleam(sheet, -122, 292, 362, 17, -8)


def desk_lamp(sheet: Sheet, colour: RGB) -> None:
    """Draw a jointed desk lamp."""
    sheet.fill([(70, 330), (256, 330), (330, 4), (10, 4)], fading(GLOW, light(GLOW, 0.4)), 0.14)
    sheet.fill(turning(knots("0,98 0,98 16,96 28,60 34,16 34,16"), x=-110), rounded(colour))
    for one, two in (((-110, 34), (-172, 230)), ((-172, 230), (60, 424))):
        sheet.line([one, two], 15, shade(BRASS, 0.22))
        sheet.line([(one[0] - 2, one[1] + 2), (two[0] - 2, two[1] + 2)], 5, light(BRASS, 0.5))
    for x, y in ((-172, 230), (60, 424)):
        sheet.fill(ellipse(x, y, 19), rounded(colour))
        sheet.fill(ellipse(x, y, 7), flat(light(BRASS, 0.3)))
    with sheet.placed(66, 424, 1, 34):
        sheet.fill(turning(knots("-124,112 -124,112 -74,98 -26,44 -8,38 26,34 34,16")), rounded(colour))
        sheet.fill(ellipse(0, -124, 112, 26), flat(GLOW))
        sheet.fill(ellipse(0, -126, 46, 14), flat(WHITE))


def floor_lamp(sheet: Sheet, shade_colour: RGB = CREAM) -> None:
    """Draw a standing lamp on three oak legs."""
    halo(sheet, 0, 430, 250, 0.03)
    for foot, colour in ((24, shade(OAK, 0.3)), (-112, OAK), (116, shade(OAK, 0.12))):
        sheet.line([(foot * 0.14, 360), (foot, 14 if foot == 24 else 2)], 14, colour)
        sheet.line([(foot * 0.14 - 3, 356), (foot - 3, 16)], 4, light(OAK, 0.3), 0.6)
    sheet.line([(-54, 180), (56, 180)], 6, BRASS)
    sheet.fill(box(-24, 336, 24, 372, 6), rounded(BRASS))
    drum = turning([(356, 140), (536, 104)], rounded=False)
    sheet.fill(drum, rounded(mix(shade_colour, GLOW, 0.45), 0.6))
    with sheet.within(drum):
        sheet.fill(ellipse(0, 440, 74, 120), flat((255, 246, 214)), 0.32)
        sheet.line(arc(0, 360, 140, 140 * TILT, 180, 360), 9, shade(shade_colour, 0.22))
        sheet.line(arc(0, 534, 104, 104 * TILT, 180, 360), 7, shade(shade_colour, 0.22))
    sheet.fill(disc(0, 536, 104), lit(light(shade_colour, 0.3)))
    sheet.fill(disc(0, 535, 94), flat(mix(GLOW, WHITE, 0.4)))


def paper_lantern(sheet: Sheet, colour: RGB = WHITE) -> None:
    """Draw a ribbed paper lantern that hangs from the ceiling."""
    halo(sheet, 0, 200, 340, 0.03)
    sheet.line([(0, 380), (0, 700)], 5, CHARCOAL)
    ball = ellipse(0, 200, 206, 184)
    sheet.fill(ball, rounded(mix(colour, GLOW, 0.35), 0.55))
    with sheet.within(ball):
        sheet.fill(ellipse(-10, 190, 130, 110), flat((255, 250, 228)), 0.4)
        for row in range(-8, 9):
            wide = 206 * (1 - (row * 21 / 184) ** 2) ** 0.5 if abs(row) * 21 < 184 else 0
            sheet.line(arc(0, 204 + row * 21, wide, 26, 180, 360), 2.6, shade(colour, 0.3), 0.42)
    sheet.fill(ellipse(0, 376, 52, 9), flat(shade(colour, 0.45)))
    sheet.fill(ellipse(0, 22, 52, 8), flat(GLOW))


def jar_candle(sheet: Sheet, wax: RGB, label: RGB = CREAM) -> None:
    """Draw a candle in an amber tumbler, with a label."""
    glass = turning([(0, 118), (0, 118), (12, 128), (250, 134)])
    sheet.fill(ellipse(0, 250, 134, 134 * TILT), flat(shade(wax, 0.25)), 0.8)
    sheet.fill(glass, rounded(light(wax, 0.1), 0.7), 0.9)
    sheet.fill(turning([(16, 118), (188, 124)]), rounded(wax, 0.9))
    sheet.fill(disc(0, 188, 124), lit(light(wax, 0.55)))
    halo(sheet, 0, 188, 70, 0.05)
    flame(sheet, 0, 190, 1.15)
    sheet.line([*ellipse(0, 250, 132, 132 * TILT), (132, 250)], 5, WHITE, 0.75)
    with sheet.within(glass):
        sheet.fill(
            [*arc(0, 150, 96, 18, 198, 342), *arc(0, 58, 96, 18, 342, 198)],
            lit(label),
        )
    sheet.line([(-44, 112), (44, 112)], 7, shade(wax, 0.45))
    sheet.line([(-58, 90), (58, 90)], 4, shade(wax, 0.3), 0.8)
    sheet.line([(-34, 72), (34, 72)], 4, shade(wax, 0.3), 0.8)
    gleam(sheet, -106, 40, 210, 11, 2)


def tapers(sheet: Sheet, colours: tuple[RGB, ...]) -> None:
    """Draw dinner candles side by side, tied with paper."""
    start = -36 * (len(colours) - 1)
    for number, colour in enumerate(colours):
        x = start + 72 * number
        top = 400 + (number % 2) * 26
        sheet.line([(x, top), (x + 5, top + 32)], 4, shade(CREAM, 0.2))
        sheet.fill(turning([(0, 27), (0, 27), (top - 40, 19), (top, 9), (top + 4, 3)], x=x), rounded(colour))
    half = 36 * len(colours) - 4
    sheet.fill(box(-half, 120, half, 226, 4), lit(CREAM))
    sheet.line([(-half, 173), (half, 173)], 5, shade(OAK, 0.2))
    for side in (-1, 1):
        loop = [(0, 173), (20 * side, 196), (44 * side, 190), (42 * side, 166), (0, 173)]
        sheet.line(smooth(loop), 5, shade(OAK, 0.2))
        sheet.line(smooth([(0, 173), (14 * side, 150), (26 * side, 128)]), 5, shade(OAK, 0.2))


def candlestick(sheet: Sheet, wax: RGB = CREAM) -> None:
    """Draw a turned brass candlestick with a burning candle."""
    sheet.fill(turning([(190, 24), (380, 19), (384, 8)]), rounded(wax))
    flame(sheet, 0, 384, 1.1)
    foot = knots("0,112 0,112 14,116 28,74 40,26 66,22 84,38 104,22 140,18 166,26")
    sheet.fill(turning([*foot, (176, 52), (188, 56), (188, 56)]), rounded(BRASS))
    sheet.fill(disc(0, 188, 56), lit(light(BRASS, 0.25)))
    sheet.fill(turning([(184, 28), (206, 30)], rounded=False), rounded(BRASS))
    sheet.fill(turning([(200, 24), (240, 23)], rounded=False), rounded(wax))
    sheet.line(arc(0, 16, 108, 108 * TILT, 200, 300), 4, WHITE, 0.5)


def storm_lantern(sheet: Sheet, colour: RGB) -> None:
    """Draw a lantern with a wire handle, a glass and a flame."""
    sheet.line(smooth(knots("-128,300 -140,400 0,478 140,400 128,300")), 8, shade(STEEL, 0.35))
    halo(sheet, 0, 220, 230, 0.035)
    for side in (-1, 1):
        tube: Outline = [(side * 92, 66), (side * 132, 110), (side * 132, 310), (side * 70, 364)]
        sheet.line(smooth(tube), 16, shade(colour, 0.18))
        sheet.line([(x - 3, y) for x, y in smooth(tube)], 5, light(colour, 0.4), 0.7)
    sheet.fill(turning(knots("0,122 0,122 40,126 70,100 92,66 104,64")), rounded(colour))
    glass = turning(knots("104,58 150,88 210,92 260,74 310,58"))
    sheet.fill(glass, rounded(mix(BUTTER, WHITE, 0.5), 0.4), 0.55)
    flame(sheet, 0, 136, 1.5)
    sheet.fill(box(-16, 104, 16, 140, 5), rounded(BRASS))
    sheet.fill(turning(knots("304,66 304,66 326,70 348,52 352,44 392,42 400,58 414,30 420,6")), rounded(colour))
    sheet.line(arc(0, 44, 126, 126 * TILT, 180, 360), 5, shade(colour, 0.4), 0.7)
    sheet.fill(ellipse(98, 48, 14), rounded(BRASS))
    gleam(sheet, -62, 160, 240, 9, 4)
