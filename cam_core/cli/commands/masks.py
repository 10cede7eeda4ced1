"""`gradcam masks`: the pixels of the largest segment of each map, for trainers of segmentation."""

from __future__ import annotations

import click

from ..segments.typed import Segmenting, segmenting

FORMATS = ("coco",)


@click.command(short_help="Write the mask of the heat of each map.")
@segmenting(FORMATS, "All masks as COCO's .json, with run lengths.")
def masks(asked: Segmenting) -> None:
    """Cut the heat of the MODEL's map out of each of IMAGES.

    The mask is the largest connected part of the map above a threshold, in pixels of the photo.
    The threshold decides much: it is in every record, and --calibrate chooses it on photos with
    labels. Models, images and options are those of 'gradcam explain'.

    Per photo and target it writes the mask IMAGE.CLASS.METHOD.mask.png (0 and 255), a record
    .mask.json that holds it as COCO's run lengths, and a picture .masked.png.

    \b
    gradcam masks model.onnx photos --preprocess imagenet --format coco -o out
    gradcam masks model.onnx photos --above otsu -o out
    """
    from ..segments.run import run

    run(asked, masks=True)
