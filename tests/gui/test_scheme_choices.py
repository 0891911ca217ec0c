import numpy as np
from PySide6.QtWidgets import QApplication
from PySide6.QtTest import QTest

def vis(w):
    return {k: (d.pane.isVisible(), d.isVisible(), d.visibleRegion().isEmpty(), d.pane.visibleRegion().isEmpty()) for k, d in w.docks.items() if k in ("results","compare","distribution","difference","channels","codes")}

def test_probe(open_window, person):
    w = open_window(np.arange(5.), "int8 symmetric", "int8 asymmetric")
    print(vis(w), w.session._watchers)
    QTest.qWait(500)
    print(vis(w), w.session._watchers)
    print(w.docks["compare"].geometry(), w.docks["results"].geometry(), w.pos())
    print(w.session.shown.comparison)
    w.docks["compare"].raise_(); QApplication.processEvents()
    w.docks["results"].raise_(); QApplication.processEvents()
    print(vis(w), w.session._watchers)
