"""The colours of the demo shop, and how they are mixed."""

from __future__ import annotations

RGB = tuple[int, int, int]

WHITE: RGB = (252, 249, 243)
CREAM: RGB = (246, 238, 222)
OAT: RGB = (230, 216, 192)
SAND: RGB = (217, 194, 158)
BLUSH: RGB = (235, 199, 185)
ROSE: RGB = (207, 138, 130)
RUST: RGB = (192, 94, 62)
CLAY: RGB = (206, 126, 90)
BERRY: RGB = (152, 62, 70)
PLUM: RGB = (104, 68, 86)
MUSTARD: RGB = (222, 167, 66)
BUTTER: RGB = (244, 214, 140)
SAGE: RGB = (160, 178, 150)
MOSS: RGB = (108, 128, 88)
FOREST: RGB = (58, 88, 74)
MIST: RGB = (199, 214, 216)
SKY: RGB = (163, 193, 206)
SEA: RGB = (84, 134, 146)
INK: RGB = (47, 64, 90)
SLATE: RGB = (96, 108, 118)
CHARCOAL: RGB = (58, 60, 66)
STEEL: RGB = (190, 197, 200)
BRASS: RGB = (204, 162, 78)
OAK: RGB = (208, 163, 112)
ASH: RGB = (228, 200, 158)
WALNUT: RGB = (126, 84, 58)
LEATHER: RGB = (164, 98, 58)

_LIGHT: RGB = (255, 250, 238)
_SHADE: RGB = (44, 30, 52)


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """Return `one` with `share` (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def light(colour: RGB, amount: float) -> RGB:
    """Return the colour in warm light."""
    return mix(colour, _LIGHT, amount)


def shade(colour: RGB, amount: float) -> RGB:
    """Return the colour in violet shade, which looks livelier than grey."""
    return mix(colour, _SHADE, amount)
