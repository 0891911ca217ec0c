"""Tables of web pages as the cells that a clipboard would hold."""

import time

import pytest

from quantoscope.engine.text.html_table import cells_of_html
from quantoscope.engine.text.number_parsing import NumberError
from quantoscope.engine.text.paste import read


@pytest.mark.parametrize(
    ("html", "cells"),
    [
        ("<table><tr><td>1<td>2<tr><td>3<td>4</table>", "1\t2\n3\t4\n"),
        (
            "<meta charset='utf-8'><style>td{x}</style><table border=1><thead><tr><th>a</th>"
            "<th>b</th></tr></thead><tbody>\n<tr><td>1.5</td><td> \n2 </td></tr></tbody></table>",
            "a\tb\n1.5\t2\n",
        ),
        ("<table><tr><td>&minus;1,5</td><td>1&nbsp;000</td></tr></table>", "−1,5\t1 000\n"),
        ("<table><tr><td><b>1</b><i>2</i></td><td><p>3</p></td></tr></table>", "12\t3\n"),
        ("<tr><td>1</td></tr>", "1\n"),
        ("<table><tr><td>1 < 2</td><td>a<!-- <td>3</td> --></td></tr></table>", "1 < 2\ta\n"),
        ("<table><tr></tr><tr><td>1</td></tr></table>", "1\n"),
        ("<table><tr><td>1<td>2</table>Source: 7", "1\t2\n"),
        ("<p>3</p><table><tr><td>1</td>4</tr></table><p>Source: 7", "1\n"),
        ("<table><tr><td colspan=2>x</td></tr><tr><td>1<td>2</table>", "x\t\n1\t2\n"),
        ("<p>1<br>2</p><div>3 4</div><script>5</script>", "1\n2\n3 4"),
        (
            "<html><head><title>Prices 7</title><STYLE>p{8}</STYLE></head>"
            "<template>9</template><p>1</p></html>",
            "1",
        ),
        ("plain 1 2", "plain 1 2"),
        ("", ""),
    ],
)
def test_cells_stand_between_tabs_and_rows_in_lines(html, cells):
    assert cells_of_html(html).replace("\n", "⏎") == cells.replace("\n", "⏎")


def test_several_tables_are_refused_rather_than_mixed():
    with pytest.raises(NumberError, match="2 tables"):
        cells_of_html("<table><tr><td>1</table><table><tr><td>2</table>")


@pytest.mark.parametrize(
    "html", ["<td colspan=999999999>1", "<table>" + "<tr><td colspan='500'>1" * 100]
)
def test_cells_that_claim_to_span_many_are_refused(html):
    with pytest.raises(NumberError, match="span too many"):
        cells_of_html(html)


def test_a_table_of_numbers_with_a_head_is_read():
    html = "<table><tr><th>a<th>b</tr><tr><td>1<td>2</tr><tr><td>3<td>4.5</tr></table>"
    assert read(cells_of_html(html)).values.tolist() == [[1, 2], [3, 4.5]]


def test_a_page_that_is_never_closed_takes_no_time():
    before = time.process_time()
    cells_of_html("<table>" + "<tr><td>" * 20_000)
    with pytest.raises(NumberError):
        cells_of_html("<table>" * 20_000)
    for part in ("<td ", "<!--", "<", "<style>", "</", "<td a='", "&amp", "<script></script>"):
        cells_of_html(part * 20_000)
    assert time.process_time() - before < 2
