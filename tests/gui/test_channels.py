import numpy as np
from PySide6.QtWidgets import QApplication, QComboBox
from engine.examples import example


def test_probe(open_window, person):
    w = open_window(
        example("convolution").make(), "int8 symmetric", "int8 symmetric per-channel(0)"
    )
    w.docks["channels"].raise_()
    QApplication.processEvents()
    p = w.plots["channels"]
    print(
        p.height(),
        p.isVisible(),
        [(b.accessibleName(), b.isVisible()) for b in p.findChildren(QComboBox)],
    )
    print(p.plot.insight)
    for i in p.plot.item.items:
        print(type(i).__name__, i.isVisible())
    w.session.focus_on(5)
    QApplication.processEvents()
    for k in ("signal", "error"):
        print(w.plots[k].plot.insight, w.plots[k].plot.item.getAxis("bottom").labelText)
        for i in w.plots[k].plot.item.items:
            print("  ", type(i).__name__, i.isVisible())
    print(w.statusBar().summary.text())
    print(w.docks["results"].head.insight.text())
    w.docks["difference"].raise_()
    w.docks["compare"].raise_()
    QApplication.processEvents()
    print(w.compare.isVisible(), w.plots["difference"].isVisible())
    d = w.plots["difference"].plot
    print(d.insight)
    print(w.docks["compare"].head.insight.text())
    print(w.compare.example.toPlainText())
    person.choose(w.compare.boxes[0], "int8 symmetric per-channel(0)")
    print(w.docks["compare"].head.insight.text())
    print("DIFF:", d.insight, w.docks["difference"].head.insight.text())
