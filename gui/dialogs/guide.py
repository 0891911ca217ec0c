"""The window of the user's guide: pages, the links between them, and a search over all."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import (
    QBrush,
    QFont,
    QFontDatabase,
    QKeySequence,
    QPalette,
    QShortcut,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import Page
from quantoscope.gui.common.splitter import Splitter
from quantoscope.gui.common.widgets import hbox, open_at, plain_label, vbox
from quantoscope.gui.dialogs.guide_pages import INDEX, MARKDOWN, Match, Section, blocks, guide_pages

_TARGET = Qt.ItemDataRole.UserRole


class Guide(QDialog):
    """A window beside the main one: pages and matches on the left, a page on the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Guide"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.pages = guide_pages()
        self.page = ""
        self._visited: list[tuple[str, int]] = []
        self._place = -1
        self._matches: list[Match] = []
        self._match = -1
        self.back = self._button(self.tr("← Back"), "Alt+Left")
        self.forward = self._button(self.tr("Forward →"), "Alt+Right")
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(self.tr("Search all pages (Ctrl+F)"))
        self.field.setAccessibleName(self.tr("Search all pages"))
        self.field.setClearButtonEnabled(True)
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Pages"))
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSpacing(1)
        self.said = plain_label(self)
        self.view = Page(self)
        self.view.setOpenLinks(False)
        self.view.setAccessibleName(self.tr("Guide"))
        self._lay_out()
        self._connect()
        self._list_pages()
        self.go(INDEX)
        self.view.setFocus()

    def _button(self, text: str, keys: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(f"{text} ({keys})")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return button

    def _lay_out(self) -> None:
        left, right = QWidget(self), QWidget(self)
        vbox(left, self.field, self.list, self.said)
        vbox(right, hbox(None, self.back, self.forward, 1), self.view)
        name = self.tr("Border between the list of pages and the page")
        splitter = Splitter(Qt.Orientation.Horizontal, name, parent=self)
        splitter.addWidget(left)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([250, 690])
        layout = QVBoxLayout(self)
        layout.addWidget(splitter)
        open_at(self, 960, 700)

    def _connect(self) -> None:
        self.view.anchorClicked.connect(self._follow)
        self.field.textChanged.connect(self._search)
        self.field.returnPressed.connect(self.next_match)
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(self._choose)
        self.back.clicked.connect(self.go_back)
        self.forward.clicked.connect(self.go_forward)
        for keys, act in (
            ("Alt+Left", self.go_back),
            ("Alt+Right", self.go_forward),
            ("Ctrl+F", self._to_search),
            ("F3", self.next_match),
            ("Shift+F3", self.previous_match),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(act)

    # Pages

    def go(self, name: str, position: int = 0) -> None:
        """Show a page from a position on, and remember the one before."""
        self._remember()
        del self._visited[self._place + 1 :]
        self._visited.append((name, 0))
        self._place += 1
        self._show(name)
        if position:
            self._scroll_to(position)
        self._settle()

    def go_back(self) -> None:
        """Show the page before."""
        self._turn(-1)

    def go_forward(self) -> None:
        """Show the page that was left by going back."""
        self._turn(1)

    def _turn(self, by: int) -> None:
        if not 0 <= self._place + by < len(self._visited):
            return
        self._remember()
        self._place += by
        name, scrolled = self._visited[self._place]
        self._show(name)
        self.view.verticalScrollBar().setValue(scrolled)
        self._settle()

    def _remember(self) -> None:
        """Keep how far the page is scrolled."""
        if self._visited:
            scrolled = self.view.verticalScrollBar().value()
            self._visited[self._place] = (self.page, scrolled)

    def _show(self, name: str) -> None:
        if name != self.page:
            self.page = name
            self._render()
        self.view.verticalScrollBar().setValue(0)
        self._mark()

    def _render(self) -> None:
        document = self.view.document()
        document.setMarkdown(self.pages[self.page].source, MARKDOWN)
        _dress(document, self.palette())
        # The whole page is laid out, or the scroll bar ends where that has got to.
        document.size()
        # It stands at the end of what was put in, and is scrolled to when the page gets the focus.
        self.view.moveCursor(QTextCursor.MoveOperation.Start)

    def _settle(self) -> None:
        self.back.setEnabled(self._place > 0)
        self.forward.setEnabled(self._place + 1 < len(self._visited))
        if not self.field.text().strip():
            self._mark_page()

    def _scroll_to(self, position: int) -> None:
        document = self.view.document()
        block = document.findBlock(position)
        top = document.documentLayout().blockBoundingRect(block).top()
        self.view.verticalScrollBar().setValue(round(top) - 4)
        cursor = QTextCursor(block)
        self.view.setTextCursor(cursor)
        # Setting the cursor scrolls only as far as it must.
        self.view.verticalScrollBar().setValue(round(top) - 4)

    def _follow(self, link: QUrl) -> None:
        """Go where a link leads; whatever is no page of the guide leads nowhere."""
        name = link.path() or self.page
        if link.scheme() or link.host() or name not in self.pages:
            return
        self.go(name, self.pages[name].position(link.fragment()))

    # Search

    def _to_search(self) -> None:
        self.field.setFocus()
        self.field.selectAll()

    def _search(self, text: str) -> None:
        words = text.split()
        self._match = -1
        self._matches = []
        self.list.clear()
        if words:
            self._matches = [m for page in self.pages.values() for m in page.matches(words)]
        else:
            self._list_pages()
            self._mark_page()
        for section in dict.fromkeys(match.section for match in self._matches):
            page = self.pages[section.page]
            below = "" if section == page.sections[0] else f" ▸ {section.title}"
            self._add_row(page.title.partition(":")[0] + below, section)
        self._say()
        self._mark()

    def _say(self) -> None:
        if not self.field.text().strip():
            self.said.clear()
        elif not self._matches:
            self.said.setText(self.tr("No part of a page has all these words."))
        elif self._match < 0:
            self.said.setText(
                filled(self.tr("Matches: %1. F3 shows the next."), len(self._matches))
            )
        else:
            said = self.tr("Match %1 of %2")
            self.said.setText(filled(said, self._match + 1, len(self._matches)))

    def next_match(self) -> None:
        """Show the next match, on whichever page it is; the first one after the last."""
        self._step(1 if self._match >= 0 else self._ahead())

    def previous_match(self) -> None:
        """Show the match before."""
        self._step(-1 if self._match >= 0 else 0)

    def _ahead(self) -> int:
        """How far the first match on this page is from none."""
        here = (n for n, match in enumerate(self._matches) if match.section.page == self.page)
        return 1 + next(here, 0)

    def _step(self, by: int) -> None:
        if not self._matches:
            self._to_search()
            return
        self._match = (self._match + by) % len(self._matches)
        match = self._matches[self._match]
        if match.section.page != self.page:
            self.go(match.section.page)
        cursor = QTextCursor(self.view.document())
        cursor.setPosition(match.start)
        self.view.setTextCursor(cursor)
        self.view.ensureCursorVisible()
        rows = [self.list.item(row).data(_TARGET) for row in range(self.list.count())]
        self.list.setCurrentRow(rows.index(match.section))
        self._say()
        self._mark()

    def _mark(self) -> None:
        """Mark the matches on the page, and the one that is looked at."""
        marks = []
        for number, match in enumerate(self._matches):
            if match.section.page != self.page:
                continue
            mark = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.view.document())
            cursor.setPosition(match.start)
            cursor.setPosition(match.end, QTextCursor.MoveMode.KeepAnchor)
            look, role = QTextCharFormat(), QPalette.ColorRole
            looked_at = number == self._match
            look.setBackground(self.palette().brush(role.Link if looked_at else role.Highlight))
            if looked_at:
                look.setForeground(self.palette().brush(role.Base))
            mark.cursor, mark.format = cursor, look
            marks.append(mark)
        self.view.setExtraSelections(marks)

    # The list

    def _list_pages(self) -> None:
        for page in self.pages.values():
            self._add_row(page.title, page.sections[0])

    def _mark_page(self) -> None:
        self.list.setCurrentRow(list(self.pages).index(self.page))

    def _add_row(self, text: str, section: Section) -> None:
        item = QListWidgetItem(text, self.list)
        item.setToolTip(text)
        item.setData(_TARGET, section)

    def _choose(self, item: QListWidgetItem) -> None:
        section = item.data(_TARGET)
        first = next((n for n, m in enumerate(self._matches) if m.section == section), None)
        if first is None:
            self.go(section.page)
            return
        self.go(section.page, section.start)
        self._match = first
        self._say()
        self._mark()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._visited:
            # Links and tables keep the colours that they were made with.
            scrolled = self.view.verticalScrollBar().value()
            self._render()
            self._mark()
            self.view.verticalScrollBar().setValue(scrolled)


def _dress(document: QTextDocument, palette: QPalette) -> None:
    """Give tables lines and room, code its font, and the page a margin."""
    role = QPalette.ColorRole
    frame = document.rootFrame().frameFormat()
    frame.setMargin(14)
    document.rootFrame().setFrameFormat(frame)
    airy = QTextBlockFormat()
    airy.setLineHeight(118, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    everything = QTextCursor(document)
    everything.select(QTextCursor.SelectionType.Document)
    everything.mergeBlockFormat(airy)
    for child in document.rootFrame().childFrames():
        if not isinstance(child, QTextTable):
            continue
        look = child.format().toTableFormat()
        look.setBorder(1)
        look.setBorderCollapse(True)
        look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        look.setBorderBrush(QBrush(palette.color(role.Mid)))
        look.setCellPadding(4)
        look.setCellSpacing(0)
        look.setTopMargin(6)
        look.setBottomMargin(12)
        # Of the whole width the border would lie outside.
        look.setWidth(QTextLength(QTextLength.Type.PercentageLength, 99))
        child.setFormat(look)
    code = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    for block in blocks(document):
        _dress_code(block, code, palette)


def _dress_code(block: QTextBlock, code: QFont, palette: QPalette) -> None:
    fenced = block.blockFormat().hasProperty(QTextBlockFormat.Property.BlockCodeLanguage)
    cursor = QTextCursor(block)
    if fenced:
        ground = QTextBlockFormat()
        ground.setBackground(palette.brush(QPalette.ColorRole.AlternateBase))
        ground.setNonBreakableLines(False)
        # What lies between lines that are further apart has no ground.
        ground.setLineHeight(0, QTextBlockFormat.LineHeightTypes.SingleHeight.value)
        cursor.mergeBlockFormat(ground)
    look = QTextCharFormat()
    look.setFontFamilies([code.family()])
    pieces = []
    iterator = block.begin()
    while not iterator.atEnd():
        piece = iterator.fragment()
        if piece.charFormat().fontFixedPitch():
            pieces.append((piece.position(), piece.length()))
        iterator += 1
    for start, length in pieces:
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(look)


def show_guide(parent: QWidget) -> None:
    """Show the guide; the window that is open comes to the front."""
    guide = parent.findChild(Guide) or Guide(parent)
    guide.show()
    guide.raise_()
    guide.activateWindow()
