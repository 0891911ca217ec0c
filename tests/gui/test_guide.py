"""The guide: F1 opens it, links and search lead to places in it, and it reads nothing else."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPalette, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from quantoscope.gui.common.theme import DARK, LIGHT, apply_theme
from quantoscope.gui.dialogs import guide_pages as module
from quantoscope.gui.dialogs.guide import Guide
from quantoscope.gui.dialogs.guide_pages import anchor_of, guide_pages
from quantoscope.resources import read_text
from tests.gui.test_plain_text import Fifo


@pytest.fixture
def guide(window, person, qtbot):
    """The guide as F1 opens it."""
    person.press("F1")
    opened = window.findChild(Guide)
    qtbot.waitUntil(lambda: QApplication.activeWindow() is opened)
    return opened


@pytest.fixture
def alone(qapp):
    """The guide on a text in the place of the index."""
    made = []

    def make():
        made.append(Guide())
        made[0].show()
        QApplication.processEvents()
        return made[0]

    yield make
    for guide in made:
        guide.close()


def heading(guide):
    """The heading, or another line, that the page was scrolled to."""
    view = guide.view
    assert view.viewport().rect().contains(view.cursorRect().center())
    return view.textCursor().block().text()


def click_link(guide, text):
    """Click the first link of that text on the page."""
    view = guide.view
    cursor = QTextCursor(view.document())
    while True:
        cursor = view.document().find(text, cursor)
        assert not cursor.isNull(), f"no link {text!r}"
        if cursor.charFormat().isAnchor():
            break
    view.setTextCursor(cursor)
    view.ensureCursorVisible()
    place = view.cursorRect(cursor).center() - QPoint(4, 0)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def marked(guide):
    """The texts that are marked on the page, and the one that is looked at."""
    link = guide.palette().color(QPalette.ColorRole.Link)
    texts = [mark.cursor.selectedText() for mark in guide.view.extraSelections()]
    one = [
        mark.cursor.selectedText()
        for mark in guide.view.extraSelections()
        if mark.format.background().color() == link
    ]
    return texts, one


def rows(guide):
    return [guide.list.item(row).text() for row in range(guide.list.count())]


# Opening and closing


def test_f1_opens_the_index_at_its_top_beside_the_window_and_esc_closes_it(
    guide, window, person, qtbot
):
    assert guide.page == "index.md"
    assert guide.view.verticalScrollBar().value() == 0
    assert not guide.isModal()
    assert guide.list.currentItem().text() == guide.pages["index.md"].title
    with qtbot.waitSignal(guide.destroyed):
        person.press("Esc")
    assert window.findChild(Guide) is None


def test_asked_for_again_it_comes_to_the_front_as_it_was_left(guide, window):
    guide.go("files.md")
    window.actions_["help"].trigger()
    assert window.findChildren(Guide) == [guide]
    assert guide.page == "files.md"


def test_every_page_is_listed_with_its_heading_and_opens(guide, person):
    pages = list(guide.pages.values())
    assert rows(guide) == [page.title for page in pages]
    assert len(pages) > 10
    for row, page in enumerate(pages):
        item = guide.list.item(row)
        guide.list.scrollToItem(item)
        person.click(guide.list.viewport(), guide.list.visualItemRect(item).center())
        assert guide.page == page.name
        assert guide.view.toPlainText() == page.text
        assert heading(guide) == page.title


# Links


def test_a_link_leads_to_another_page_and_alt_left_back_to_where_one_read(guide, person):
    click_link(guide, "Schemes")
    assert guide.page == "schemes.md"
    bar = guide.view.verticalScrollBar()
    bar.setValue(120)
    click_link(guide, "where to clip")
    assert (guide.page, bar.value()) == ("calibration.md", 0)
    person.press("Alt+Left")
    assert guide.page == "schemes.md"
    person.press("Alt+Left")
    assert guide.page == "index.md"
    assert not guide.back.isEnabled()
    person.press("Alt+Left", "Alt+Right")
    assert guide.page == "schemes.md"
    assert guide.forward.isEnabled()
    click_link(guide, "where to clip")
    assert not guide.forward.isEnabled()


def test_alt_left_comes_back_to_the_very_line(guide, person):
    guide.go("files.md")
    guide.view.verticalScrollBar().setValue(333)
    guide.go("speed.md")
    person.press("Alt+Left")
    assert guide.view.verticalScrollBar().value() == 333


def test_a_link_leads_to_a_heading_of_another_page_and_of_the_same(guide):
    guide.go("quick-start.md")
    click_link(guide, "how two schemes are compared")
    assert (guide.page, heading(guide)) == ("runtimes.md", "Compare")
    guide.go("files.md")
    click_link(guide, "see below")
    assert (guide.page, heading(guide)) == ("files.md", "Sessions")


def test_a_link_is_followed_by_keyboard(guide, person):
    person.press("Tab", "Return")
    assert guide.page == "quick-start.md"


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/schemes.md",
        "file:///etc/hostname",
        "//host/schemes.md",
        "no.md",
        "../x",
    ],
)
def test_a_link_to_anything_but_a_page_leads_nowhere(guide, link):
    guide.view.anchorClicked.emit(link)
    assert guide.page == "index.md"
    assert not guide.back.isEnabled()


def test_anchors_are_those_that_links_in_the_pages_have():
    assert anchor_of("What a file can do") == "what-a-file-can-do"
    assert anchor_of("Files: your data in") == "files-your-data-in"
    assert anchor_of("The textbook's arithmetic") == "the-textbooks-arithmetic"


# Search


def test_ctrl_f_searches_all_pages_and_f3_steps_through_the_matches(guide, person):
    person.press("Ctrl+F")
    person.type("fma multiply-add")
    assert rows(guide) == []
    assert guide.said.text() == "No part of a page has all these words."
    person.press("Ctrl+F")
    person.type("multiply-add")
    assert rows(guide) == ["Runtimes ▸ Where runtimes part"]
    assert guide.said.text() == "Matches: 1. F3 shows the next."
    assert guide.page == "index.md"
    person.press("F3")
    assert guide.page == "runtimes.md"
    assert marked(guide) == (["multiply-add"], ["multiply-add"])
    assert guide.said.text() == "Match 1 of 1"
    at = guide.view.cursorRect()
    assert guide.view.viewport().rect().contains(at)
    person.press("Alt+Left")
    assert guide.page == "index.md"


def test_matches_go_round_in_both_directions_and_over_pages(guide, person):
    person.press("Ctrl+F")
    person.type("PERCENTILE")
    seen = []
    count = len(guide._matches)
    for _ in range(count + 1):
        person.press("Return")
        seen.append((guide.page, guide.view.textCursor().position()))
    assert len(set(seen)) == count > 2
    assert len({page for page, _ in seen}) > 1
    assert seen[0] == seen[-1]
    person.press("Shift+F3")
    assert (guide.page, guide.view.textCursor().position()) == seen[-2]
    assert guide.said.text() == f"Match {count} of {count}"


def test_f3_begins_on_the_page_that_is_read(guide, person):
    guide.go("files.md")
    person.press("Ctrl+F")
    person.type("pickle")
    person.press("F3")
    assert guide.page == "files.md"


def test_words_are_found_in_the_parts_that_have_all_of_them(guide, person):
    person.press("Ctrl+F")
    person.type("threshold onnxruntime")
    for match in guide._matches:
        section = match.section
        text = guide.pages[section.page].text[section.start : section.end].lower()
        assert "threshold" in text and "onnxruntime" in text
    assert {m.section.page for m in guide._matches} >= {"calibration.md", "runtimes.md"}


def test_a_part_that_is_chosen_is_shown_with_its_matches_and_an_empty_field_lists_the_pages(
    guide, person
):
    pages = rows(guide)
    person.press("Ctrl+F")
    person.type("session")
    items = map(guide.list.item, range(guide.list.count()))
    item = next(item for item in items if "▸ Sessions" in item.text())
    person.click(guide.list.viewport(), guide.list.visualItemRect(item).center())
    assert (guide.page, heading(guide)) == ("files.md", "Sessions")
    texts, one = marked(guide)
    assert one == ["Session"]
    assert len(texts) > len(one)
    guide.field.clear()
    assert rows(guide) == pages
    assert guide.list.currentItem().text() == guide.pages["files.md"].title
    assert guide.said.text() == ""
    assert marked(guide) == ([], [])


def test_f3_without_words_asks_for_some(guide, person):
    person.press("F3")
    assert QApplication.focusWidget() is guide.field


# What it reads


def test_a_page_reads_no_file_that_it_names(alone, tmp_path, monkeypatch):
    pipe = Fifo(tmp_path / "fifo")
    text = f"# Index\n\nA ![picture]({pipe.path}) and <img src='{pipe.path}'>\n\n<b>bold</b>\n"
    monkeypatch.setattr(module, "read_text", lambda name: text)
    guide = alone()
    guide.grab()
    assert not pipe.end()
    assert "<b>bold</b>" in guide.view.toPlainText()


def test_pages_have_no_pictures_here():
    assert any("![" in read_text(f"guide/{name}") for name in guide_pages())
    assert not any("\N{OBJECT REPLACEMENT CHARACTER}" in p.text for p in guide_pages().values())


# Look


def test_colours_follow_the_theme_while_it_is_open(alone):
    def link_colour(guide):
        cursor = guide.view.document().find("Quick start")
        return cursor.charFormat().foreground().color().name()

    apply_theme(LIGHT)
    guide = alone()
    guide.resize(700, 400)
    bar = guide.view.verticalScrollBar()
    bar.setValue(30)
    assert link_colour(guide) == LIGHT.highlight.lower()
    apply_theme(DARK)
    QApplication.processEvents()
    assert link_colour(guide) == DARK.highlight.lower()
    assert bar.value() == 30
    apply_theme(LIGHT)


def test_it_fits_a_small_screen_and_nothing_is_cut_sideways(guide):
    guide.resize(700, 500)
    for name in guide.pages:
        guide.go(name)
        QApplication.processEvents()
        assert guide.view.horizontalScrollBar().maximum() == 0, name
