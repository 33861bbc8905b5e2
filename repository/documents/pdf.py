"""Plain papers in PDF: headings, paragraphs, tables and pictures, with a notice on every page.

The same content gives the same bytes. What is written is text and never markup: nothing in it can
style the page, link anywhere or fetch anything. A character that the font does not have is printed
as its number, as in ``[U+1EC5]``, so that no name is printed wrong unseen.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image as Images
from reportlab.lib import colors
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    KeepTogether,
    LongTable,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)

from repository.errors import RepositoryError

MAX_PICTURE_PX = 50_000_000
_FONT, _BOLD = "Vera", "VeraBd"
_MARGIN = 0.8 * inch
_FRAME_PADDING = 6  # of the library's frames
_FOOT = 0.95 * inch
_WIDTH = LETTER[0] - 2 * _MARGIN
_PICTURE_FORMATS = ("JPEG", "PNG")
# A row is not broken over pages: what of a cell is higher than this goes on in the next row.
_MAX_ROW_HEIGHT = 4 * inch
_CELL_PADDING = 3


class DocumentError(RepositoryError):
    """Something cannot be printed."""


class Document:
    """A paper, filled from top to bottom and then rendered.

    ``notice`` stands at the foot of every page, where one is asked for.
    """

    def __init__(self, title: str, subtitle: str = "", *, notice: str | None = None) -> None:
        _register_fonts()
        self._title = _printable(title)
        self._notice = notice
        self._flow: list[Flowable] = [Paragraph(_text(title), _STYLES["title"])]
        if subtitle:
            self._flow.append(Paragraph(_text(subtitle), _STYLES["subtitle"]))

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._flow.append(Paragraph(_text(text), _STYLES["heading"]))

    def paragraph(self, text: str) -> None:
        """Running text; line ends in it are kept."""
        self._flow.append(Paragraph(_text(text), _STYLES["body"]))

    def table(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float] | None = None,
    ) -> None:
        """A table, its header again on each page that it reaches.

        Args:
            header: what stands over the columns.
            rows: as many cells each.
            widths: of the columns to one another; all the same where left out.

        Raises:
            DocumentError: if a row has another number of cells, or there is no column.
        """
        if not header or any(len(row) != len(header) for row in rows):
            raise DocumentError("table: every row needs as many cells as the header")
        shares = widths or [1.0] * len(header)
        if len(shares) != len(header):
            raise DocumentError("table: as many widths as columns")
        columns = [_WIDTH * share / sum(shares) for share in shares]
        cells: list[list[Flowable]] = [
            [Paragraph(_text(each), _STYLES["head cell"]) for each in header]
        ]
        for row in rows:
            cells += _rows(row, columns)
        table = LongTable(cells, colWidths=columns, repeatRows=1)
        table.setStyle(_TABLE)
        self._flow += [table, Spacer(0, 8)]

    def picture(self, content: bytes, caption: str, *, height_in: float = 3.0) -> None:
        """A picture in JPEG or PNG with what it shows below it.

        Args:
            content: the file's bytes; they are printed, never changed.
            caption: what stands below it.
            height_in: the greatest height on paper, in inches.

        Raises:
            DocumentError: if it is no such picture, or larger than `MAX_PICTURE_PX`.
        """
        width_px, height_px = _size_px(content)
        scale = min(_WIDTH / width_px, height_in * inch / height_px)
        image = Image(io.BytesIO(content), width_px * scale, height_px * scale, hAlign="LEFT")
        below = Paragraph(_text(caption), _STYLES["cell"])
        self._flow.append(KeepTogether([image, Spacer(0, 2), below, Spacer(0, 8)]))

    def render(self) -> bytes:
        """The paper as a PDF file. A document is rendered once.

        Raises:
            DocumentError: if something in it cannot be laid out.
        """
        out = io.BytesIO()
        layout = SimpleDocTemplate(
            out,
            pagesize=LETTER,
            leftMargin=_MARGIN - _FRAME_PADDING,
            rightMargin=_MARGIN - _FRAME_PADDING,
            topMargin=_MARGIN,
            bottomMargin=_FOOT + 0.2 * inch,
            title=self._title,
            author="Plateward",
            invariant=1,
        )
        title, notice = self._title, self._notice

        class Pages(_Pages):
            foot_title = title
            foot_notice = notice

        try:
            layout.build(self._flow, canvasmaker=Pages)
        except Exception as error:  # the library raises whatever its parts raise
            raise DocumentError(f"cannot be printed ({type(error).__name__})") from error
        return out.getvalue()


class _Pages(Canvas):
    """Pages that know how many they are: their feet are drawn once the last one is there."""

    foot_title = ""
    foot_notice: str | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the library's name
        """Keep the page; its foot is not known yet."""
        self._kept.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Draw every page's foot, and write them all."""
        for number, kept in enumerate(self._kept, start=1):
            self.__dict__.update(kept)
            self._foot(number, len(self._kept))
            super().showPage()
        super().save()

    def _foot(self, number: int, pages: int) -> None:
        self.setStrokeColor(colors.grey)
        self.line(_MARGIN, _FOOT, LETTER[0] - _MARGIN, _FOOT)
        top = _FOOT - 4
        if self.foot_notice is not None:
            notice = Paragraph(_text(self.foot_notice), _STYLES["notice"])
            _, height = notice.wrap(_WIDTH, _FOOT)
            notice.drawOn(self, _MARGIN, top - height)
            top -= height
        self.setFont(_FONT, 7)
        self.setFillColor(colors.black)
        self.drawString(_MARGIN, top - 9, self.foot_title[:90])
        self.drawRightString(LETTER[0] - _MARGIN, top - 9, f"page {number} of {pages}")


