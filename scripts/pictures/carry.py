"""Bags and knitwear."""

from __future__ import annotations

from pictures.outlines import Outline, arc, box, ellipse, knots, moved, smooth
from pictures.palette import BRASS, CREAM, LEATHER, RGB, WHITE, light, mix, shade
from pictures.sheet import Sheet, flat, lit, rounded


def stitched(sheet: Sheet, points: Outline, colour: RGB) -> None:
    """Draw a row of stitches along a line."""
    for one, two in zip(points[::2], points[1::2], strict=False):
        sheet.line([one, two], 2.6, colour, 0.85)


def backpack(sheet: Sheet, canvas: RGB, trim: RGB = LEATHER) -> None:
    """Draw a canvas backpack with a flap, two leather straps and a front pocket."""
    sheet.line(arc(0, 424, 40, 56, 0, 180), 15, shade(trim, 0.15))
    for side in (-1, 1):
        sheet.line(smooth([(side * 130, 380), (side * 196, 300), (side * 178, 70)]), 26, shade(canvas, 0.34))
    body = smooth(knots("-150,10 -172,140 -160,320 -112,422 0,446 112,422 160,320 172,140 150,10 0,-4"), closed=True)
    sheet.fill(body, rounded(canvas, 0.9))
    pocket = smooth(knots("-118,24 -124,24 -128,100 -112,174 112,174 128,100 124,24 118,24 0,14"), closed=True)
    sheet.fill(moved(pocket, 4, -5), flat(shade(canvas, 0.4)))
    sheet.fill(pocket, lit(light(canvas, 0.06)))
    stitched(sheet, smooth([(-106, 158), (0, 164), (106, 158)], steps=16), light(canvas, 0.6))
    flap = smooth(
        knots("-164,326 -164,326 -116,424 0,448 116,424 164,326 164,326 150,224 90,200 0,196 -90,200 -150,224"),
        closed=True,
    )
    sheet.fill(moved(flap, 3, -8), flat(shade(canvas, 0.45)), 0.7)
    sheet.fill(flap, lit(light(canvas, 0.1)))
    stitched(sheet, smooth(knots("-146,244 -92,214 0,210 92,214 146,244"), steps=10), light(canvas, 0.6))
    for x in (-74, 74):
        sheet.fill(box(x - 17, 96, x + 17, 300, 10), lit(trim))
        stitched(sheet, [(x - 11, y) for y in range(108, 290, 8)], light(trim, 0.5))
        sheet.line([*box(x - 23, 158, x + 23, 192, 6), (x + 23, 186)], 6, BRASS)
        sheet.line([(x, 160), (x, 190)], 5, light(BRASS, 0.4))
    sheet.fill(box(-36, 318, 36, 356, 5), lit(trim))
    sheet.line([(-18, 337), (18, 337)], 4, shade(trim, 0.45), 0.7)


