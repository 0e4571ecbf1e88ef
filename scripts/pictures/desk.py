"""Notebooks, pens and the rest of the desk. Most lie flat and are seen from above, around the origin."""

from __future__ import annotations

from pictures.kitchen import wood
from pictures.outlines import TILT, arc, box, ellipse, knots, smooth, turning
from pictures.palette import (
    ASH,
    BERRY,
    BRASS,
    BUTTER,
    CHARCOAL,
    CREAM,
    INK,
    MOSS,
    MUSTARD,
    OAK,
    PLUM,
    RGB,
    ROSE,
    RUST,
    SAGE,
    SEA,
    STEEL,
    WALNUT,
    WHITE,
    light,
    shade,
)
from pictures.sheet import Sheet, flat, lit, rounded


def notebook(sheet: Sheet, colour: RGB, ribbon: RGB = RUST) -> None:
    """Draw a clothbound notebook with a ribbon and a paper label."""
    with sheet.placed(turn=-8):
        sheet.line(smooth([(64, -220), (70, -262), (60, -300)]), 11, ribbon)
        sheet.fill(box(-166, -236, 178, 222, 10), flat(shade(colour, 0.4)))
        sheet.fill(box(-160, -231, 173, 226, 6), lit(CREAM))
        for shift in (0, 4, 8):
            sheet.line([(168 - shift * 0.4, -226 + shift), (168 - shift * 0.4, 220)], 1.6, shade(CREAM, 0.3), 0.6)
        cover = box(-172, -226, 168, 234, 12)
        sheet.fill(cover, lit(colour))
        with sheet.within(cover):
            for step in range(-230, 240, 6):
                sheet.line([(-180, step), (180, step)], 1.4, light(colour, 0.4), 0.16)
            sheet.fill(box(-180, -240, -122, 240), shade(colour, 0.34), 0.55)
            sheet.line([(-122, -240), (-122, 240)], 3, light(colour, 0.4), 0.4)
        sheet.fill(box(-62, 60, 110, 160, 5), lit(CREAM))
        sheet.line([*box(-52, 70, 100, 150), (-52, 70)], 2.6, shade(colour, 0.1), 0.8)
        sheet.line([(-30, 120), (78, 120)], 4, shade(colour, 0.1), 0.75)
        sheet.line([(-12, 98), (60, 98)], 3, shade(colour, 0.1), 0.6)


def pocket_books(sheet: Sheet, colours: tuple[RGB, RGB, RGB]) -> None:
    """Draw three stapled pocket notebooks, fanned out."""
    for number, colour in enumerate(colours):
        with sheet.placed(-92 + 92 * number, -12 + 6 * number, 1, 16 - 16 * number):
            sheet.fill(box(-128, -190, 132, 186, 8), flat(shade(colour, 0.42)), 0.5)
            cover = box(-130, -186, 130, 190, 9)
            sheet.fill(cover, lit(colour))
            for y in (-96, 100):
                sheet.line([(-124, y - 16), (-124, y + 16)], 4, shade(STEEL, 0.2))
            if number == 0:
                for row in range(-150, 170, 38):
                    sheet.line(
                        smooth([(-96, row), (-50, row + 14), (0, row), (50, row + 14), (96, row)]),
                        5,
                        light(colour, 0.5),
                        0.8,
                    )
            elif number == 1:
                for row in range(-150, 170, 44):
                    for column in range(-88, 100, 44):
                        sheet.fill(ellipse(column, row, 7), light(colour, 0.6))
            else:
                sheet.fill(ellipse(0, 22, 62), lit(light(colour, 0.6)))
                sheet.fill(knots("-96,-110 -30,12 20,-54 44,-22 96,-110"), shade(colour, 0.25))


def planner(sheet: Sheet, colour: RGB) -> None:
    """Draw an open weekly planner with a pencil across it."""
    with sheet.placed(turn=4):
        sheet.fill(box(-300, -206, 300, 206, 12), lit(colour))
        for side in (-1, 1):
            page = smooth([(side * 2, 190), (side * 2, 190), (side * 120, 200), (side * 286, 194), (side * 286, 194)])
            page += smooth(
                [(side * 286, -194), (side * 286, -194), (side * 120, -188), (side * 2, -198), (side * 2, -198)]
            )
            sheet.fill(page, lit(CREAM))
            with sheet.within(page):
                sheet.fill(box(min(0, side * 40), -220, max(0, side * 40), 220), shade(CREAM, 0.4), 0.14)
                for row, y in enumerate((112, 28, -56, -140)):
                    left, right = sorted((side * 34, side * 262))
                    sheet.line([(left, y), (right, y)], 2.4, shade(CREAM, 0.35), 0.8)
                    sheet.fill(box(left, y + 42, left + 52, y + 56, 4), (colour, ROSE, SAGE, MUSTARD)[row])
                    if (row + side) % 2:
                        sheet.line(
                            smooth([(left + 4, y + 18), (left + 50, y + 24), (left + 96 + row * 14, y + 16)]),
                            3.4,
                            INK,
                            0.7,
                        )
        sheet.line([(4, -200), (8, -250)], 10, BERRY)
    with sheet.placed(70, -40, 0.86, 58):
        pencil(sheet, MUSTARD)


