"""Fair levels from peers' ratings: the model, its notation and units; the code is in the modules.

Every rating is put on the *level scale*: rank r (0 below, 1 L5, 2 L6, 3 L7) occupies the zone
[r, r + 1) and a rating of rank r sits at r + 0.5; the bar of rank r is at r. All that is said here
in "levels" is in this unit, all variances in levels squared, and every band is an 80 % interval.

Model, one round kind at a time: crossed random effects on the mean, as in generalizability theory
(Brennan 2001) and the linear mixed model (Henderson 1975; Searle, Casella & McCulloch 1992),

    y_agd = x_a - alpha_g - delta_d + u_ag + e_agd

    y_agd    rating that grader g gave attempt a on dimension d; *not observed* is missing, not 0
    x_a      level of attempt a, as a typical grader of these attempts sees it; no prior, so the
             estimate is a corrected mean and owes nothing to other attempts of the candidate
    alpha_g  severity of grader g ~ N(0, tau2); positive = rates lower than others do
    delta_d  difficulty of dimension d ~ N(0, 0.25); positive = rated lower; sums to 0
    u_ag     halo ~ N(0, s2_u): what grader g saw in attempt a as a whole and others did not
    e_agd    what is left ~ N(0, s2_e), the rounding to ranks included

The halo is why five dimensions from one grader are not five pieces of evidence: the mean r_ag of
m ratings, each with delta_d added back, has variance v_ag = s2_u + s2_e / m.

Estimation compares only like with like, so each step cancels what the step does not estimate:
difficulties come from differences within one review, severities from differences between the
graders of one attempt (an attempt with one grader says nothing about that grader), and levels are
what remains. Variances are found by EM with weak priors on published shares, so few data give wide
bands and many data speak for themselves. Severity is applied from the first shared attempt on:
shrinking does gradually what a minimum number of gradings would do at once.

What the model leaves out: ranks are treated as numbers, so levels near the ends of the scale are
drawn inwards; all graders are equally consistent; severity does not drift.

    ratings.py       what goes in, and its checks
    estimate.py      the way in, `calibrate`, and what comes out
    difficulties.py  first step: delta and s2_e
    severities.py    second step: alpha, tau2 and s2_u
    variances.py     what both share in finding variances
    priors.py        the variances assumed, and where they come from
    agreement.py     how much graders agree before anything is corrected
    linking.py       who can be compared with whom
    scale.py         the level scale
"""
