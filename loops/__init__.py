"""People practise: cohorts, loops, rounds, attempts, recordings. Knows rubrics, not the grading."""
