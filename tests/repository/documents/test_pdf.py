"""Papers in PDF, read back with a reader that is not ours."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image
from pypdf import PdfReader

from repository.documents.pdf import Document, DocumentError
from repository.search.result import LEAD_ONLY


def _pages(document: Document) -> list[str]:
    """The text of each page, its line ends as blanks."""
    return _texts(document.render())


def _texts(rendered: bytes) -> list[str]:
    reader = PdfReader(io.BytesIO(rendered), strict=True)
    return [" ".join(page.extract_text().split()) for page in reader.pages]


def _picture(kind: str = "JPEG", size_px: tuple[int, int] = (320, 180)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size_px, (30, 90, 60)).save(out, kind)
    return out.getvalue()


def test_a_paper_holds_what_was_put_in_it_in_order() -> None:
    document = Document("Case 24-1187", "Salem Police")
    document.heading("The read")
    document.paragraph("First line\nsecond line")
    document.table(["what", "value"], [["plate", "1ABC20"]], widths=[1, 3])
    document.picture(_picture(), "The plate")
    document.picture(_picture("PNG"), "The scene")
    (text,) = _pages(document)
    places = [
        text.index(each)
        for each in (
            "Case 24-1187",
            "Salem Police",
            "The read",
            "First line second line",
            "what value plate 1ABC20",
            "The plate",
            "The scene",
        )
    ]
    assert places == sorted(places)
    assert "page 1 of 1" in text


@pytest.mark.policy("F-lead")
def test_every_page_bears_the_notice() -> None:
    document = Document("Answer", notice=LEAD_ONLY)
    for _ in range(90):
        document.paragraph("Seen at the corner of Essex Street and Washington Street. " * 2)
    pages = _pages(document)
    assert len(pages) > 2
    assert all(LEAD_ONLY in page for page in pages)
    assert all(f"page {at} of {len(pages)}" in page for at, page in enumerate(pages, start=1))
    assert LEAD_ONLY not in _pages(Document("Statistics"))[0]


def test_the_same_content_gives_the_same_bytes() -> None:
    def render() -> bytes:
        document = Document("Case 24-1187")
        document.table(["a"], [["b"]])
        document.picture(_picture(), "c")
        return document.render()

    assert render() == render()


def test_nothing_written_is_taken_for_markup() -> None:
    typed = '<b>bold</b> <img src="/etc/passwd"/> <a href="http://x.example/">&amp;</a> </para>'
    document = Document(typed, typed, notice=typed)
    document.heading(typed)
    document.paragraph(typed)
    document.table([typed], [[typed]])
    document.picture(_picture(), typed)
    rendered = document.render()
    (text,) = _texts(rendered)
    assert text.replace(" ", "").count(typed.replace(" ", "")) >= 7
    assert all("/Annots" not in page for page in PdfReader(io.BytesIO(rendered)).pages)


def test_a_character_that_cannot_be_printed_is_printed_as_its_number() -> None:
    document = Document("Nguyễn, José, Łukasz")
    document.paragraph("nul \x00, turned \u202eback, lone \ud800, decomposed e\u0301, 車")
    (text,) = _pages(document)
    assert "Nguy[U+1EC5]n, José, Łukasz" in text
    assert "nul [U+0000], turned [U+202E]back, lone [U+D800], decomposed é, [U+8ECA]" in text


def test_long_cells_go_on_over_rows_and_pages() -> None:
    words = [f"word{number}" for number in range(4000)]
    document = Document("Long")
    document.table(
        ["words", "digest", "lines"], [[" ".join(words), "a" * 9000, "\n" * 300]], widths=[3, 1, 1]
    )
    pages = _pages(document)
    text = " ".join(pages)
    assert [each for each in text.split() if each.startswith("word") and each != "words"] == words
    assert sum(len(each) for each in text.split() if set(each) == {"a"}) == 9000
    assert all("words digest lines" in page for page in pages if "word" in page)


def test_what_cannot_be_printed_is_refused() -> None:
    document = Document("Refused")
    with pytest.raises(DocumentError, match="as many cells"):
        document.table(["a", "b"], [["only one"]])
    with pytest.raises(DocumentError, match="as many widths"):
        document.table(["a", "b"], [], widths=[1])
    whole = _picture()
    for content in (b"", b"no picture", whole[: len(whole) // 2], _picture("GIF")):
        with pytest.raises(DocumentError, match="no whole picture"):
            document.picture(content, "x")
    with pytest.raises(DocumentError, match="too many"):
        document.picture(_claiming_to_be(10_000, 6_000), "x")


def _claiming_to_be(width_px: int, height_px: int) -> bytes:
    """A small PNG whose header claims another size."""
    small = _picture("PNG")
    header = small[12:16] + struct.pack(">II", width_px, height_px) + small[24:29]
    return small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]
