"""Small rubric, level and preset files that are right, for tests to break line by line."""

RUBRIC = """\
kind: coding
ladder: ic
position: 1
title: Coding
short_title: Coding
summary: Code that a colleague would merge
twin: em_technical
minutes: 45
grades: >-
  Whether the code is fit
  to live in a repository.
weight_note: A gate.
dimensions:
  - key: contract
    label: Contract
    is_key: true
    anchors:
      l5: Restates the task.
      l6: Fixes signature and sizes.
      l7: Challenges the interface.
  - key: shape
    label: Shape of the code
    anchors:
      l5: Names things well.
      l6: Parts pure from impure.
      l7: Leaves a seam for what comes.
  - key: checking
    label: Checking
    anchors: {l5: Tries one case., l6: Tries the edges., l7: States an invariant.}
  - key: speed
    label: Speed
    anchors: {l5: Finishes late., l6: Finishes in time., l7: Finishes and reviews.}
downcodes:
  - key: hackathon
    text: One-letter names throughout
    applies_to: round
    cap: l5
  - key: untested
    text: Runs nothing
    applies_to: checking
    cap: below
phases:
  - {name: "Contract: what and how large", minutes: 10}
  - {name: Code, minutes: 35}
checklist:
  - Write one function a day.
probes:
  - What would you test first?
prompts:
  - key: limiter
    text: Build a limiter.
    kit:
      intent: Sees whether time is passed in.
      probes:
        - How many calls?
      hints:
        - Who knows the time?
      wrong_turns:
        - Reads the clock inside.
  - key: cache
    text: Build a cache.
"""

LEVELS = """\
ladders:
  ic:
    title: Engineer
    levels:
      - {rank: 0, scope: a part, width: one area, looks_for: works, labels: {default: below}}
      - {rank: 1, scope: a team, width: one area, looks_for: owns, labels: {default: L5, meta: E5}}
      - {rank: 2, scope: groups, width: three, looks_for: orders, labels: {default: L6, meta: E6}}
      - {rank: 3, scope: all, width: any, looks_for: sets, labels: {default: L7, meta: E8}}
  em:
    title: Engineering manager
    levels:
      - {rank: 0, scope: a part, width: one area, looks_for: works, labels: {default: below}}
      - {rank: 1, scope: a team, width: one area, looks_for: owns, labels: {default: EM-5}}
      - {rank: 2, scope: groups, width: three, looks_for: orders, labels: {default: EM-6}}
      - {rank: 3, scope: all, width: any, looks_for: sets, labels: {default: EM-7}}
"""

PRESETS = """\
presets:
  - key: short
    ladder: ic
    title: Short loop
    description: Two rounds of code.
    target_rank: 2
    rounds:
      - kind: coding
      - kind: coding
        title: Code review
        minutes: 15
        focus: Read, do not write.
"""


def twin(text: str = RUBRIC) -> str:
    """Return the manager's twin of the small rubric."""
    return (
        text.replace("kind: coding", "kind: em_technical", 1)
        .replace("ladder: ic", "ladder: em", 1)
        .replace("twin: em_technical", "twin: coding", 1)
    )


def catalogue() -> dict[str, str]:
    """Return files that fit together: two twins, the levels, one preset."""
    return {
        "coding.yaml": RUBRIC,
        "em_technical.yaml": twin(),
        "levels.yaml": LEVELS,
        "presets.yaml": PRESETS,
    }
