"""Throws, cushions, rugs and towels."""

from __future__ import annotations

from pictures.outlines import Outline, box, knots, moved, smooth
from pictures.palette import CREAM, RGB, WHITE, light, mix, shade
from pictures.sheet import Sheet, lit, rounded


def folded(sheet: Sheet, y: float, half: float, high: float, colour: RGB, x: float = 0) -> Outline:
    """Draw one folded piece of cloth seen from its fold; return its outline."""
    left = [(-half + 10, 0), (-half - 8, high * 0.5), (-half + 12, high), (0, high + 3), (half - 6, high - 2)]
    cloth = moved(smooth([*left, (half + 4, high * 0.5), (half - 6, 1), (0, -2)], closed=True), x, y)
    sheet.fill(cloth, lit(colour))
    with sheet.within(cloth):
        sheet.fill(box(-half + x - 20, y - 6, half + x + 20, y + high * 0.28), shade(colour, 0.5), 0.18)
        sheet.line(
            moved(smooth([(-half + 30, high * 0.5), (0, high * 0.46), (half, high * 0.5)]), x, y),
            4,
            shade(colour, 0.5),
            0.4,
        )
        sheet.line(
            moved(smooth([(-half + 20, high * 0.86), (0, high * 0.9), (half, high * 0.86)]), x, y), 7, WHITE, 0.22
        )
    return cloth


def throw(sheet: Sheet, colour: RGB, check: RGB = CREAM) -> None:
    """Draw a folded wool throw with a windowpane check and a fringe."""
    for row, half in ((0, 206), (1, 200), (2, 203)):
        cloth = folded(sheet, row * 66, half, 70, colour)
        with sheet.within(cloth):
            for x in range(-170, 200, 68):
                sheet.line([(x, row * 66 - 10), (x + 4, row * 66 + 80)], 7, check, 0.6)
                sheet.line([(x + 14, row * 66 - 10), (x + 18, row * 66 + 80)], 3, check, 0.5)
            sheet.line([(-230, row * 66 + 50), (230, row * 66 + 48)], 4, check, 0.55)
    top = [(-190, 196), (-150, 262), (168, 262), (206, 196)]
    sheet.fill(smooth([top[0], top[0], top[1], top[1], top[2], top[2], top[3], top[3]]), lit(light(colour, 0.1)))
    with sheet.within(top):
        for x in range(-170, 200, 68):
            sheet.line([(x, 190), (x * 0.84, 270)], 7, check, 0.6)
            sheet.line([(x + 14, 190), (x * 0.84 + 12, 270)], 3, check, 0.5)
        for y in (216, 240):
            sheet.line([(-230, y), (230, y)], 5, check, 0.5)
    for number in range(20):
        end = 4 + number * 9.6
        sheet.line(
            smooth([(198, end), (216, end - 3), (232 + number % 3 * 5, end - 10)]),
            5,
            shade(colour, 0.06 + number % 3 * 0.08),
        )


def cushion(sheet: Sheet, colour: RGB, stripe: RGB | None = None) -> None:
    """Draw a square cushion, plain with piping or striped."""
    edge = "-192,20 -192,20 -176,190 -198,372 -198,372 0,350 198,372 198,372 178,190 192,20 192,20 0,16 -192,20"
    body = smooth(knots(edge))
    sheet.fill(body, lit(colour, 1.2))
    with sheet.within(body):
        if stripe:
            for x in range(-160, 190, 64):
                sheet.line(smooth([(x * 1.08, 0), (x * 0.94, 190), (x * 1.08, 390)]), 20, stripe, 0.85)
                sheet.line(smooth([(x * 1.08 + 24, 0), (x * 0.94 + 24, 190), (x * 1.08 + 24, 390)]), 4, stripe, 0.85)
        for fold in (
            [(-196, 368), (-140, 300), (-120, 250)],
            [(196, 368), (146, 310), (118, 262)],
            [(-190, 26), (-130, 72), (-100, 120)],
            [(188, 26), (140, 60), (104, 116)],
            [(-30, 350), (-16, 300), (-24, 262)],
        ):
            sheet.line(smooth(fold), 15, shade(colour, 0.5), 0.14)
            sheet.line(moved(smooth(fold), 12, 6), 9, WHITE, 0.20)
    if not stripe:
        sheet.line([*body, body[0]], 8, light(colour, 0.3))
        sheet.line(moved([*body, body[0]], 2, -3), 3, shade(colour, 0.35), 0.6)


def rug(sheet: Sheet, field: RGB, accents: tuple[RGB, RGB]) -> None:
    """Draw a flat-woven rug with bands and a fringe, from above."""
    for y in (-290, 290):
        for x in range(-190, 196, 12):
            sheet.line([(x, y * 0.94), (x + (x % 5 - 2), y + (6 if y > 0 else -6))], 5, CREAM)
    cloth = box(-200, -280, 200, 280, 5)
    sheet.fill(cloth, lit(field))
    with sheet.within(cloth):
        for y in (-236, 236):
            sheet.fill(box(-210, y - 22, 210, y + 22), lit(accents[0]))
            for x in range(-184, 200, 46):
                sheet.fill([(x, y - 15), (x + 17, y), (x, y + 15), (x - 17, y)], field)
        for y in (-190, 190, -178, 178):
            sheet.line([(-210, y), (210, y)], 5, accents[1])
        for row, y in enumerate((-104, 0, 104)):
            for x in range(-134, 140, 134):
                _medallion(sheet, x, y, accents[(row + x // 134) % 2], field)
        for y in range(-276, 280, 9):
            sheet.line([(-210, y), (210, y)], 1.6, shade(field, 0.4), 0.22)


def _medallion(sheet: Sheet, x: float, y: float, colour: RGB, ground: RGB) -> None:
    for reach, tone in ((50, colour), (34, ground), (20, colour)):
        sheet.fill([(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)], tone)


def towels(sheet: Sheet, colours: tuple[RGB, RGB, RGB]) -> None:
    """Draw a stack of folded towels."""
    for row, colour in enumerate(colours):
        half = (190, 180, 166)[row]
        y = row * 92
        cloth = folded(sheet, y, half, 94, colour, (0, -6, 8)[row])
        with sheet.within(cloth):
            sheet.fill(box(70, y - 10, 84, y + 110), mix(colour, WHITE, 0.45), 0.8)
            sheet.fill(box(94, y - 10, 100, y + 110), mix(colour, WHITE, 0.45), 0.8)
        sheet.speckle(cloth, light(colour, 0.5), 260, row, 2.0)
    sheet.fill(box(-54, 276, 46, 326, 20), rounded((232, 214, 180)))
    sheet.line([(-26, 302), (18, 302)], 6, shade((232, 214, 180), 0.25))