def tote(sheet: Sheet, canvas: RGB, print_colour: RGB) -> None:
    """Draw a market tote with a printed sun over waves."""
    for shift, colour in ((14, shade(canvas, 0.28)), (0, shade(canvas, 0.06))):
        sheet.line(
            smooth([(-72 + shift, 326), (-66 + shift, 450), (0 + shift, 500), (66 + shift, 450), (72 + shift, 326)]),
            19,
            colour,
        )
    bag = [
        *smooth([(-166, 348), (-158, 180), (-172, 6)]),
        *smooth([(-172, 6), (0, -6), (172, 6)]),
        *smooth([(172, 6), (158, 180), (166, 348)]),
    ]
    sheet.fill(bag, lit(canvas))
    with sheet.within(bag):
        for fold in (
            [(-130, 350), (-110, 200), (-140, 20)],
            [(126, 350), (112, 190), (140, 10)],
            [(40, 350), (28, 300), (46, 240)],
        ):
            sheet.line(smooth(fold), 18, shade(canvas, 0.5), 0.12)
            sheet.line(moved(smooth(fold), 14, 0), 10, WHITE, 0.22)
        sheet.line([(-180, 320), (180, 320)], 3, shade(canvas, 0.35), 0.6)
    for x in (-72, 72):
        sheet.fill(box(x - 10, 282, x + 10, 340, 2), lit(shade(canvas, 0.06)))
        sheet.line([(x - 8, 286), (x + 8, 304), (x - 8, 304), (x + 8, 286)], 2, shade(canvas, 0.5), 0.6)
    sheet.fill(arc(0, 150, 72, 72, 0, 180), print_colour, 0.92)
    for angle in range(0, 181, 20):
        ray = arc(0, 150, 90, 90, angle, angle, 1)[:1] + arc(0, 150, 112, 112, angle, angle, 1)[:1]
        sheet.line(ray, 7, print_colour, 0.92)
    for y in (126, 100, 74):
        wave = [(x, y + (8 if (x // 26) % 2 else -6)) for x in range(-104, 105, 26)]
        sheet.line(smooth(wave), 8, print_colour, 0.92)


def holdall(sheet: Sheet, canvas: RGB, trim: RGB = LEATHER) -> None:
    """Draw a weekend bag with rolled handles."""
    sheet.line(smooth(knots("-96,230 -84,340 14,384 112,340 124,230")), 15, shade(trim, 0.38))
    body = smooth(knots("-226,8 -250,100 -226,224 -150,262 0,270 150,262 226,224 250,100 226,8 0,-4"), closed=True)
    sheet.fill(body, lit(canvas))
    with sheet.within(body):
        sheet.fill(box(-260, -20, 260, 48), lit(trim))
        for side in (-1, 1):
            sheet.fill(
                smooth(
                    [(side * 260, -10), (side * 196, 60), (side * 190, 190), (side * 240, 280), (side * 300, 140)],
                    closed=True,
                ),
                lit(shade(trim, 0.06)),
            )
    sheet.line(smooth([(-190, 246), (0, 258), (190, 246)]), 10, shade(canvas, 0.5))
    sheet.line(smooth([(-190, 246), (0, 258), (190, 246)]), 3, BRASS)
    stitched(sheet, [(x, 58) for x in range(-190, 194, 9)], light(canvas, 0.6))
    for x in (-104, 104):
        sheet.fill(box(x - 17, 44, x + 17, 232, 6), lit(trim))
        sheet.fill(box(x - 22, 212, x + 22, 240, 6), rounded(BRASS))
    sheet.line(smooth(knots("-104,226 -94,326 0,366 94,326 104,226")), 16, shade(trim, 0.08))
    sheet.line(smooth([(-106, 236), (-92, 330), (0, 370), (86, 334)]), 5, light(trim, 0.4), 0.6)
    sheet.fill(box(128, 130, 172, 190, 8), lit(trim))
    sheet.line([(140, 168), (160, 168)], 4, shade(trim, 0.5))


def card_wallet(sheet: Sheet, leather: RGB) -> None:
    """Draw a leather card wallet with two cards showing, from above."""
    with sheet.placed(turn=-7):
        sheet.fill(box(-180, -30, 170, 196, 16), lit(CREAM))
        sheet.fill(box(-176, -50, 178, 164, 16), lit((122, 158, 160)))
        sheet.line([(-150, 134), (-60, 134)], 9, WHITE, 0.6)
        top = smooth(knots("-210,96 -196,116 -130,110 -60,82 60,82 130,110 196,116 210,96"))
        body = [*top, *arc(180, -140, 30, 30, 0, -90, 12), *arc(-180, -140, 30, 30, 270, 180, 12)]
        sheet.fill(moved(body, 3, -6), flat(shade(leather, 0.5)))
        sheet.fill(body, lit(leather))
        stitched(sheet, [(x, -152) for x in range(-184, 188, 9)], light(leather, 0.55))
        for x in (-192, 192):
            stitched(sheet, [(x, y) for y in range(-136, 106, 9)], light(leather, 0.55))
        sheet.line(smooth([(-200, 22), (0, 6), (200, 22)]), 4, shade(leather, 0.5), 0.7)
        sheet.line(smooth([(-200, 18), (0, 2), (200, 18)]), 3, light(leather, 0.4), 0.5)
        sheet.fill(ellipse(140, -110, 17), flat(shade(leather, 0.24)))


def gift_card(sheet: Sheet, ribbon: RGB) -> None:
    """Draw a gift card with a ribbon around it, from above."""
    with sheet.placed(turn=7):
        card = box(-220, -140, 220, 140, 24)
        sheet.fill(moved(card, 3, -6), flat(shade(CREAM, 0.4)))
        sheet.fill(card, lit(CREAM))
        sheet.line([(60, -84), (176, -84)], 9, shade(CREAM, 0.3), 0.6)
        with sheet.within(card):
            sheet.fill(box(-124, -150, -76, 150, 0), lit(ribbon))
            sheet.fill(box(-230, -6, 230, 42, 0), lit(ribbon))
        for side in (-1, 1):
            loop = smooth([(-100, 18), (-100 + side * 90, 84), (-100 + side * 110, 20)], closed=True)
            sheet.fill(loop, rounded(light(ribbon, 0.08)))
            sheet.line(loop, 4, shade(ribbon, 0.4), 0.5)
        sheet.fill(ellipse(-100, 20, 22), rounded(light(ribbon, 0.12)))


def _ribs(sheet: Sheet, left: float, right: float, low: float, high: float, colour: RGB, step: int = 13) -> None:
    for x in range(round(left), round(right), step):
        sheet.line([(x, low), (x, high)], 4, shade(colour, 0.42), 0.3)
        sheet.line([(x + step * 0.45, low), (x + step * 0.45, high)], 4, WHITE, 0.2)


def _knit(sheet: Sheet, area: Outline, colour: RGB, step: int = 17) -> None:
    """Cover an area with rows of small V stitches."""
    xs, ys = [x for x, _ in area], [y for _, y in area]
    with sheet.within(area):
        for y in range(round(min(ys)), round(max(ys)) + step, step):
            for x in range(round(min(xs)), round(max(xs)) + step, step):
                sheet.line([(x - step * 0.4, y + 6), (x, y - 4), (x + step * 0.4, y + 6)], 3, shade(colour, 0.4), 0.22)


def beanie(sheet: Sheet, wool: RGB) -> None:
    """Draw a ribbed fisherman's hat."""
    crown = smooth(knots("-172,90 -176,210 -110,330 0,366 110,330 176,210 172,90"))
    sheet.fill(crown, rounded(wool))
    with sheet.within(crown):
        for x in range(-168, 180, 24):
            rib = smooth([(x, 90), (x * 0.94, 220), (x * 0.5, 330), (x * 0.1, 372)])
            sheet.line(rib, 6, shade(wool, 0.45), 0.34)
            sheet.line(moved(rib, 10, 0), 6, WHITE, 0.16)
    cuff = smooth(knots("-184,10 -194,70 -182,132 0,142 182,132 194,70 184,10 0,-4"), closed=True)
    sheet.fill(cuff, rounded(light(wool, 0.07)))
    with sheet.within(cuff):
        _ribs(sheet, -190, 196, -14, 150, wool, 20)
        sheet.line(smooth([(-190, 130), (0, 140), (190, 130)]), 6, WHITE, 0.25)
    sheet.fill(box(92, 44, 148, 92, 4), lit(LEATHER))
    sheet.line([(106, 68), (134, 68)], 4, shade(LEATHER, 0.5))


def scarf(sheet: Sheet, wool: RGB, stripe: RGB) -> None:
    """Draw a scarf hung over a wooden rail."""
    _scarf_end(sheet, 62, 90, 104, shade(wool, 0.16), stripe)
    sheet.fill(box(-210, 428, 210, 452, 12), lit((190, 144, 96)))
    _scarf_end(sheet, -44, -10, 128, wool, stripe)
    fold = smooth(knots("-110,404 -104,452 -70,470 84,470 118,452 122,410 20,398"), closed=True)
    with sheet.within(box(-300, 396, 300, 600)):
        sheet.fill(fold, lit(light(wool, 0.06)))
    with sheet.within(fold):
        _ribs(sheet, -120, 130, 390, 480, wool, 14)


def _scarf_end(sheet: Sheet, x: float, length: float, width: float, colour: RGB, stripe: RGB) -> None:
    """Draw one hanging end, `length` above the ground, with bands and a fringe."""
    half = width / 2
    for number, step in enumerate(range(round(-half) + 6, round(half), 11)):
        sheet.line([(x + step, length + 4), (x + step * 1.04, length - 38)], 5, shade(colour, 0.1 + 0.1 * (number % 2)))
    end = [
        *smooth([(x - half, 440), (x - half - 8, 240), (x - half, length)]),
        *smooth([(x + half, length), (x + half + 6, 240), (x + half, 440)]),
    ]
    sheet.fill(end, rounded(colour, 0.8))
    with sheet.within(end):
        for y, thick in ((34, 12), (58, 12), (104, 28), (150, 12), (174, 12)):
            sheet.line([(x - width, length + y), (x + width, length + y - 3)], thick, stripe, 0.9)
        _ribs(sheet, x - half - 8, x + half + 12, length - 10, 460, colour, 14)


def socks(sheet: Sheet, wool: RGB, tips: RGB) -> None:
    """Draw a pair of thick socks, from above."""
    for x, y, turn in ((86, -6, -10), (-70, 8, 4)):
        with sheet.placed(x, y, 1, turn):
            sock = smooth(
                knots(
                    "-66,230 -66,230 -60,40 -62,-60 -30,-120 60,-160 140,-176 "
                    "186,-132 164,-80 92,-50 64,0 62,60 70,230 70,230"
                ),
                closed=True,
            )
            sheet.fill(sock, lit(wool))
            _knit(sheet, sock, wool)
            with sheet.within(sock):
                sheet.fill(ellipse(178, -144, 74), lit(tips))
                sheet.fill(ellipse(-64, -112, 62), lit(tips))
                sheet.fill(box(-90, 158, 90, 250), lit(light(wool, 0.1)))
                for line in (146, 128):
                    sheet.line([(-90, line), (90, line)], 9, tips)
                _ribs(sheet, -66, 76, 164, 250, wool, 15)


def jumper(sheet: Sheet, wool: RGB) -> None:
    """Draw a fisherman's jumper laid flat."""
    for side in (-1, 1):
        sleeve = smooth(
            [
                (side * 108, 208),
                (side * 190, 170),
                (side * 262, -40),
                (side * 284, -160),
                (side * 284, -160),
                (side * 216, -178),
                (side * 216, -178),
                (side * 178, -60),
                (side * 128, 60),
            ],
            closed=True,
        )
        sheet.fill(sleeve, lit(shade(wool, 0.07)))
        _knit(sheet, sleeve, wool)
        with sheet.within(sleeve):
            sheet.fill(
                [(side * 300, -128), (side * 200, -146), (side * 200, -200), (side * 300, -190)], shade(wool, 0.16)
            )
    body = smooth(
        knots(
            "-80,232 -80,232 -132,204 -152,60 -158,-210 -158,-210 158,-210 158,-210 152,60 132,204 80,232 80,232 0,210"
        ),
        closed=True,
    )
    sheet.fill(moved(body, 4, -4), flat(shade(wool, 0.4)), 0.4)
    sheet.fill(body, lit(wool))
    _knit(sheet, body, wool)
    with sheet.within(body):
        sheet.fill(box(-170, -220, 170, -158), lit(shade(wool, 0.12)))
        _ribs(sheet, -160, 170, -216, -160, wool, 15)
        for x in (-72, 0, 72):
            for y in range(-140, 200, 40):
                sheet.line(smooth([(x - 15, y), (x + 15, y + 20), (x - 15, y + 40)]), 7, shade(wool, 0.3), 0.6)
                sheet.line(smooth([(x + 15, y), (x - 15, y + 20), (x + 15, y + 40)]), 7, light(wool, 0.35), 0.7)
    neck = ellipse(0, 228, 82, 30)
    sheet.fill(neck, flat(shade(wool, 0.5)))
    sheet.line(arc(0, 228, 82, 34, 180, 360), 26, light(wool, 0.06))
    sheet.line(arc(0, 236, 82, 26, 0, 180), 12, shade(wool, 0.16))


def mittens(sheet: Sheet, wool: RGB, pattern: RGB) -> None:
    """Draw a pair of patterned mittens, joined by a cord."""
    sheet.line(smooth([(-120, -200), (-40, -262), (40, -240), (120, -200)]), 8, shade(pattern, 0.1))
    for side in (-1, 1):
        with sheet.placed(side * 128, 0, 1, side * -9):
            thumb = smooth(
                [(-side * 56, -50), (-side * 120, 10), (-side * 136, 70), (-side * 100, 84), (-side * 52, 30)],
                closed=True,
            )
            hand = smooth(knots("-84,-110 -92,40 -78,170 0,226 78,170 92,40 84,-110"))
            for part, colour in ((thumb, shade(wool, 0.08)), (hand, wool)):
                sheet.fill(part, lit(colour))
                _knit(sheet, part, wool)
            for y in (10, 116):
                for x in (-44, 0, 44):
                    sheet.fill([(x, y - 22), (x + 17, y), (x, y + 22), (x - 17, y)], pattern)
            with sheet.within(hand):
                for y in (-40, 63, 166):
                    sheet.line([(-110, y), (110, y)], 8, pattern)
            cuff = box(-82, -216, 82, -100, 12)
            sheet.fill(cuff, lit(mix(pattern, wool, 0.12)))
            with sheet.within(cuff):
                _ribs(sheet, -84, 90, -220, -90, pattern, 17)
