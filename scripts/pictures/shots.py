"""Which file shows which object, where, and in what light."""

from __future__ import annotations

from functools import partial

from pictures import brewing, carry, desk, furniture, kitchen, lighting, pantry, plants, play, textiles
from pictures.outlines import Point
from pictures.palette import (
    BERRY,
    BLUSH,
    BRASS,
    BUTTER,
    CLAY,
    CREAM,
    FOREST,
    INK,
    LEATHER,
    MIST,
    MOSS,
    MUSTARD,
    OAK,
    OAT,
    PLUM,
    RGB,
    ROSE,
    RUST,
    SAGE,
    SAND,
    SEA,
    SKY,
)
from pictures.sheet import Sheet
from pictures.stage import Drawing, Shot

Placed = tuple[Drawing, float, float, float]
"""An object, where it stands (x, y) and how large."""


def together(*things: Placed) -> Drawing:
    """Return a drawing of several objects, the hindmost first."""
    return partial(_draw_all, things=things)


def _draw_all(sheet: Sheet, things: tuple[Placed, ...]) -> None:
    for thing, x, y, zoom in things:
        with sheet.placed(x, y, zoom):
            thing(sheet)


def _stands(file: str, draw: Drawing, tint: RGB, motif: str = "plain", zoom: float = 1, at: Point = (0, 0)) -> Shot:
    return Shot(file=file, draw=draw, tint=tint, motif=motif, zoom=zoom, at=at)


def _lies(file: str, draw: Drawing, tint: RGB, zoom: float = 1, at: Point = (0, 0)) -> Shot:
    """Show something from above, its origin in the middle of the picture."""
    return Shot(file=file, draw=draw, tint=tint, pose="lies", zoom=zoom, at=(at[0], at[1] - 240 / zoom))


def _hangs(file: str, draw: Drawing, tint: RGB, motif: str = "plain", zoom: float = 1, at: Point = (0, 0)) -> Shot:
    return Shot(file=file, draw=draw, tint=tint, pose="hangs", motif=motif, zoom=zoom, at=at)


def _near(file: str, draw: Drawing, tint: RGB, at: Point, zoom: float = 1.9) -> Shot:
    """Show a detail: `at` is the middle of the picture."""
    return Shot(file=file, draw=draw, tint=tint, pose="hangs", zoom=zoom, at=(at[0], at[1] - 240 / zoom))


_ink_mug, _rust_mug, _sage_mug, _oat_mug = (partial(kitchen.mug, glaze=glaze) for glaze in (INK, RUST, SAGE, OAT))
_board = kitchen.chopping_board
_bowls = partial(kitchen.bowls, colours=(SEA, CREAM, MUSTARD))
_teapot = partial(brewing.teapot, glaze=FOREST)
_coffee = partial(brewing.coffee_bag, colour=RUST, label=CREAM)
_lamp = partial(lighting.mushroom_lamp, colour=RUST)
_candle = partial(lighting.jar_candle, wax=CLAY)
_throw = partial(textiles.throw, colour=SEA)
_cushion = partial(textiles.cushion, colour=MUSTARD)
_armchair = partial(furniture.armchair, colour=MOSS)
_chair = partial(furniture.chair, colour=OAK)
_snake = partial(plants.snake_plant, colour=CREAM)
_planter = partial(plants.planter, colour=CREAM)
_rubber = partial(plants.rubber_plant, colour=RUST)
_notebook = partial(desk.notebook, colour=SEA)
_tidy = partial(desk.desk_tidy, colour=CREAM)
_backpack = partial(carry.backpack, canvas=MOSS)
_tote = partial(carry.tote, canvas=CREAM, print_colour=RUST)
_beanie = partial(carry.beanie, wool=MUSTARD)
_scarf = partial(carry.scarf, wool=SEA, stripe=CREAM)
_boat = partial(play.boat, hull=BERRY)
_tea = partial(pantry.tea_tin, colour=FOREST)

