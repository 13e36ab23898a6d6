"""Connected subsets of who graded what: inside one, severities can be compared; across, not."""

from collections import Counter

from feedback.calibration.ratings import Indices


def components(review_attempt: Indices, review_grader: Indices) -> list[int]:
    """Return for each attempt row the number of its connected subset.

    Attempts are connected by a shared grader. Subset 0 holds the most attempts; of equal ones the
    one with the earlier attempt comes first. Every attempt row has at least one review.
    """
    parent: dict[int, int] = {}

    def root(grader: int) -> int:
        parent.setdefault(grader, grader)
        while parent[grader] != grader:
            parent[grader] = parent[parent[grader]]
            grader = parent[grader]
        return grader

    grader_of_attempt: dict[int, int] = {}
    for attempt, grader in zip(review_attempt.tolist(), review_grader.tolist(), strict=True):
        first = grader_of_attempt.setdefault(attempt, grader)
        parent[root(grader)] = root(first)

    roots = [root(grader_of_attempt[attempt]) for attempt in sorted(grader_of_attempt)]
    sizes = Counter(roots)  # counts in order of first appearance, and sorting is stable
    number = {subset: place for place, (subset, _) in enumerate(sizes.most_common())}
    return [number[subset] for subset in roots]
