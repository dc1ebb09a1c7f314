"""Where models run: processes that can do nothing but compute.

The zygote imports this package before its locks, so nothing is imported here.
"""
