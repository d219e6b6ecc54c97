#!/usr/bin/python3
"""Step 1 of the recipe: render the glyphs of the faces below into the atlas `glyphs.png` (see README.md).

One row a face, one column a class, cells of 32 x 32 pixels, 16 levels of grey, 0 = paper, 15 = ink. Within a face all glyphs have one
size and one baseline, so that a capital and a small letter keep their proportions; each is centred by its ink.
"""
import sys

import numpy
from PIL import Image, ImageDraw, ImageFont

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
CELL = 32
CAPITAL_HEIGHT = 18  # pixels of an H
BASELINE = 23  # pixels below the top of a cell

TRUETYPE, OPENTYPE = "/usr/share/fonts/truetype/", "/usr/share/fonts/opentype/"
TRAINING_FACES = [
    TRUETYPE + "dejavu/DejaVuSans.ttf",
    TRUETYPE + "dejavu/DejaVuSans-Bold.ttf",
    TRUETYPE + "dejavu/DejaVuSansMono.ttf",
    TRUETYPE + "dejavu/DejaVuSerif.ttf",
    TRUETYPE + "dejavu/DejaVuSerif-BoldItalic.ttf",
    TRUETYPE + "dejavu/DejaVuSansCondensed-Oblique.ttf",
    TRUETYPE + "liberation2/LiberationSans-Regular.ttf",
    TRUETYPE + "liberation2/LiberationSans-BoldItalic.ttf",
    TRUETYPE + "liberation2/LiberationSerif-Regular.ttf",
    TRUETYPE + "liberation2/LiberationSerif-Italic.ttf",
    TRUETYPE + "liberation2/LiberationSerif-Bold.ttf",
    TRUETYPE + "liberation2/LiberationMono-Regular.ttf",
    TRUETYPE + "lato/Lato-Light.ttf",
    TRUETYPE + "lato/Lato-Regular.ttf",
    TRUETYPE + "lato/Lato-Black.ttf",
    TRUETYPE + "lato/Lato-Italic.ttf",
    TRUETYPE + "open-sans/OpenSans-Regular.ttf",
    TRUETYPE + "open-sans/OpenSans-CondBold.ttf",
    OPENTYPE + "linux-libertine/LinLibertine_R.otf",
    OPENTYPE + "linux-libertine/LinLibertine_RB.otf",
    OPENTYPE + "linux-libertine/LinLibertine_RI.otf",
    OPENTYPE + "cantarell/Cantarell-Regular.otf",
    OPENTYPE + "cantarell/Cantarell-ExtraBold.otf",
    TRUETYPE + "quicksand/Quicksand-Medium.ttf",
]
EVALUATION_FACES = [
    TRUETYPE + "roboto/unhinted/RobotoTTF/Roboto-Regular.ttf",
    TRUETYPE + "roboto/unhinted/RobotoTTF/Roboto-BlackItalic.ttf",
    TRUETYPE + "roboto/unhinted/RobotoCondensed-Regular.ttf",
    OPENTYPE + "courier-prime/Courier Prime.otf",
    OPENTYPE + "courier-prime/Courier Prime Sans Bold.otf",
    OPENTYPE + "linux-libertine/LinBiolinum_R.otf",
    TRUETYPE + "inconsolata/Inconsolata.otf",
    TRUETYPE + "comfortaa/Comfortaa-Regular.ttf",
]


def sized(path):
    """The face at the size at which an H is CAPITAL_HEIGHT pixels high."""
    left, top, right, bottom = ImageFont.truetype(path, 1000).getbbox("H", anchor="ls")
    return ImageFont.truetype(path, round(CAPITAL_HEIGHT * 1000 / (bottom - top)))


def cell(font, character):
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    if right - left > CELL or BASELINE + top < 0 or BASELINE + bottom > CELL:
        sys.exit(f"{font.path}: '{character}' does not fit a cell: {left, top, right, bottom}")
    image = Image.new("L", (CELL, CELL), 0)
    ImageDraw.Draw(image).text(((CELL - (right - left)) // 2 - left, BASELINE), character, fill=255, font=font, anchor="ls")
    return numpy.asarray(image)


def main(path):
    rows = []
    for face in TRAINING_FACES + EVALUATION_FACES:
        font = sized(face)
        rows.append(numpy.hstack([cell(font, character) for character in CLASSES]))
    grey = (numpy.vstack(rows).astype(numpy.int32) * 15 + 127) // 255
    image = Image.fromarray(grey.astype(numpy.uint8), mode="P")
    image.putpalette([255 - 17 * level for level in range(16) for _ in range(3)])
    image.save(path, bits=4, optimize=True)


main(sys.argv[1])
