"""People practise: cohorts, loops, rounds, attempts and their recordings. Knows the rubrics, not the grading."""
