"""Draw the pictures of the demo shop into `src/products/demo/images/`.

    .venv/bin/python scripts/draw_demo_pictures.py            draw all of them
    .venv/bin/python scripts/draw_demo_pictures.py mug boat   only files whose name contains one of the words
    .venv/bin/python scripts/draw_demo_pictures.py --check    only compare the catalogue, the shots and the files

The same code and the same Pillow give the same bytes.
"""

from __future__ import annotations

import argparse
import json
from multiprocessing import Pool
from pathlib import Path

from PIL import Image

from pictures.shots import SHOTS
from pictures.stage import Shot, grained, take

DEMO = Path(__file__).resolve().parents[1] / "src" / "products" / "demo"
IMAGES = DEMO / "images"


def main() -> int:
    """Draw or check; return the exit status."""
    options = argparse.ArgumentParser(description="Draw the pictures of the demo shop.")
    options.add_argument("words", nargs="*", help="draw only files whose name contains one of these words")
    options.add_argument("--check", action="store_true", help="compare the catalogue, the shots and the files")
    chosen = options.parse_args()
    if chosen.check:
        return check()
    IMAGES.mkdir(parents=True, exist_ok=True)
    shots = [shot for shot in SHOTS if not chosen.words or any(word in shot.file for word in chosen.words)]
    with Pool() as painters:
        sizes = painters.map(draw, shots, chunksize=1)
    print(f"{len(sizes)} pictures, {sum(sizes) / 1024:.0f} KB; the largest has {max(sizes, default=0) / 1024:.0f} KB")
    return 0


def draw(shot: Shot) -> int:
    """Draw one picture and write it; return its size in bytes."""
    target = IMAGES / shot.file
    picture = take(shot)
    match target.suffix:
        case ".jpg":
            picture.save(target, quality=80, optimize=True, progressive=True)
        case ".png":
            picture.quantize(128, dither=Image.Dither.NONE).save(target, optimize=True)
        case _:
            grained(picture).save(target, quality=80, method=6)
    return target.stat().st_size


def check() -> int:
    """Say which pictures are named, drawn or stored but not all three; return the exit status."""
    catalogue = json.loads((DEMO / "catalogue.json").read_text(encoding="utf-8"))
    named = {category["image"] for category in catalogue["categories"]}
    named |= {image["file"] for product in catalogue["products"] for image in product["images"]}
    drawn = {shot.file for shot in SHOTS}
    stored = {path.name for path in IMAGES.iterdir()}
    odd = (named | drawn | stored) - (named & drawn & stored)
    for file in sorted(odd):
        print(f"{file}: named {file in named}, drawn {file in drawn}, stored {file in stored}")
    return 1 if odd else 0


if __name__ == "__main__":
    raise SystemExit(main())
