"""How long a submission takes, in units of the reference in the same moments.

MEASUREMENT.md beside this file explains the method. From the clock to the published ratio:

    host, turns, between_runs        numbers of the host, and how they are measured
    probe, blocks, runner            what is timed, by a process of one model
    machine                          one evaluation at a time, cores, priority
    schedule, budget, stopping       which images, what may be spent, when it is enough
    answers, repeats                 the answers, and whether they change
    measuring, outcome               one measuring from start to end, and what it found
    tally, windows, robust           facts of quads, windows of quads, robust statistics
    intervals, plain                 the plain ratio and its interval
    calibration, covariates          the reference's own noise, and what the correction is made of
    regression, correction           the corrected ratio
    findings, publication            what is said about it, and whether it may be published
"""
