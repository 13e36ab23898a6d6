"""A prompt's text parted into prose and code."""

import pytest
from django.template.loader import render_to_string

from rubrics.prompt_text import Block, blocks, opening

PROSE = "Design a queue. It must not lose anything."
CODE = "    def f(x):\n        return x"


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        (PROSE, [Block(PROSE, False)]),
        ("Wrapped by\nthe catalogue.", [Block("Wrapped by the catalogue.", False)]),
        ("One.\n\nTwo.", [Block("One.", False), Block("Two.", False)]),
        (
            f"{PROSE}\n\n{CODE}\n\nThen more.",
            [
                Block(PROSE, False),
                Block("def f(x):\n    return x", True),
                Block("Then more.", False),
            ],
        ),
        (
            f"Read.\r\n\r\n{CODE}\r\n\r\n    f(1)\r\n",
            [Block("Read.", False), Block("def f(x):\n    return x\n\nf(1)", True)],
        ),
        (f"{PROSE}\n\n\n{CODE}", [Block(PROSE, False), Block("def f(x):\n    return x", True)]),
        ("A list\n    of one paragraph", [Block("A list of one paragraph", False)]),
        ("", []),
    ],
)
def test_blocks_part_prose_and_code(text: str, parted: list[Block]) -> None:
    assert blocks(text) == parted


@pytest.mark.parametrize(
    ("text", "first"),
    [(f"Wrapped\nline.\n\n{CODE}", "Wrapped line."), (f"{CODE}\n\nAfter.", "After."), (CODE, "")],
)
def test_opening_is_the_first_prose(text: str, first: str) -> None:
    assert opening(text) == first


def test_a_prompt_is_drawn_with_its_code_as_code() -> None:
    html = render_to_string("parts/_prompt.html", {"text": f"Read <this>.\n\n{CODE}"})

    assert "<p>Read &lt;this&gt;.</p>" in html
    assert '<pre class="prompt__code"><code>def f(x):\n    return x</code></pre>' in html