def _register_fonts() -> None:
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        for name in (_FONT, _BOLD):
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))


def _printable(text: str) -> str:
    """The text with what the font lacks, and what steers a printer, as numbers."""
    known = pdfmetrics.getFont(_FONT).face.charToGlyph  # type: ignore[attr-defined]
    return "".join(
        each if each == "\n" or (each.isprintable() and ord(each) in known) else _numbered(each)
        for each in unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\t", "    ")
    )


def _numbered(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def _text(text: str) -> str:
    """Text as a paragraph takes it, where nothing of it is markup."""
    return escape(_printable(text)).replace("\n", "<br/>")


def _rows(row: Sequence[str], columns: Sequence[float]) -> list[list[Flowable]]:
    """A row, or several where a cell is too high for one."""
    parts = [_cell(each, width) for each, width in zip(row, columns, strict=True)]
    return [
        [part or Paragraph("", _STYLES["cell"]) for part in line] for line in zip_longest(*parts)
    ]


def _cell(text: str, column: float) -> list[Flowable]:
    width = column - 2 * _CELL_PADDING
    rest: Flowable = Paragraph(_text(text), _STYLES["cell"])
    parts: list[Flowable] = []
    while rest.wrap(width, _MAX_ROW_HEIGHT)[1] > _MAX_ROW_HEIGHT:
        first, rest = rest.split(width, _MAX_ROW_HEIGHT)
        parts.append(first)
    return [*parts, rest]


def _size_px(content: bytes) -> tuple[int, int]:
    try:
        with Images.open(io.BytesIO(content), formats=_PICTURE_FORMATS) as image:
            width_px, height_px = image.size
            if width_px * height_px > MAX_PICTURE_PX:
                raise DocumentError(f"picture: {width_px} by {height_px} pixels are too many")
            image.load()
    except (OSError, ValueError, SyntaxError, Images.DecompressionBombError) as error:
        raise DocumentError("picture: no whole picture in JPEG or PNG") from error
    return width_px, height_px


def _style(name: str, font: str, size_pt: float, after_pt: float) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=font,
        fontSize=size_pt,
        leading=size_pt * 1.3,
        spaceAfter=after_pt,
        splitLongWords=True,
    )


_STYLES = {
    "title": _style("title", _BOLD, 16, 4),
    "subtitle": _style("subtitle", _FONT, 9.5, 10),
    "heading": _style("heading", _BOLD, 11, 4),
    "body": _style("body", _FONT, 9, 6),
    "head cell": _style("head cell", _BOLD, 7.5, 0),
    "cell": _style("cell", _FONT, 7.5, 0),
    "notice": _style("notice", _BOLD, 7.5, 0),
}
_STYLES["heading"].spaceBefore = 8
_STYLES["heading"].keepWithNext = True
_TABLE = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.lightgrey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), _CELL_PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _CELL_PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
)
