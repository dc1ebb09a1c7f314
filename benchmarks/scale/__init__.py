"""What pages, boards, the queue and recording cost as submissions grow.

A database of the wheel's PostgreSQL (or `--sqlite`) is filled with submissions whose reports have
their real size. Each row of the table is measured in it. `world` fills and `measure` measures. The
rows stand in `rows`, one file for each subject. To add a row, write a function there.
"""