CATEGORIES = (
    _stands("category-home.webp", together((_rubber, -190, 44, 0.95), (_armchair, 60, 0, 0.98)), SAND, "arch"),
    _stands(
        "category-kitchen.webp",
        together((_board, -130, 36, 0.95), (kitchen.spoons, 160, 20, 0.8), (_bowls, 10, -16, 0.72)),
        SAGE,
        "window",
    ),
    _stands(
        "category-mugs.webp",
        together((_rust_mug, -30, 250, 0.78), (_ink_mug, -140, 0, 0.86), (_sage_mug, 130, 0, 0.86)),
        BLUSH,
        "sun",
        0.9,
    ),
    _stands("category-brewing.webp", together((brewing.grinder, 190, 34, 0.78), (_teapot, -80, 0, 0.92)), MIST, "arch"),
    _stands("category-lighting.webp", together((_lamp, -60, 20, 1), (lighting.candlestick, 220, 0, 0.7)), SEA, "plain"),
    _stands("category-textiles.webp", together((_cushion, 60, 76, 0.86), (_throw, -50, 0, 0.9)), OAT, "window", 1.05),
    _stands("category-furniture.webp", together((_chair, -130, 20, 0.92), (furniture.stool, 150, 0, 0.86)), SKY, "sun"),
    _stands(
        "category-plants.webp",
        together((_planter, -150, 40, 0.9), (_snake, 130, 20, 0.9), (plants.pot, 10, -30, 0.42)),
        BLUSH,
        "arch",
    ),
    _stands(
        "category-paper-and-desk.webp",
        together((desk.letter_box, -110, 30, 0.8), (_tidy, 160, 0, 0.9)),
        BUTTER,
        "window",
    ),
    _lies(
        "category-notebooks.webp",
        together((_notebook, -120, 20, 0.9), (partial(desk.sketchbook, colour=RUST), 150, -50, 0.7)),
        OAT,
    ),
    _lies(
        "category-desk-tools.webp",
        together((partial(desk.fountain_pen, colour=INK), -110, 90, 0.8), (desk.scissors, 160, -60, 0.95)),
        SAGE,
    ),
    _stands(
        "category-wear-and-carry.webp", together((_backpack, -100, 20, 0.95), (_beanie, 170, 0, 0.62)), SAND, "arch"
    ),
    _stands(
        "category-bags.webp",
        together((_tote, 120, 40, 0.9), (partial(carry.holdall, canvas=INK), -60, 0, 0.76)),
        BLUSH,
        "window",
    ),
    _stands(
        "category-knitwear.webp",
        together((partial(carry.beanie, wool=SEA), -120, 30, 0.76), (partial(carry.beanie, wool=RUST), 110, 0, 0.82)),
        MIST,
        "sun",
    ),
    _stands(
        "category-games-and-play.webp",
        together((play.board_game, -70, 40, 0.86), (_boat, 150, -10, 0.62)),
        BUTTER,
        "plain",
    ),
    _stands(
        "category-pantry.webp",
        together((pantry.olive_oil, -190, 50, 0.92), (_tea, 20, 30, 0.86), (pantry.honey, 110, -26, 0.66)),
        SAGE,
        "arch",
    ),
)

