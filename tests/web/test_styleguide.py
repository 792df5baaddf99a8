"""A component that is not on the styleguide is one that no scan has seen."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

TEMPLATES = Path(settings.BASE_DIR) / "marketplace/web/templates"
# The frame and the answer forms are drawn on the styleguide's pages too.
SHOWN = ("web/styleguide/show.html", "web/styleguide/format.html", "web/app.html", "web/answers")


def test_every_component_is_on_the_styleguide() -> None:
    files = [path for name in SHOWN for path in [TEMPLATES / name, *(TEMPLATES / name).glob("*")]]
    shown = "".join(path.read_text() for path in files if path.is_file())
    used = set(re.findall(r"<c-([a-z-]+)", shown))

    there_are = {path.stem.replace("_", "-") for path in (TEMPLATES / "cotton").glob("*.html")}
    assert there_are - used == set()


def test_pages_use_no_component_that_does_not_exist() -> None:
    there_are = {path.stem.replace("_", "-") for path in (TEMPLATES / "cotton").glob("*.html")}

    used = {
        name
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(r"<c-([a-z-]+)", path.read_text())
    }
    assert used - there_are == {"slot", "vars"}
