"""Every page of a site and of its panel, looked at in Chromium.

A command: `python -m benchmarks.pages --help`. Addresses come from the URL configuration, so a new
page is looked at without a change here. A page that needs a row is named in `rows`.
"""
