"""Games, puzzles and toys."""

from __future__ import annotations

from math import cos, radians, sin

from pictures.kitchen import wood
from pictures.outlines import Outline, arc, box, ellipse, knots, moved, smooth
from pictures.palette import (
    ASH,
    BERRY,
    BUTTER,
    CHARCOAL,
    CREAM,
    FOREST,
    INK,
    MIST,
    MUSTARD,
    OAK,
    RGB,
    ROSE,
    RUST,
    SAGE,
    SEA,
    WALNUT,
    WHITE,
    light,
    shade,
)
from pictures.sheet import Sheet, flat, lit, rounded


def board_game(sheet: Sheet) -> None:
    """Draw the box of a game about lighthouses, with pieces in front of it."""
    with sheet.placed(0, 24):
        sheet.fill([(186, 0), (232, 30), (232, 416), (186, 392)], lit(shade(INK, 0.35)))
        sheet.fill([(-196, 392), (-150, 416), (232, 416), (186, 392)], lit(light(INK, 0.2)))
        front = box(-196, 0, 186, 392, 4)
        sheet.fill(front, lit(INK))
        with sheet.within(front):
            _lighthouse_scene(sheet)
        sheet.fill(box(-150, 330, 140, 372, 6), lit(CREAM))
        for number, x in enumerate(range(-128, 120, 28)):
            sheet.fill(box(x, 342, x + 17, 360, 3), (RUST, INK, SEA)[number % 3])
    for x, y, colour in ((-214, 0, RUST), (-166, -22, MUSTARD), (214, -8, SEA)):
        meeple(sheet, x, y, 0.74, colour)
    die(sheet, 120, -20, 52)