KITCHEN = (
    _stands("harbour-mug-ink.webp", _ink_mug, SAND, "arch", 1.15),
    _stands("harbour-mug-rust.webp", _rust_mug, MIST, "sun", 1.15),
    _stands(
        "harbour-mug-all.webp",
        together(
            (_oat_mug, -120, 222, 0.7), (_sage_mug, 110, 222, 0.7), (_ink_mug, -130, 0, 0.75), (_rust_mug, 120, 0, 0.75)
        ),
        BLUSH,
        "window",
        0.95,
    ),
    _stands("speckled-tall-mug.webp", partial(kitchen.tall_mug, glaze=OAT), SAGE, "window", 1.1),
    _near("speckled-tall-mug-detail.webp", partial(kitchen.tall_mug, glaze=OAT), SAGE, (0, 220)),
    _stands("enamel-mug-sea.webp", partial(kitchen.enamel_mug, colour=SEA), BLUSH, "sun", 1.2),
    _stands("enamel-mug-mustard.webp", partial(kitchen.enamel_mug, colour=MUSTARD), SKY, "sun", 1.2),
    _stands("espresso-pair.webp", partial(kitchen.espresso_cups, one=ROSE, two=CREAM), MIST, "arch", 1.25),
    _stands("nesting-bowls.webp", _bowls, BLUSH, "window", 1.1),
    _near("nesting-bowls-detail.jpg", _bowls, BLUSH, (60, 230), 1.8),
    _stands("milk-pan-mustard.webp", partial(kitchen.saucepan, colour=MUSTARD), SAGE, "sun", 1.15, (60, 0)),
    _stands("milk-pan-sea.webp", partial(kitchen.saucepan, colour=SEA), BUTTER, "sun", 1.15, (60, 0)),
    _stands("oak-chopping-board.webp", _board, MIST, "arch", 1.05),
    _near("oak-chopping-board-detail.jpg", _board, MIST, (0, 350)),
    _hangs("linen-tea-towel-sea.webp", partial(kitchen.tea_towel, colour=SEA), SAND),
    _hangs("linen-tea-towel-rust.webp", partial(kitchen.tea_towel, colour=RUST), MIST),
    _stands("pepper-and-salt-mills.webp", kitchen.pepper_mill, BUTTER, "arch", 1.05),
    _stands("spoon-jar.webp", kitchen.spoons, SAGE, "arch"),
    _stands("round-teapot-forest.webp", _teapot, BLUSH, "sun", 1.08, (25, 0)),
    _stands("round-teapot-oat.webp", partial(brewing.teapot, glaze=OAT), SEA, "sun", 1.08, (25, 0)),
    _stands("round-teapot-table.webp", together((_teapot, -90, 40, 0.86), (_oat_mug, 160, 0, 0.56)), SAND, "window"),
    _stands("stove-kettle.webp", partial(brewing.kettle, colour=CREAM), SEA, "window", 1.1, (25, 0)),
    _near("stove-kettle-detail.webp", partial(brewing.kettle, colour=CREAM), SEA, (20, 290)),
    _stands("pour-over-maker.webp", brewing.pour_over, SAND, "arch", 1.05),
    _stands(
        "pour-over-maker-table.webp",
        together((_coffee, 130, 44, 0.8), (brewing.pour_over, -110, 0, 0.88)),
        MIST,
        "window",
    ),
    _stands("cafetiere.webp", brewing.cafetiere, SAGE, "plain", 1.05, (25, 0)),
    _stands("hand-grinder.webp", brewing.grinder, MIST, "sun", 1.1),
)

