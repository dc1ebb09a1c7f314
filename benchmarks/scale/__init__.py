"""What pages, boards, the queue and recording cost as submissions grow.

A database of the wheel's PostgreSQL (or `--sqlite`) is filled with submissions whose reports have
their real size, and each row of the table is measured in it: `world` fills, `measure` measures, the
rows themselves stand in `rows`, a file to a subject. To add one, write a function there.
"""
