"""Teapots, kettles and the making of coffee."""

from __future__ import annotations

from pictures.kitchen import gleam
from pictures.outlines import TILT, arc, box, disc, ellipse, knots, smooth, turning
from pictures.palette import BRASS, CHARCOAL, OAK, RGB, STEEL, WALNUT, WHITE, light, shade
from pictures.sheet import Sheet, fading, flat, lit, rounded

COFFEE: RGB = (84, 50, 36)
GLASS: RGB = (206, 222, 222)


def teapot(sheet: Sheet, glaze: RGB) -> None:
    """Draw a round-bellied teapot with a cane handle."""
    spout = [
        *smooth([(120, 70), (196, 120), (214, 216), (262, 258)]),
        *smooth([(234, 272), (178, 236), (150, 190), (96, 180)]),
    ]
    sheet.fill(spout, lit(shade(glaze, 0.08)))
    sheet.fill(ellipse(248, 265, 17, 8), flat(shade(glaze, 0.5)))
    body = turning(knots("0,84 0,84 12,96 60,164 130,180 210,134 240,78 240,78"))
    sheet.fill(body, rounded(glaze))
    sheet.speckle(body, shade(glaze, 0.45), 110, 2)
    sheet.line(arc(0, 240, 78, 15, 180, 360), 7, shade(glaze, 0.35))
    sheet.fill(turning(knots("242,76 242,76 262,62 276,24 278,12 278,12")), rounded(light(glaze, 0.08)))
    sheet.fill(turning(knots("276,10 286,12 296,20 310,19 318,6")), rounded(OAK))
    cane = smooth(knots("-104,218 -128,300 -84,392 0,420 84,392 128,300 104,218"))
    sheet.line(cane, 19, shade(OAK, 0.28))
    sheet.line([(x - 2, y + 4) for x, y in cane], 8, light(OAK, 0.25))
    for x in (-104, 104):
        sheet.fill(ellipse(x, 216, 16), rounded(shade(glaze, 0.2)))
    gleam(sheet, -118, 96, 184, 17, 16)


def kettle(sheet: Sheet, colour: RGB) -> None:
    """Draw a stove-top kettle with a wooden grip."""
    spout = [*smooth([(110, 110), (190, 150), (250, 236)]), *smooth([(224, 252), (170, 210), (100, 190)])]
    sheet.fill(spout, lit(shade(colour, 0.12)))
    sheet.line([(222, 253), (252, 235)], 9, shade(colour, 0.5))
    sheet.fill(turning(knots("0,168 0,168 14,176 70,168 170,122 228,72 228,72")), rounded(colour))
    sheet.line(arc(0, 20, 174, 174 * TILT, 180, 360), 9, shade(colour, 0.45), 0.8)
    sheet.fill(turning(knots("230,72 230,72 246,60 254,16 254,16")), rounded(light(colour, 0.1)))
    sheet.fill(turning(knots("252,8 262,9 270,16 284,14 290,4")), rounded(WALNUT))
    bow = smooth(knots("-96,200 -120,290 -92,376 0,388 92,376 120,290 96,200"))
    sheet.line(bow, 11, shade(STEEL, 0.3))
    sheet.line([(x - 2, y + 2) for x, y in bow], 4, WHITE, 0.7)
    sheet.line(smooth([(-76, 382), (0, 389), (76, 382)]), 30, shade(WALNUT, 0.12))
    sheet.line(smooth([(-72, 388), (0, 395), (72, 388)]), 9, light(WALNUT, 0.3), 0.7)
    gleam(sheet, -112, 70, 158, 17, 14)


def pour_over(sheet: Sheet, collar: RGB = OAK) -> None:
    """Draw an hourglass coffee maker of glass with a wooden collar."""
    glass = turning(knots("0,118 0,118 16,136 90,128 190,56 214,44 240,54 390,126"))
    sheet.fill(glass, rounded(GLASS, 0.4), 0.62)
    coffee = turning(knots("6,116 6,116 20,130 60,132 96,121 96,121"))
    sheet.fill(coffee, rounded(COFFEE, 0.9))
    sheet.fill(disc(0, 96, 121), lit(light(COFFEE, 0.2)))
    paper = [(-112, 396), (112, 396), (10, 226), (-10, 226)]
    with sheet.within(glass):
        sheet.fill(paper, lit(WHITE), 0.9)
    sheet.fill(knots("-116,392 116,392 100,420 0,432 -96,416"), lit(WHITE))
    sheet.fill(ellipse(0, 392, 117, 20), flat(shade(WHITE, 0.12)))
    sheet.fill(ellipse(0, 388, 96, 14), lit(COFFEE))
    sheet.line(arc(0, 390, 126, 126 * TILT, 180, 360), 5, WHITE, 0.8)
    grip = turning(knots("180,66 180,66 214,54 250,66 250,66"))
    sheet.fill(grip, rounded(collar))
    sheet.line(arc(0, 216, 54, 10, 180, 360), 7, shade(WALNUT, 0.25))
    sheet.line([(14, 206), (26, 178)], 5, shade(WALNUT, 0.25))
    sheet.fill(ellipse(13, 204, 9), rounded(WALNUT))
    gleam(sheet, -94, 40, 120, 10, 10)
    gleam(sheet, -92, 310, 372, 8, 0)


