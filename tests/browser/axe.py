"""axe-core over a page: the rules of WCAG 2.2 AA, each breach told in one line.

The script is put into the page's own world over the debugging protocol, which the content security
policy does not forbid; a script element would be refused.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parent.parent / "vendor" / "axe"
SCRIPT = FOLDER / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """
async (tags) => {
  const found = await axe.run(document, {
    runOnly: { type: "tag", values: tags },
    resultTypes: ["violations"],
    preload: false,
  });
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) =>
      `${id}: ${target.join(" ")}: ${failureSummary.replace(/\\s+/g, " ")}`));
}
"""


def breaches(page: "Page") -> list[str]:
    """Return what breaks a rule on the page as it is now: rule, element, reason."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT.read_text())
    found: list[str] = page.evaluate(RUN, TAGS)
    return found