HOME = (
    _stands("mushroom-lamp-rust.webp", _lamp, SAND, "arch", 1.05),
    _stands("mushroom-lamp-sage.webp", partial(lighting.mushroom_lamp, colour=SAGE), BLUSH, "arch", 1.05),
    _stands("jointed-desk-lamp.webp", partial(lighting.desk_lamp, colour=FOREST), MIST, "plain", 1.05, (10, 0)),
    _near("jointed-desk-lamp-detail.webp", partial(lighting.desk_lamp, colour=FOREST), MIST, (60, 390)),
    _stands("tripod-floor-lamp.webp", lighting.floor_lamp, SEA),
    _hangs("paper-lantern.webp", lighting.paper_lantern, SKY, at=(0, -30)),
    _stands("amber-jar-candle.webp", _candle, SAGE, "window", 1.2),
    _near("amber-jar-candle-detail.webp", _candle, SAGE, (0, 170), 2),
    _stands("dinner-candles.webp", partial(lighting.tapers, colours=(RUST, BLUSH, MUSTARD, SAGE)), MIST, "arch", 1.05),
    _stands("brass-candlestick.webp", lighting.candlestick, PLUM, "sun", 1.08),
    _stands("storm-lantern.webp", partial(lighting.storm_lantern, colour=INK), BLUSH, "window"),
    _stands("windowpane-throw-sea.webp", _throw, OAT, "window", 1.1),
    _stands("windowpane-throw-rust.webp", partial(textiles.throw, colour=RUST), MIST, "window", 1.1),
    _near("windowpane-throw-detail.jpg", _throw, OAT, (120, 130)),
    _stands("linen-cushion-mustard.webp", _cushion, MIST, "arch", 1.1),
    _stands("linen-cushion-rose.webp", partial(textiles.cushion, colour=ROSE), SAGE, "arch", 1.1),
    _stands("ticking-cushion.webp", partial(textiles.cushion, colour=CREAM, stripe=INK), BLUSH, "sun", 1.1),
    _lies("diamond-rug.webp", partial(textiles.rug, field=CLAY, accents=(INK, CREAM)), OAK),
    _lies("diamond-rug-detail.webp", partial(textiles.rug, field=CLAY, accents=(INK, CREAM)), OAK, 1.9, (-60, 150)),
    _stands("waffle-towels.webp", partial(textiles.towels, colours=(SEA, CREAM, ROSE)), SAGE, "sun", 1.12),
    _stands("spindle-chair-oak.webp", _chair, SAGE, "arch"),
    _stands("spindle-chair-ink.webp", partial(furniture.chair, colour=INK), BUTTER, "arch"),
    _stands("milking-stool.webp", furniture.stool, SKY, "sun", 1.12),
    _stands("tray-side-table.webp", partial(furniture.side_table, colour=OAK), BLUSH, "window", 1.1),
    _stands("ladder-shelf.webp", furniture.shelf, MIST, "plain", 0.97),
    _stands("reading-armchair-moss.webp", _armchair, SAND, "arch", 1.08),
    _stands("reading-armchair-rust.webp", partial(furniture.armchair, colour=RUST), MIST, "arch", 1.08),
    _stands(
        "reading-armchair-room.webp",
        together((lighting.floor_lamp, 190, 40, 0.98), (_armchair, -60, 0, 0.95)),
        SAGE,
        "window",
    ),
    _hangs("porthole-mirror.webp", partial(furniture.mirror, frame=OAK), SAGE, at=(0, 0)),
    _hangs("station-clock.png", partial(furniture.clock, face=CREAM, hand=INK), SEA, "plain", 1.1, (0, 10)),
    _stands("terracotta-pot.webp", plants.pot, SAGE, "sun", 1.1),
    _stands(
        "terracotta-pot-sizes.webp",
        together((plants.pot, -140, 30, 0.9), (plants.pot, 110, 10, 0.66), (plants.pot, 236, -16, 0.42)),
        SKY,
        "window",
    ),
    _stands("ribbed-planter-cream.webp", _planter, BLUSH, "arch", 1.05),
    _stands("ribbed-planter-sea.webp", partial(plants.planter, colour=SEA), OAT, "arch", 1.05),
    _stands("snake-plant.webp", _snake, SAND, "window", 1.05),
    _stands("rubber-plant.webp", _rubber, MIST, "arch", 0.96),
    _hangs("trailing-heartleaf.webp", partial(plants.trailing_plant, colour=CREAM), CLAY, at=(0, -20)),
    _stands("cactus-trio.webp", plants.cacti, SKY, "sun", 1.08),
    _stands("long-spout-can.webp", partial(plants.watering_can, colour=SEA), BUTTER, "arch", 1.08, (20, 0)),
    _stands(
        "long-spout-can-garden.webp",
        together((_snake, 190, 50, 0.8), (partial(plants.watering_can, colour=SEA), -80, 0, 0.86)),
        BLUSH,
        "window",
    ),
    _stands("bud-vase-rose.webp", partial(plants.vase, glaze=ROSE), OAT, "sun"),
    _stands("bud-vase-ink.webp", partial(plants.vase, glaze=INK), BLUSH, "sun"),
)

DESK = (
    _lies("clothbound-notebook-sea.webp", _notebook, SAND),
    _lies("clothbound-notebook-berry.webp", partial(desk.notebook, colour=BERRY, ribbon=MUSTARD), MIST),
    _lies(
        "clothbound-notebook-all.webp",
        together(
            (partial(desk.notebook, colour=MOSS, ribbon=BERRY), -150, 60, 0.66),
            (partial(desk.notebook, colour=BERRY, ribbon=MUSTARD), 150, 50, 0.66),
            (_notebook, 0, -50, 0.7),
        ),
        OAT,
    ),
    _lies("pocket-notebooks.webp", partial(desk.pocket_books, colours=(SEA, MUSTARD, ROSE)), OAT, 1.1),
    _lies("weekly-planner.webp", partial(desk.planner, colour=FOREST), BLUSH, 1.05),
    _lies("fern-sketchbook.webp", partial(desk.sketchbook, colour=RUST), MIST),
    _near("fern-sketchbook-detail.jpg", partial(desk.sketchbook, colour=RUST), MIST, (-90, 90)),
    _lies("colouring-pencils.webp", partial(desk.pencils, tin=MIST), BUTTER),
    _lies("fountain-pen-forest.webp", partial(desk.fountain_pen, colour=FOREST), CREAM, 1.15),
    _lies("fountain-pen-berry.webp", partial(desk.fountain_pen, colour=BERRY), MIST, 1.15),
    _lies("paper-scissors.webp", desk.scissors, SAGE),
    _stands("stoneware-desk-tidy.webp", _tidy, SKY, "arch", 1.02),
    _lies("coast-postcards.png", desk.postcards, SAND, 1.1),
    _stands("oak-letter-rack.webp", desk.letter_box, SAGE, "window", 1.12),
)