def cafetiere(sheet: Sheet, metal: RGB = BRASS) -> None:
    """Draw a French press in a metal frame."""
    handle = smooth([(96, 320), (186, 306), (196, 180), (104, 90)])
    sheet.line(handle, 25, shade(CHARCOAL, 0.1))
    sheet.line([(x - 3, y + 5) for x, y in handle], 8, light(CHARCOAL, 0.3), 0.7)
    glass = turning([(14, 108), (340, 108)], rounded=False)
    sheet.fill(glass, rounded(GLASS, 0.4), 0.66)
    sheet.fill(turning([(14, 104), (206, 104)], rounded=False), rounded(COFFEE, 0.9))
    sheet.fill(disc(0, 206, 104), lit((150, 104, 72)))
    sheet.line([(0, 206), (0, 352)], 7, shade(STEEL, 0.15))
    sheet.fill(turning([(0, 120), (0, 120), (22, 114), (22, 114)]), rounded(metal))
    for y in (110, 286):
        sheet.line(arc(0, y, 110, 110 * TILT, 180, 360), 13, shade(metal, 0.18))
        sheet.line(arc(0, y + 3, 110, 110 * TILT, 190, 290), 4, light(metal, 0.6), 0.8)
    for x in (-100, -34, 40, 100):
        drop = 110 * TILT * (1 - (x / 110) ** 2) ** 0.5
        sheet.line([(x, 10 - drop), (x, 292 - drop)], 10, shade(metal, 0.12))
    sheet.fill(turning(knots("338,116 338,116 362,110 384,60 390,14 390,14")), rounded(metal))
    sheet.line([(0, 390), (0, 428)], 8, shade(STEEL, 0.2))
    sheet.fill(ellipse(0, 442, 23), rounded(CHARCOAL))
    gleam(sheet, -68, 60, 240, 11)


def grinder(sheet: Sheet) -> None:
    """Draw a hand grinder: a wooden box with a drawer, a brass dome and a crank."""
    sheet.fill(box(-140, 0, 140, 26, 8), lit(shade(WALNUT, 0.15)))
    sheet.fill(box(-122, 24, 122, 190, 6), lit(WALNUT))
    sheet.fill([(-122, 190), (122, 190), (104, 214), (-104, 214)], lit(light(WALNUT, 0.14)))
    sheet.fill(box(-88, 52, 88, 146, 6), flat(shade(WALNUT, 0.4)))
    sheet.fill(box(-83, 57, 83, 142, 5), lit(light(WALNUT, 0.1)))
    sheet.fill(ellipse(0, 100, 15), rounded(BRASS))
    sheet.fill(turning(knots("206,92 206,92 250,86 300,44 314,16 314,16")), rounded(BRASS))
    sheet.line(arc(0, 212, 90, 14, 180, 360), 7, shade(BRASS, 0.4), 0.7)
    sheet.line([(0, 310), (0, 352)], 13, shade(STEEL, 0.25))
    sheet.line(smooth([(0, 352), (70, 366), (158, 352)]), 13, shade(STEEL, 0.2))
    sheet.line(smooth([(0, 355), (70, 369), (150, 356)]), 4, WHITE, 0.7)
    sheet.fill(turning(knots("350,14 350,14 374,24 404,22 420,8"), x=160), rounded(OAK))
    gleam(sheet, -52, 232, 280, 11, 6)


def coffee_bag(sheet: Sheet, colour: RGB, label: RGB) -> None:
    """Draw a bag of coffee with a folded top and a paper label."""
    side = [
        *smooth([(-128, 6), (-136, 120), (-126, 300), (-118, 356)]),
        *smooth([(118, 356), (128, 300), (136, 120), (128, 6)]),
    ]
    sheet.fill([*side, *smooth([(128, 6), (0, -12), (-128, 6)])], rounded(colour, 0.75))
    sheet.fill([(-118, 352), (118, 352), (112, 420), (-112, 420)], lit(shade(colour, 0.1)))
    sheet.fill(box(-116, 348, 116, 374, 4), fading(light(colour, 0.15), shade(colour, 0.2)))
    sheet.fill(box(-128, 352, 128, 364, 5), lit(shade(BRASS, 0.1)))
    for x, lean in ((-96, 8), (98, -8)):
        sheet.line(smooth([(x, 340), (x + lean, 190), (x, 20)]), 5, shade(colour, 0.5), 0.25)
    sheet.fill(box(-78, 78, 78, 284, 10), lit(label))
    sheet.fill(ellipse(0, 214, 42), flat(shade(colour, 0.05)))
    with sheet.placed(0, 214, 1, 24):
        sheet.fill(ellipse(0, 0, 18, 27), rounded(label))
        sheet.line(smooth([(2, 26), (-5, 8), (5, -8), (-2, -26)]), 4, colour)
    for y, half in ((142, 50), (122, 36), (102, 44)):
        sheet.line([(-half, y), (half, y)], 6, colour, 0.75)