def _lighthouse_scene(sheet: Sheet) -> None:
    sheet.fill(box(-200, 0, 190, 400), lit((66, 92, 122)))
    sheet.fill(ellipse(116, 270, 36), BUTTER)
    sheet.fill([(-48, 252), (-240, 340), (-240, 230)], BUTTER, 0.4)
    sheet.fill([(-28, 252), (240, 330), (240, 196)], BUTTER, 0.25)
    sheet.fill([(-76, 84), (0, 84), (-18, 232), (-58, 232)], lit(CREAM))
    for low, high in ((112, 142), (172, 202)):
        (left, right), (inner, outer) = ((-76 + (y - 84) / 8.2, (84 - y) / 8.2) for y in (low, high))
        sheet.fill([(left, low), (right, low), (outer, high), (inner, high)], RUST)
    sheet.fill(box(-60, 232, -16, 268, 3), BUTTER)
    sheet.fill([(-68, 266), (-8, 266), (-38, 302)], RUST)
    sheet.fill(smooth(knots("-150,40 -110,88 -30,96 50,76 90,40")), lit(FOREST))
    for y, colour in ((62, SEA), (38, shade(SEA, 0.2)), (14, shade(SEA, 0.4))):
        wave = smooth([(x, y + (9 if (x // 40) % 2 else -7)) for x in range(-240, 241, 40)])
        sheet.fill([*wave, (240, -60), (-240, -60)], colour)
        sheet.line(wave, 4, MIST, 0.7)


def meeple(sheet: Sheet, x: float, y: float, size: float, colour: RGB) -> None:
    """Draw a wooden playing piece."""
    half = knots("0,134 24,126 32,102 22,82 70,66 80,52 68,42 40,44 60,0 60,0 16,0 16,0 0,28")
    shape = smooth(half)
    with sheet.placed(x, y, size):
        whole = shape + [(-px, py) for px, py in shape[::-1]]
        sheet.fill(moved(whole, 12, 5), flat(shade(colour, 0.42)))
        sheet.fill(whole, lit(colour))


def die(sheet: Sheet, x: float, y: float, side: float, colour: RGB = CREAM) -> None:
    """Draw a die."""
    with sheet.placed(x, y):
        sheet.fill(
            [(side, 0), (side * 1.36, side * 0.22), (side * 1.36, side * 1.16), (side, side)], lit(shade(colour, 0.24))
        )
        sheet.fill(
            [(0, side), (side * 0.4, side * 1.2), (side * 1.36, side * 1.16), (side, side)], lit(light(colour, 0.5))
        )
        sheet.fill(box(0, 0, side, side, side * 0.1), lit(colour))
        for px, py in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75), (0.5, 0.5)):
            sheet.fill(ellipse(side * px, side * py, side * 0.085), CHARCOAL)


def draughts(sheet: Sheet) -> None:
    """Draw a draughts board of two woods, from above."""
    with sheet.placed(turn=-9):
        wood(sheet, box(-262, -262, 262, 262, 12), shade(WALNUT, 0.1))
        for row in range(8):
            for column in range(8):
                x, y = -224 + column * 56, -224 + row * 56
                sheet.fill(box(x, y, x + 56, y + 56), lit(ASH if (row + column) % 2 else WALNUT, 0.5))
        men = [(c, r, True) for r in range(3) for c in range(8) if (r + c) % 2 == 0][:9]
        men += [(c, r, False) for r in (5, 6, 7) for c in range(8) if (r + c) % 2 == 0][-9:]
        for column, row, dark in [*men, (3, 3, True), (4, 4, False)]:
            x, y = -196 + column * 56, -196 + row * 56
            colour = RUST if dark else CREAM
            sheet.fill(ellipse(x + 4, y - 5, 23), flat(shade(WALNUT, 0.5)), 0.6)
            sheet.fill(ellipse(x, y, 23), lit(colour))
            sheet.line([*ellipse(x, y, 14), (x + 14, y)], 2.6, shade(colour, 0.35), 0.7)


def cards(sheet: Sheet, back: RGB) -> None:
    """Draw a fan of playing cards beside their box."""
    with sheet.placed(60, -170):
        for number, angle in enumerate((44, 26, 8, -10, -28)):
            with sheet.placed(0, 0, 1, angle):
                card = box(-84, 90, 84, 342, 16)
                sheet.fill(moved(card, 4, -5), shade(CREAM, 0.5), 0.35)
                sheet.fill(card, lit(WHITE, 0.6))
                if number < 4:
                    sheet.fill(box(-72, 102, 72, 330, 10), lit(back))
                    for y in range(128, 320, 30):
                        for x in (-46, 0, 46):
                            sheet.fill([(x, y - 11), (x + 13, y), (x, y + 11), (x - 13, y)], light(back, 0.55), 0.9)
                else:
                    _heart(sheet, 0, 216, 2.2)
                    _heart(sheet, -58, 308, 0.72)
                    _heart(sheet, 58, 122, 0.72)
    with sheet.placed(-190, -150, 1, 10):
        sheet.fill(box(-72, -108, 84, 108, 8), flat(shade(back, 0.5)))
        sheet.fill(box(-84, -104, 74, 112, 8), lit(light(back, 0.05)))
        sheet.fill(ellipse(-5, 4, 50), lit(CREAM))
        _heart(sheet, -5, 2, 1.1)


def _heart(sheet: Sheet, x: float, y: float, size: float) -> None:
    half = smooth(knots("0,-26 0,-26 26,2 26,24 12,30 0,16 0,16"))
    heart = half + [(-px, py) for px, py in half[::-1]]
    sheet.fill([(x + px * size, y + py * size) for px, py in heart], BERRY)


def jigsaw(sheet: Sheet) -> None:
    """Draw a half-laid jigsaw of a harbour, with loose pieces."""
    side, start = 104, (-262, -150)
    for row in range(4):
        for column in range(5):
            loose = (column, row) in ((4, 0), (3, 0), (4, 1))
            x, y = start[0] + column * side, start[1] + row * side
            turn = 0
            if loose:
                x, y, turn = {(4, 0): (190, -290, 24), (3, 0): (30, -290, -18), (4, 1): (226, -110, 12)}[(column, row)]
            _piece(sheet, x + side / 2, y + side / 2, turn, side, column, row)


def _piece(sheet: Sheet, x: float, y: float, turn: float, side: float, column: int, row: int) -> None:
    """Draw one piece: knobs to the right and above, holes where neighbours' knobs go."""
    h = side / 2
    outline: Outline = [(-h, -h), (h, -h)]
    outline += _edge(h, (column + row) % 2 == 0, 0) if column < 4 else [(h, h)]
    outline += _edge(h, (column + row) % 2 == 1, 90) if row < 3 else [(-h, h)]
    outline += _edge(h, (column + row) % 2 == 0, 180) if column > 0 else []
    outline += _edge(h, (column + row) % 2 == 1, 270) if row > 0 else []
    with sheet.placed(x, y, 1, turn):
        sheet.fill(moved(outline, 3, -4), shade(INK, 0.3), 0.4)
        sheet.fill(outline, MIST)
        with sheet.within(outline), sheet.placed(-(column - 2) * side, -(row - 1.5) * side):
            _harbour(sheet)
        sheet.line([*outline, outline[0]], 2, shade(INK, 0.1), 0.35)


def _edge(h: float, knob: bool, turn: float) -> Outline:
    """Return the right-hand edge of a piece, upwards, turned into place; a knob or a hole."""
    out = 1 if knob else -1
    curve = [(h, -h), *arc(h + out * 12, 0, 17, 17, -140 if knob else -40, 140 if knob else -320, 24), (h, h)]
    c, s = cos(radians(turn)), sin(radians(turn))
    return [(px * c - py * s, px * s + py * c) for px, py in curve]


def _harbour(sheet: Sheet) -> None:
    sheet.fill(box(-300, -20, 300, 240), lit(BUTTER))
    sheet.fill(ellipse(120, 110, 54), (250, 226, 178))
    sheet.fill([*smooth(knots("-300,20 -200,90 -90,30 20,70 140,10 300,50")), (300, -40), (-300, -40)], lit(SAGE))
    for number, x in enumerate(range(-250, 240, 62)):
        colour = (RUST, CREAM, SEA, ROSE, MUSTARD)[number % 5]
        sheet.fill(box(x, -20, x + 58, 46 + number * 37 % 30), lit(colour))
        sheet.fill(box(x + 20, 4, x + 38, 30), INK)
    sheet.fill(box(-320, -240, 320, -14), lit(SEA))
    for y in (-50, -96, -150):
        sheet.line(smooth([(x, y + (7 if (x // 50) % 2 else -5)) for x in range(-300, 301, 50)]), 5, MIST, 0.6)
    sheet.fill([(-150, -90), (30, -90), (2, -140), (-122, -140)], lit(BERRY))
    sheet.fill([(-66, -80), (-66, 40), (20, -80)], lit(WHITE))


def boat(sheet: Sheet, hull: RGB) -> None:
    """Draw a wooden toy boat with a canvas sail."""
    sheet.line([(-6, 110), (-6, 456)], 13, shade(OAK, 0.16))
    sheet.fill(smooth(knots("12,440 12,440 110,300 176,172 176,172 90,160 12,166 12,166"), closed=True), lit(CREAM))
    sheet.fill(
        smooth(knots("-24,410 -24,410 -80,290 -136,176 -136,176 -70,164 -24,168 -24,168"), closed=True), lit(hull)
    )
    sheet.line(smooth([(12, 240), (80, 232), (144, 236)]), 10, hull, 0.9)
    sheet.fill([(-6, 456), (-6, 490), (54, 472)], lit(MUSTARD))
    deck = smooth(knots("-216,118 -216,118 0,128 232,130 232,130 0,104 -216,118"))
    body = [
        *smooth([(-216, 118), (-190, 40), (-140, 0)]),
        (150, 0),
        *smooth([(150, 0), (204, 56), (232, 130)]),
        *smooth([(232, 130), (0, 110), (-216, 118)]),
    ]
    wood(sheet, body, OAK)
    with sheet.within(body):
        sheet.fill(box(-240, -10, 240, 42), lit(hull))
    sheet.fill(deck, lit(light(OAK, 0.3)))
    for x in (-90, 0, 90):
        sheet.fill(ellipse(x, 76, 15), rounded(light(OAK, 0.3)))
        sheet.fill(ellipse(x, 76, 9), INK)


def blocks(sheet: Sheet) -> None:
    """Draw a small castle of wooden building blocks."""
    for x, y, wide, high, colour in (
        (-190, 0, 84, 84, RUST),
        (-190, 84, 84, 130, OAK),
        (-96, 0, 190, 64, SEA),
        (104, 0, 84, 84, MUSTARD),
        (104, 84, 84, 130, OAK),
        (-96, 168, 190, 46, ROSE),
        (-42, 214, 84, 84, SAGE),
    ):
        wood(sheet, box(x, y, x + wide, y + high, 6), colour)
    arch = [(-96, 64), (-60, 64), *arc(0, 64, 60, 66, 180, 0), (94, 64), (94, 166), (-96, 166)]
    wood(sheet, arch, ASH)
    for x, y, colour in ((-148, 214, BERRY), (146, 214, FOREST), (0, 298, MUSTARD)):
        sheet.fill([(x - 50, y), (x + 50, y), (x, y + 84)], lit(colour))
