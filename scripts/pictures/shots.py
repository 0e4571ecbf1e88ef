from __future__ import annotations
from functools import partial as p
from pictures import brewing as b, kitchen as k
from pictures.palette import *
from pictures.stage import Shot
S=Shot
SHOTS=[
 S(file="mug-ink.webp",draw=p(k.mug,glaze=INK),tint=SAND,motif="arch"),
 S(file="mug-rust.webp",draw=p(k.mug,glaze=RUST),tint=MIST,motif="sun"),
 S(file="tall.webp",draw=p(k.tall_mug,glaze=OAT),tint=SAGE,motif="window"),
 S(file="enamel.webp",draw=p(k.enamel_mug,colour=SEA),tint=BLUSH),
 S(file="esp.webp",draw=p(k.espresso_cups,one=ROSE,two=CREAM),tint=MIST,motif="arch",zoom=1.2),
 S(file="bowls.webp",draw=p(k.bowls,colours=(SEA,CREAM,MUSTARD)),tint=BLUSH,motif="window"),
 S(file="pan.webp",draw=p(k.saucepan,colour=MUSTARD),tint=SAGE,motif="sun",at=(50,0)),
 S(file="board.webp",draw=k.chopping_board,tint=MIST),
 S(file="towel.webp",draw=p(k.tea_towel,colour=SEA),tint=SAND,pose="hangs"),
 S(file="mill.webp",draw=k.pepper_mill,tint=BUTTER,motif="arch"),
 S(file="spoons.webp",draw=k.spoons,tint=SAGE,motif="arch"),
 S(file="teapot.webp",draw=p(b.teapot,glaze=FOREST),tint=BLUSH,motif="sun",at=(20,0)),
 S(file="kettle.webp",draw=p(b.kettle,colour=CREAM),tint=SEA,motif="window",at=(20,0)),
 S(file="pour.webp",draw=b.pour_over,tint=SAND,motif="arch"),
 S(file="caf.webp",draw=b.cafetiere,tint=SAGE,at=(20,0)),
 S(file="grinder.webp",draw=b.grinder,tint=MIST,motif="sun"),
 S(file="bag.webp",draw=p(b.coffee_bag,colour=RUST,label=CREAM),tint=OAT,motif="window"),
]
