"""How many examples a law is tried on: as many as its test says, or a share of them."""

from hypothesis import settings


def examples(count: int) -> settings:
    """Try so many in the whole suite; a profile of `tests/conftest.py` takes a share of them."""
    return settings(
        max_examples=max(1, count * settings.default.max_examples // 100), deadline=None
    )