CARRY = (
    _stands("rambler-backpack-moss.webp", _backpack, SAND, "arch", 1.05),
    _stands("rambler-backpack-ink.webp", partial(carry.backpack, canvas=INK), BLUSH, "arch", 1.05),
    _near("rambler-backpack-detail.jpg", _backpack, SAND, (0, 220)),
    _stands("market-tote.webp", _tote, SEA),
    _stands("market-tote-ink.webp", partial(carry.tote, canvas=SAND, print_colour=INK), MIST),
    _stands("weekend-holdall.webp", partial(carry.holdall, canvas=INK), BLUSH, "window", 1.1),
    _near("weekend-holdall-detail.webp", partial(carry.holdall, canvas=INK), BLUSH, (120, 170)),
    _lies("card-wallet.webp", partial(carry.card_wallet, leather=LEATHER), SAGE, 1.1),
    _lies("gift-card.webp", partial(carry.gift_card, ribbon=BERRY), SKY, 1.1),
    _stands("fishermans-beanie-mustard.webp", _beanie, MIST, "sun", 1.1),
    _stands("fishermans-beanie-sea.webp", partial(carry.beanie, wool=SEA), SAND, "sun", 1.1),
    _hangs("lambswool-scarf-sea.webp", _scarf, SAND),
    _hangs("lambswool-scarf-berry.webp", partial(carry.scarf, wool=BERRY, stripe=OAT), MIST),
    _lies("boot-socks.webp", partial(carry.socks, wool=OAT, tips=RUST), SKY, 1.1, (34, 20)),
    _lies("cable-jumper-cream.webp", partial(carry.jumper, wool=CREAM), CLAY, 1.1),
    _lies("cable-jumper-detail.webp", partial(carry.jumper, wool=CREAM), CLAY, 2, (20, 110)),
    _lies("diamond-mittens.webp", partial(carry.mittens, wool=BERRY, pattern=CREAM), MIST, 1.1),
)

PLAY = (
    _stands("keepers-of-the-light.webp", play.board_game, BUTTER, "plain", 1, (0, -26)),
    _near("keepers-of-the-light-detail.webp", play.board_game, BUTTER, (-40, 210), 1.7),
    _lies("two-woods-draughts.webp", play.draughts, SAGE),
    _lies("hearts-playing-cards.webp", partial(play.cards, back=SEA), MOSS, 1.1),
    _lies("harbour-jigsaw.webp", play.jigsaw, OAK, 0.98),
    _stands("little-ketch-berry.webp", _boat, SKY, "sun"),
    _stands("little-ketch-sea.webp", partial(play.boat, hull=SEA), BLUSH, "sun"),
    _stands("castle-blocks.webp", play.blocks, BLUSH, "arch", 1.05),
)

PANTRY = (
    _stands("heather-honey.webp", pantry.honey, BUTTER, "window", 1.1),
    _stands("seville-marmalade.webp", pantry.marmalade, SAGE, "arch", 1.05),
    _stands("breakfast-tea.webp", _tea, BLUSH, "sun", 1.1),
    _stands(
        "breakfast-tea-all.webp",
        together(
            (partial(pantry.tea_tin, colour=PLUM), -150, 40, 0.8),
            (partial(pantry.tea_tin, colour=MUSTARD), 150, 40, 0.8),
            (_tea, 0, 0, 0.86),
        ),
        SKY,
        "window",
    ),
    _stands("lighthouse-coffee.webp", _coffee, OAT, "window"),
    _stands(
        "lighthouse-coffee-brewing.webp",
        together((_coffee, -120, 40, 0.84), (brewing.grinder, 140, 0, 0.7)),
        SEA,
        "plain",
    ),
    _stands("olive-oil.webp", pantry.olive_oil, OAT, "arch"),
    _stands("sea-salt-flakes.webp", pantry.sea_salt, SEA, "window", 1.15, (40, 0)),
    _lies("dark-chocolate.webp", partial(pantry.chocolate, wrapper=INK, accent=BRASS), ROSE),
)

SHOTS = (*CATEGORIES, *KITCHEN, *HOME, *DESK, *CARRY, *PLAY, *PANTRY)
