"""Where models run: processes that can only compute.

The zygote imports this package before its locks. So this file imports nothing.
"""
