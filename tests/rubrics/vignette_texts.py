"""A small file of vignettes that is right for the rubric of `texts.py`, to break line by line."""

WORDS = " ".join(f"word{number}" for number in range(150))
DIMENSIONS = ("contract", "shape", "checking", "speed")


def vignette(key: str = "first-one", *, level: str = "l5", more: str = "", text: str = "") -> str:
    """Return one vignette as it stands in a file; each takes 20 lines and more's."""
    references = "".join(
        f"      {dimension}:\n        level: {level}\n        reason: Because of it.\n"
        for dimension in DIMENSIONS
    )
    return (
        f"  - key: {key}\n"
        f"    title: Title of {key}\n"
        "    author: The writers\n"
        "    reviewer: A second reader\n"
        "    prompt: What was asked?\n"
        f"    text: {text or WORDS}\n"
        f"{more}"
        f"    references:\n{references}"
    )


def file(*vignettes: str, kind: str = "coding") -> str:
    """Return a file with these vignettes, or with one."""
    return f"kind: {kind}\nvignettes:\n" + "".join(vignettes or [vignette()])


def pair(one: str = "fluent-and-empty", other: str = "halting-and-rich") -> str:
    """Return a file with a trap pair."""
    return file(
        vignette("first-one", more=f"    shows: {one}\n    pair: other-one\n"),
        vignette("other-one", more=f"    shows: {other}\n    pair: first-one\n"),
    )
