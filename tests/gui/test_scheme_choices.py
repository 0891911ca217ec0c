import numpy as np, pytest
from PySide6.QtWidgets import QApplication
from tests.gui.plot_bench import noise
from tests.gui.test_channels import front, insight, click, alone

CASES = {
    "inf row": (np.vstack([noise(10), np.full(10, np.inf), noise(10, 2)]), "int8 symmetric"),
    "nan row": (np.vstack([noise(10), np.full(10, np.nan), noise(10, 2)]), "int8 symmetric"),
    "zero row": (np.vstack([noise(10), np.zeros(10), noise(10, 2)]), "int8 symmetric"),
    "zero row pc": (
        np.vstack([noise(10), np.zeros(10), noise(10, 2)]),
        "int8 symmetric per-channel(0)",
    ),
    "const row pc": (
        np.vstack([noise(10), np.full(10, 0.7), noise(10, 2)]),
        "int8 asymmetric per-channel(0)",
    ),
    "nan row pc": (
        np.vstack([noise(10), np.full(10, np.nan), noise(10, 2)]),
        "int8 symmetric per-channel(0)",
    ),
    "nf4": (np.vstack([noise(10), np.zeros(10), noise(10, 2)]), "nf4 symmetric per-channel(0)"),
    "q4_0": (np.vstack([noise(64), np.zeros(64), noise(64, 2)]), "q4_0"),
    "mx": (np.vstack([noise(64), np.zeros(64), noise(64, 2)]), "mxfp4-gguf"),
    "tiny": (
        np.vstack([noise(64) * np.float32(1e-44), noise(64, 2)]),
        "int8 symmetric per-channel(0)",
    ),
    "empty2d": (np.zeros((0, 4)), "int8 symmetric"),
    "empty2d2": (np.zeros((4, 0)), "int8 symmetric"),
}


@pytest.mark.parametrize("case", CASES)
def test_it(open_window, case, person):
    array, scheme = CASES[case]
    w = open_window(array.astype(np.float32), scheme, "int4 asymmetric")
    front(w, "channels")
    for x in range(3):
        click(w, "channels", x)
        print(alone(w))
        for key in w.plots:
            print("   ", insight(w, key))
            w.plots[key].grab()
        click(w, "distribution", 0, 0.5)
    print(w.statusBar().summary.text())
