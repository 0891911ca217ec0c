"""Extra columns of the value table: codes stored in the file, and a device's codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication

from quantoscope.engine import Stage
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.document.session import Session

Column = Callable[[Any], Any]
"""Returns the contents at flat positions of the array."""
_tr = partial(QCoreApplication.translate, "beside")


def columns_beside(session: Session) -> dict[Stage, Column]:
    """Return the current tensor's extra columns.

    Each has a stage with its head and, instead of a formula, a description.
    """
    columns: dict[Stage, Column] = {}
    in_file, device = session.current.block_codes, session.device
    if in_file is not None and in_file.codes.shape == session.array.shape:
        where = filled(_tr("%1 in %2"), in_file.format, in_file.source)
        codes = in_file.codes.reshape(-1)
        columns[
            _head("stored_code", _tr("stored Q"), _tr("The code that the file holds, %1"), where)
        ] = codes.__getitem__
        columns[
            _head("stored_scale", _tr("stored S"), _tr("The scale of the block, %1"), where)
        ] = in_file.scale_at
        if in_file.minimum is not None:
            text = _tr("What the file adds to the values of the block, %1")
            columns[_head("stored_minimum", _tr("stored min"), text, where)] = in_file.minimum_at
    if device is not None and device.codes.size == session.array.size:
        text = _tr("The code in %1")
        columns[_head("device_code", _tr("device Q"), text, device.name)] = device.codes.reshape(
            -1
        ).__getitem__
    return columns


def _head(key: str, symbol: str, text: str, where: str) -> Stage:
    return Stage(key, symbol, filled(text, where))