def sketchbook(sheet: Sheet, colour: RGB) -> None:
    """Draw a spiral-bound sketchbook with a drawn leaf on the cover."""
    with sheet.placed(turn=6):
        sheet.fill(box(-196, -250, 200, 250, 8), lit(CREAM))
        sheet.fill(box(-200, -246, 194, 254, 10), lit(colour))
        for y in range(-222, 240, 27):
            sheet.fill(ellipse(-176, y, 6), flat(shade(colour, 0.6)))
            sheet.line(arc(-198, y + 2, 24, 10, -10, 210, 20), 5, shade(STEEL, 0.25))
            sheet.line(arc(-199, y + 4, 23, 9, 30, 160, 20), 2, WHITE, 0.9)
        line = light(colour, 0.78)
        sheet.line(smooth([(6, -150), (14, 0), (4, 160)]), 5, line)
        for y, reach in ((-90, 84), (-30, 92), (30, 84), (84, 64), (126, 42)):
            for side in (-1, 1):
                vein = [(10, y), (10 + side * reach * 0.5, y + 10), (10 + side * reach, y + reach * 0.62)]
                sheet.line(smooth(vein), 5, line)
                sheet.line(smooth([vein[0], (10 + side * reach * 0.7, y + reach * 0.6), vein[2]]), 5, line)


def pencil(sheet: Sheet, colour: RGB) -> None:
    """Draw one upright pencil, point upwards."""
    sheet.fill(box(-13, -230, 13, -196, 7), rounded(ROSE))
    sheet.fill(box(-14, -200, 14, -164), rounded(BRASS))
    sheet.fill([(-13, -164), (13, -164), (13, 180), (-13, 180)], flat(colour))
    sheet.fill([(-13, -164), (-5, -164), (-5, 182), (-13, 180)], light(colour, 0.35))
    sheet.fill([(6, -164), (13, -164), (13, 180), (6, 182)], shade(colour, 0.25))
    sheet.fill(knots("-13,180 -5,186 6,184 13,180 4,216 -4,216"), lit(ASH))
    sheet.fill([(-4.4, 213), (4.4, 213), (0, 230)], CHARCOAL)


def pencils(sheet: Sheet, tin: RGB) -> None:
    """Draw an open tin of colouring pencils."""
    with sheet.placed(turn=-5):
        sheet.fill(box(-262, -262, 262, 232, 24), lit(shade(tin, 0.12)))
        sheet.fill(box(-252, -252, 252, 222, 18), lit(light(tin, 0.1)))
        sheet.fill(box(-238, -238, 238, 208, 12), flat(shade(tin, 0.5)))
        colours = (BERRY, RUST, MUSTARD, BUTTER, SAGE, MOSS, SEA, INK, PLUM, ROSE, WALNUT, CHARCOAL)
        for number, colour in enumerate(colours):
            with sheet.placed(-209 + 38 * number, -16 + (number % 3) * 4, 0.9):
                pencil(sheet, colour)
        sheet.fill(box(-238, -238, 238, -150, 0), light(tin, 0.65), 0.96)
        sheet.line([(-90, -186), (90, -186)], 7, shade(tin, 0.1))
        sheet.line([(-50, -210), (50, -210)], 4, shade(tin, 0.1), 0.8)


def fountain_pen(sheet: Sheet, colour: RGB) -> None:
    """Draw a fountain pen beside its cap, above a line of ink."""
    line = smooth(knots("-270,-190 -210,-140 -190,-210 -130,-150 -110,-210 -50,-160 0,-200 70,-176 190,-190"))
    sheet.line(line, 5, INK, 0.75)
    with sheet.placed(-10, 40, 1.12, -52):
        sheet.fill(smooth(knots("-26,-80 -26,-80 -25,130 -19,238 0,250 19,238 25,130 26,-80 26,-80")), rounded(colour))
        sheet.fill(box(-27, -92, 27, -76, 3), rounded(BRASS))
        sheet.fill([(-23, -92), (23, -92), (18, -164), (-18, -164)], rounded(shade(CHARCOAL, 0.2)))
        nib = smooth(knots("-19,-160 -22,-200 0,-262 0,-262 22,-200 19,-160"))
        sheet.fill(nib, rounded(BRASS))
        sheet.line([(0, -204), (0, -260)], 2.4, CHARCOAL)
        sheet.fill(ellipse(0, -204, 5), CHARCOAL)
        sheet.line([(-12, -60), (-12, 190)], 6, WHITE, 0.5)
    with sheet.placed(120, -70, 1.12, -38):
        sheet.fill(smooth(knots("-29,-96 -29,-96 -29,60 -22,104 0,112 22,104 29,60 29,-96 29,-96")), rounded(colour))
        sheet.fill(box(-30, -100, 30, -82, 3), rounded(BRASS))
        sheet.fill(box(-5, -66, 7, 86, 6), rounded(BRASS))
        sheet.fill(ellipse(1, -62, 9), rounded(BRASS))


