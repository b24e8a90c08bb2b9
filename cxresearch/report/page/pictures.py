"""Pictures that a notebook made by other means than ours, as a page can hold them: small, without what is hidden in the file.

A drawing (SVG) stands in the page as a picture: a browser then runs nothing of it and fetches nothing for it.
"""

from __future__ import annotations

import base64
import binascii
import functools
import io
import re
import warnings
from dataclasses import dataclass
from xml.etree import ElementTree as Tree

from PIL import Image, ImageOps

LARGEST = 300_000  # bytes of one picture
_PLAIN = 60_000  # beyond these a picture is worth a palette
_WIDEST = 1_344  # pixels of one that is made smaller: twice the column
_MOST_PIXELS = 80_000_000
_RUNS = {"script", "foreignObject", "iframe", "object", "embed", "audio", "video", "animate", "set", "handler"}


class PictureError(ValueError):
    """Why a picture is not shown, as the words ``own`` call it: ``damaged``, ``large_picture`` or ``active_picture``."""


@dataclass(frozen=True)
class Picture:
    """``source`` is what an ``<img>`` shows; ``text`` what is written in a drawing; ``frames`` of a film, else 1."""

    source: str
    file: bytes
    ending: str
    width: int | None = None
    height: int | None = None
    text: str = ""
    frames: int = 1


@functools.lru_cache(maxsize=64)
def painted(data: str) -> Picture:
    """A PNG, JPEG, GIF or WebP file in base64, painted anew: comments, places and cameras in the file are gone.

    One beyond ``LARGEST`` gets fewer colours, then fewer pixels. Raises PictureError.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its size, which is judged here
            opened = Image.open(io.BytesIO(base64.b64decode(data)))
            if opened.width * opened.height > _MOST_PIXELS:
                raise PictureError("large_picture")
            frames, photograph = getattr(opened, "n_frames", 1), opened.format == "JPEG"
            upright = ImageOps.exif_transpose(opened)
            picture = upright.convert("RGBA" if upright.mode in ("RGBA", "LA", "PA", "P") else "RGB")
    except PictureError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, binascii.Error, Image.DecompressionBombError) as error:
        raise PictureError("damaged") from error
    size = picture.size
    file, ending = _file(picture, photograph)
    if len(file) > LARGEST:
        picture.thumbnail((_WIDEST, 2 * _WIDEST))
        file, ending = _file(picture, photograph)
        if len(file) > LARGEST:
            file, ending = _file(picture, photograph=True)
        if len(file) > LARGEST:
            raise PictureError("large_picture")
    mime = {"png": "png", "jpg": "jpeg"}[ending]
    source = f"data:image/{mime};base64,{base64.b64encode(file).decode()}"
    return Picture(source, file, ending, *size, frames=frames)


def _file(picture: Image.Image, photograph: bool) -> tuple[bytes, str]:
    made = io.BytesIO()
    if photograph:
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
        ground.save(made, "JPEG", quality=82, optimize=True)
        return made.getvalue(), "jpg"
    picture.save(made, "PNG", optimize=False)
    if len(made.getvalue()) > _PLAIN:
        # Of a chart 256 colours are enough; nobody tells them from the others.
        fewer, small = picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE), io.BytesIO()
        fewer.save(small, "PNG", optimize=True)
        made = min(made, small, key=lambda one: len(one.getvalue()))
    return made.getvalue(), "png"


@functools.lru_cache(maxsize=64)
def drawn(svg: str) -> Picture:
    """An SVG that runs nothing and names nothing outside itself. Raises PictureError."""
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    if "<!ENTITY" in svg:
        raise PictureError("active_picture")
    file = svg.encode("utf-8", "replace")
    if len(file) > LARGEST:
        raise PictureError("large_picture")
    try:
        root = Tree.fromstring(file)  # noqa: S314 its entities were refused
    except (Tree.ParseError, ValueError) as error:
        raise PictureError("damaged") from error
    if _name(root.tag) != "svg":
        raise PictureError("damaged")
    if not str(root.tag).startswith("{"):  # as a file of its own it needs the name of its language
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        file = svg.encode("utf-8", "replace")
    said = []
    for one in root.iter():
        said += [one.text or "", one.tail or ""]
        if _name(one.tag) in _RUNS:
            raise PictureError("active_picture")
        for key, value in one.attrib.items():
            outside = _name(key) in ("href", "src") and not value.strip().startswith(("#", "data:image/"))
            if key.lower().startswith("on") or (outside and _name(one.tag) != "a") or _fetches(value):
                raise PictureError("active_picture")
            said.append(value)
        if _name(one.tag) == "style" and _fetches(one.text or ""):
            raise PictureError("active_picture")
    source = f"data:image/svg+xml;base64,{base64.b64encode(file).decode()}"
    return Picture(source, file, "svg", text="\n".join(said))


def _name(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _fetches(css: str) -> bool:
    return bool(re.search(r"url\((?!\s*['\"]?(?:#|data:image/))|@import", css, re.IGNORECASE))
