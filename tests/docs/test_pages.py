# SPDX-License-Identifier: Apache-2.0
"""What can be said of the documentation without building it; ``scripts/docs.py`` checks the links to headings too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent.parent
START_PAGE = CHECKOUT / "docs" / "README.md"
PAGES = sorted((CHECKOUT / "docs").rglob("*.md"))
README = CHECKOUT / "README.md"


def local_links(text: str, page: Path) -> list[Path]:
    """Return where the links of a text lead on the disk, but for those within the page."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", prose)
    return [(page.parent / target).resolve() for target in targets if "://" not in target]


def name(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def test_every_page_is_in_the_navigation() -> None:
    entries = "\n".join(re.findall(r"^- \[.*", START_PAGE.read_text(), re.MULTILINE))
    assert {*PAGES} - {START_PAGE} - {*local_links(entries, START_PAGE)} == set()


def test_the_readme_leads_to_the_documentation() -> None:
    assert START_PAGE in local_links(README.read_text(), README)


def test_the_readme_takes_five_minutes() -> None:
    assert len(README.read_text().splitlines()) <= 180


@pytest.mark.parametrize("page", [*CHECKOUT.glob("*.md"), *PAGES], ids=name)
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = local_links(page.read_text(), page)
    assert [str(link) for link in links if not link.is_file()] == []