def scissors(sheet: Sheet) -> None:
    """Draw brass-handled paper scissors, a little open."""
    for side in (-1, 1):
        with sheet.placed(0, -10, 1.08, side * 11):
            blade = [(side * -15, 0), (side * -12, 150), (side * 2, 268), (side * 11, 130), (side * 15, 0)]
            sheet.fill(blade, rounded(STEEL))
            sheet.line([(side * 2, 20), (side * 2, 250)], 2.4, WHITE, 0.9)
            sheet.line([(0, 8), (side * 26, -90)], 21, shade(BRASS, 0.1))
            ring = ellipse(side * 58, -166, 56, 84)
            sheet.line([*ring, ring[0]], 21, shade(BRASS, 0.14))
            sheet.line([(x - 4, y + 4) for x, y in [*ring, ring[0]]], 6, light(BRASS, 0.6), 0.8)
    sheet.fill(ellipse(0, -4, 19), rounded(BRASS))
    sheet.line([(-9, -10), (9, 2)], 4, shade(BRASS, 0.5))


def desk_tidy(sheet: Sheet, colour: RGB) -> None:
    """Draw a pencil pot with pencils, a brush and a ruler in it."""
    for x, turn, tone in ((-58, 12, RUST), (64, -13, SEA), (16, 3, MUSTARD)):
        with sheet.placed(x, 258, 1, turn):
            pencil(sheet, tone)
    with sheet.placed(-14, 250, 1, 6):
        sheet.fill(box(-21, -160, 21, 226, 3), lit(ASH))
        for y in range(-20, 224, 16):
            sheet.line([(-21, y), (-21 + (18 if y % 32 else 10), y)], 2.6, shade(ASH, 0.6))
    with sheet.placed(40, 240, 1, -7):
        sheet.fill(box(-7, -100, 7, 150, 6), rounded(BERRY))
        sheet.fill(box(-10, 146, 10, 184, 2), rounded(STEEL))
        sheet.fill(smooth(knots("-10,184 -15,210 0,250 0,250 15,210 10,184")), rounded(WALNUT))
    body = turning([(0, 114), (236, 120)], rounded=False)
    sheet.fill(body, rounded(colour))
    with sheet.within(body):
        for x in range(-112, 120, 16):
            sheet.line([(x, -30), (x, 240)], 3.4, shade(colour, 0.35), 0.22)
        sheet.fill([*arc(0, 56, 124, 20, 180, 360), (124, -40), (-124, -40)], rounded(OAK))
    sheet.line(arc(0, 233, 118, 118 * TILT, 180, 360), 8, light(colour, 0.35))


def postcards(sheet: Sheet) -> None:
    """Draw three postcards with little landscapes."""
    scenes: tuple[tuple[float, float, float, RGB, RGB, RGB], ...] = (
        (-96, 92, 12, BUTTER, RUST, PLUM),
        (104, 40, -10, (190, 214, 220), SAGE, MOSS),
        (-30, -118, 3, ROSE, SEA, INK),
    )
    for x, y, turn, sky, far, near in scenes:
        with sheet.placed(x, y, 1, turn):
            sheet.fill(box(-186, -128, 186, 126, 6), shade(CREAM, 0.5), 0.4)
            sheet.fill(box(-186, -124, 186, 130, 6), lit(WHITE, 0.5))
            window = box(-168, -106, 168, 112, 2)
            sheet.fill(window, lit(sky))
            with sheet.within(window):
                sheet.fill(ellipse(76, 48, 34), light(sky, 0.7))
                hills = smooth(knots("-180,-20 -90,26 0,-16 90,22 180,-10"))
                sheet.fill([*hills, (180, -120), (-180, -120)], far)
                front = smooth([(-180, -70), (-60, -26), (60, -66), (180, -40)])
                sheet.fill([*front, (180, -120), (-180, -120)], near)


def letter_box(sheet: Sheet) -> None:
    """Draw an oak letter rack with envelopes."""
    sheet.fill(box(-180, 0, 180, 26, 8), lit(shade(OAK, 0.15)))
    wood(sheet, box(-170, 20, 170, 300, 24), shade(OAK, 0.18))
    for x, top, colour in ((-24, 340, BLUE), (18, 300, CREAM), (-8, 262, ROSE)):
        sheet.fill(box(x - 140, 40, x + 140, top, 5), lit(colour))
        sheet.line([(x - 138, top - 4), (x, top - 96), (x + 138, top - 4)], 4, shade(colour, 0.3), 0.8)
    sheet.fill(ellipse(-8, 170, 19), rounded(BERRY))
    wood(sheet, box(-176, 16, 176, 140, 20), OAK)


BLUE: RGB = (176, 200, 208)
