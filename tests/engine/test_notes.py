"""Remarks on what was read reach whoever listens, each of them once."""

from __future__ import annotations

from threading import Thread

from quantoscope.engine.notes import Note, listening, say

A, B = Note("%1 of %2 were left out.", ("3", "1,000")), Note("The first column counts the rows.")


def test_a_remark_is_kept_once_in_the_order_in_which_they_were_said() -> None:
    with listening() as notes:
        say(B)
        say(A, B)
        say(Note(A.text, A.parts), Note(A.text, ("4", "1,000")))
    assert list(map(str, notes)) == [
        "The first column counts the rows.",
        "3 of 1,000 were left out.",
        "4 of 1,000 were left out.",
    ]


def test_who_listens_within_hears_alone_and_nobody_hears_afterwards() -> None:
    with listening() as outer:
        with listening() as inner:
            say(A)
        say(B)
        other = Thread(target=say, args=(A,))
        other.start()
        other.join()
    say(A)
    assert (outer, inner) == ([B], [A])
