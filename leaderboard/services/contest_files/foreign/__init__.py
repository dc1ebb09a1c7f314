"""Competitions of other services, read as far as they can be told in a contest file.

bundle       a folder or a zip of which single texts are read; nothing is unpacked
codabench    competition.yaml of Codabench, and of CodaLab before it
evalai       challenge_config.yaml of EvalAI
taking       what all of them share: texts, dates, and the list of what is not taken over
"""
