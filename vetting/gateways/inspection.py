"""What may come in as a document: looked at, cleaned, or refused with a sentence (VETTING 9)."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import puremagic
from PIL import Image, UnidentifiedImageError
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject

from marketplace.kit.errors import InvalidInput

LARGEST = 10 * 1024 * 1024
MOST_PIXELS = 40_000_000
_IMAGES = {"PNG": "image/png", "JPEG": "image/jpeg"}
# Keys of a PDF that run code, open other programs or carry other files.
_ACTIVE = frozenset({"/JavaScript", "/JS", "/Launch", "/EmbeddedFiles", "/EmbeddedFile", "/XFA"})
_MOST_OBJECTS = 50_000


class DocumentRefused(InvalidInput):
    """The file is not one we keep; the message says why and what would do."""

    code = "document_refused"

    def __init__(self, problem: str) -> None:
        super().__init__(problem, errors=[{"field": "file", "problem": problem}])


@dataclass(frozen=True, slots=True)
class Inspected:
    """Bytes that are safe to keep, and what they are."""

    content: bytes
    media_type: str


def inspect(content: bytes) -> Inspected:
    """The content as it may be kept. Names and declared types are not asked.

    Images are decoded and written anew, which drops places and cameras and whatever was hidden
    behind the picture. A PDF stays as it is, so it may hold nothing that acts.
    """
    if not content:
        raise DocumentRefused("The file is empty.")
    if len(content) > LARGEST:
        raise DocumentRefused("The file is larger than 10 MB.")
    kinds = _kinds(content)
    if ".pdf" in kinds and content.startswith(b"%PDF-"):
        _require_passive(content)
        return Inspected(content, "application/pdf")
    if kinds & {".png", ".jpg", ".jpeg", ".jfif"}:
        return _redrawn(content)
    raise DocumentRefused("Send a PDF, a PNG or a JPEG.")


def _kinds(content: bytes) -> set[str]:
    try:
        return {match.extension for match in puremagic.magic_string(content)}
    except (puremagic.PureError, ValueError):
        return set()


def _redrawn(content: bytes) -> Inspected:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=list(_IMAGES))
            if image.width * image.height > MOST_PIXELS:
                raise DocumentRefused("The picture has more than 40 megapixels.")
            image.load()
    except Image.DecompressionBombError as refused:
        raise DocumentRefused("The picture has more than 40 megapixels.") from refused
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as refused:
        raise DocumentRefused("The picture cannot be read; it may be damaged.") from refused
    written = io.BytesIO()
    kind = image.format or "PNG"
    if kind == "JPEG":
        image.convert("RGB").save(written, format="JPEG", quality=90)
    else:
        clean = image.convert("RGBA" if "A" in image.getbands() else "RGB")
        clean.info.clear()
        clean.save(written, format="PNG")
    return Inspected(written.getvalue(), _IMAGES[kind])


def _require_passive(content: bytes) -> None:
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise DocumentRefused("The PDF is encrypted. Save it without a password.")
        if not len(reader.pages):
            raise DocumentRefused("The PDF has no pages.")
        is_active = _acts(reader)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as refused:
        raise DocumentRefused("The PDF cannot be read; it may be damaged.") from refused
    if is_active:
        raise DocumentRefused("The PDF holds scripts or other files. Print it to a new PDF.")


def _acts(reader: PdfReader) -> bool:
    """Whether any object reachable from the trailer holds a key that acts."""
    waiting: list[PdfObject | None] = [reader.trailer]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, IndirectObject):
            if item.idnum in seen:
                continue
            seen.add(item.idnum)
            if len(seen) > _MOST_OBJECTS:
                raise DocumentRefused("The PDF has too many parts. Print it to a new PDF.")
            item = item.get_object()
        if isinstance(item, DictionaryObject):
            if _ACTIVE & item.keys() or item.get("/S") in ("/JavaScript", "/Launch"):
                return True
            waiting.extend(item.raw_get(key) for key in item)
        elif isinstance(item, ArrayObject):
            waiting.extend(list.__iter__(item))
    return False
