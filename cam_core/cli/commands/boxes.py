"""`gradcam boxes`: the box round the largest segment of each map, for trainers of detectors."""

from __future__ import annotations

import click

from ..segments.typed import Segmenting, segmenting

FORMATS = ("coco", "yolo", "voc")


@click.command(short_help="Write the box round the heat of each map.")
@segmenting(FORMATS, "All boxes as COCO's .json, YOLO's .txt or Pascal VOC's .xml; repeatable.")
def boxes(asked: Segmenting) -> None:
    """Draw a box round the heat of the MODEL's map of each of IMAGES.

    The box is round the largest connected part of the map above a threshold, in pixels of the
    photo. The threshold decides much: it is in every record, and --calibrate chooses it on photos
    with labels. Models, images and options are those of 'gradcam explain'.

    Per photo and target it writes a record IMAGE.CLASS.METHOD.box.json and a picture .box.png.

    \b
    gradcam boxes model.onnx photos --preprocess imagenet --format coco -o out
    gradcam boxes model.onnx photos --calibrate labels.json -o out
    """
    from ..segments.run import run

    run(asked, masks=False)
