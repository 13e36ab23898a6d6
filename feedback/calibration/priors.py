"""Variances assumed before there are data, in levels squared, and where they come from.

The reliability of one interviewer in one interview is about .44, of several raters of one
interview about .74 (Huffcutt, Culbertson & Weyhrauch 2013; 125 coefficients, N = 32,428). Read as
shares of the variance of one grading: person .44, occasion and prompt .30, rater .26. One grading
has a standard deviation of .8 levels. An instance's own data replace these as they come in.
"""

GRADING_VARIANCE = 0.8**2
OCCASION_SHARE = 0.30
RATER_SHARE = 0.26

OCCASION_VARIANCE = OCCASION_SHARE * GRADING_VARIANCE
RATER_VARIANCE = RATER_SHARE * GRADING_VARIANCE

# A severity measured on n gradings that one other person graded too is to keep n / (n + 8) of
# itself. Such a comparison carries the noise v of both reviews, so 2 v / tau2 = 8. With
# v + tau2 = RATER_VARIANCE this fixes the two parts of what is a rater's doing.
GRADINGS_TO_HALVE = 8
SEVERITY_VARIANCE = RATER_VARIANCE / (1 + GRADINGS_TO_HALVE / 2)
REVIEW_VARIANCE = RATER_VARIANCE - SEVERITY_VARIANCE

# One rating about its review's mean: our choice, half a level. Of it, 1/12 is rounding to ranks
# (Sheppard's correction), which no agreement takes away.
RESIDUAL_VARIANCE = 0.5**2
ROUNDING_VARIANCE = 1 / 12

# What is left of a review's noise when five dimensions, a usual rubric, have been averaged.
HALO_VARIANCE = REVIEW_VARIANCE - RESIDUAL_VARIANCE / 5

# Dimensions of one rubric are written to be about equally hard: our choice, half a level.
DIFFICULTY_VARIANCE = 0.5**2

# How many graders, reviews and ratings each assumption above is worth against real ones.
GRADERS_WORTH = 8
REVIEWS_WORTH = 12
RATINGS_WORTH = 16

# No grader's shift moves an attempt by more than this many levels; the rest widens its band.
LARGEST_SHIFT = 0.5
